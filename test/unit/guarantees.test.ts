import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checks } from '../../src/migration/preflight/checks/index.js';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

const page = read('docs/guarantees.md').replaceAll(/\s+/g, ' ');

/** The numbers that the page gives, by the groups of a pattern. */
function numbers(pattern: RegExp): number[] {
  const match = pattern.exec(page);
  if (match === null) throw new Error(`docs/guarantees.md says nothing like ${String(pattern)}`);
  return match.slice(1).map((text) => Number(text.replaceAll(',', '')));
}

describe('docs/guarantees.md', () => {
  it('counts the checks of preflight by severity', () => {
    const severities: string[] = checks.map(({ severity }) => severity);
    const of = (severity: string) => severities.filter((each) => each === severity).length;
    expect(numbers(/(\d+) checks: (\d+) errors, (\d+) warnings, (\d+) notices/)).toEqual([
      severities.length,
      of('error'),
      of('warning'),
      of('notice'),
    ]);
  });

  it('counts the stored histories', () => {
    const manifest = JSON.parse(read('test/replay/manifest.json')) as Record<string, string>;
    expect(numbers(/(\d+) stored histories/)).toEqual([Object.keys(manifest).length]);
  });

  it('counts the phases, the messages and their cases', () => {
    const promises = read('docs/completing-and-cancelling.md');
    const table = /^\| phase \|.*\n\|[-|]+\|\n(?:\|.*\n)+/m.exec(promises)?.[0] ?? '';
    const [head = '', , ...phases] = table.trimEnd().split('\n');
    const messages = head.split('|').length - 3;
    expect(numbers(/(\d+) phases × (\d+) messages, .*?: (\d+) cases/)).toEqual([
      phases.length,
      messages,
      phases.length * (messages + messages ** 2),
    ]);
  });

  it('counts the generated inputs of a property', () => {
    const [, runs = ''] = /const numRuns = ([\d_]+);/.exec(read('test/unit/fuzz.test.ts')) ?? [];
    expect(numbers(/properties of ([\d,]+) inputs each/)).toEqual([Number(runs.replaceAll('_', ''))]);
  });

  it('names the versions that docker-compose.yml uses', () => {
    const images = read('docker-compose.yml');
    const version = (image: string) => new RegExp(`image: ${image}:v?(\\S+)`).exec(images)?.[1] ?? 'none';
    expect(page).toContain(
      `MySQL ${version('mysql')} and etcd ${version('quay.io/coreos/etcd')}, with the same Vitess`,
    );
    expect(page).toContain(`Measured with Vitess ${version('vitess/lite')}`);
  });
});
