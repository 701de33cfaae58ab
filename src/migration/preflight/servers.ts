import type { Found } from './check.js';
import type { ServerFacts } from './facts.js';

/** Servers on which a variable has another value. A variable that a MySQL does not have is not judged. */
export function judgeSetting(
  servers: readonly ServerFacts[],
  variable: string,
  value: string,
  remedy: string,
): Found[] {
  return servers.flatMap(({ place, variables }) => {
    const actual = variables[variable];
    if (actual === undefined || actual.toUpperCase() === value) return [];
    return [{ message: `${variable} is ${actual}, not ${value}`, place, remedy }];
  });
}

type Version = [major: number, minor: number];

/** The release of a MySQL; 0.0 when it has none. */
export function versionOf({ variables }: ServerFacts): Version {
  const [, major = '0', minor = '0'] = /^(\d+)\.(\d+)/.exec(variables['version'] ?? '') ?? [];
  return [Number(major), Number(minor)];
}

export function compareVersions(a: Version, b: Version): number {
  return a[0] === b[0] ? a[1] - b[1] : a[0] - b[0];
}
