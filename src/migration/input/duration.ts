import { MigrationError } from '../problem/errors.js';

/** Milliseconds of a unit, in the spelling of Go's durations, and days. */
const units: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const durationPattern = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;

/** True for `30s`, `1h30m`, `7d`. */
export function isDuration(text: string): boolean {
  return durationPattern.test(text);
}

/** Milliseconds of a duration such as `1h30m`. @throws MigrationError INVALID_INPUT */
export function parseDuration(text: string): number {
  if (!isDuration(text))
    throw new MigrationError(
      'INVALID_INPUT',
      `invalid duration: ${JSON.stringify(text)}`,
      {},
      'write it as 30s, 1h30m or 7d',
    );
  return [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)].reduce(
    (sum, [, count, unit = '']) => sum + Number(count) * (units[unit] ?? 0),
    0,
  );
}
