import type { RowReader } from '../../effects/row-reader.js';
import { differingKeys, sameChecksum, type Checksum, type Key } from '../../migration/checksum/scope.js';
import { MigrationError } from '../../migration/problem/errors.js';
import { mostKeysAtOnce, type TrackedTable } from './tables.js';
import { partTimeout, wholeTimeout, type Work } from './work.js';

/** Milliseconds that reading a part should take; and the rows of a part. */
const aim = 500;
const [leastRows, mostRows] = [500, 500_000];
/** Rows that are looked at one by one: first of a range, and at most where many have the same key. */
const fewRows = 500;
const manyRows = 20_000;

/** What was read of a part of a table. */
export interface Reading {
  work: Work;
  same: boolean;
  source: Checksum;
  target: Checksum;
  /** Keys of the rows that differ; undefined when the rows have not been looked at one by one. */
  keys: Key[] | undefined;
}

/**
 * Reads a part of a table on both sides. Undefined when MySQL took too long: less is read at once next time.
 * @throws MigrationError for everything else
 */
export async function readPart(work: Work, source: RowReader, target: RowReader): Promise<Reading | undefined> {
  const { of, scope } = work;
  const timeout = of.table.key.length === 0 ? wholeTimeout : partTimeout;
  const begun = Date.now();
  const [here, there] = await Promise.allSettled(
    [source, target].map((reader) => reader.checksum(of.table, scope, timeout)),
  );
  if (here?.status !== 'fulfilled' || there?.status !== 'fulfilled') {
    const failed = [here, there].find((side) => side?.status === 'rejected');
    readLess(of, failed?.reason, Date.now() - begun, timeout);
    return undefined;
  }
  if (work.kind !== 'keys') adjust(of, Date.now() - begun);
  const sides = { source: here.value, target: there.value };
  const same = sameChecksum(sides.source, sides.target);
  const keys = same ? [] : await singleRows(work, source, target, sides);
  return { work, same, ...sides, keys };
}

async function singleRows(
  { kind, of, scope }: Work,
  source: RowReader,
  target: RowReader,
  sides: { source: Checksum; target: Checksum },
): Promise<Key[] | undefined> {
  const rows = Math.max(sides.source.rows, sides.target.rows);
  if (of.table.key.length === 0 || rows > (kind === 'keys' ? manyRows : fewRows)) return undefined;
  const most = 2 * manyRows;
  const [here, there] = await Promise.all(
    [source, target].map((reader) => reader.rowChecksums(of.table, scope, most, partTimeout)),
  );
  return differingKeys(here ?? [], there ?? []);
}

function adjust(of: TrackedTable, tookMs: number): void {
  const factor = Math.min(4, Math.max(0.25, aim / Math.max(tookMs, 1)));
  of.rowsAtOnce = Math.round(Math.min(mostRows, Math.max(leastRows, of.rowsAtOnce * factor)));
  of.keysAtOnce = Math.min(mostKeysAtOnce, of.keysAtOnce * 2);
}

/** MySQL ends a query at its time-out with an error that the tablet passes on. */
function readLess(of: TrackedTable, error: unknown, tookMs: number, timeoutMs: number): void {
  if (!(error instanceof MigrationError) || error.code === 'ROW_TOO_LONG' || tookMs < timeoutMs || of.rowsAtOnce === 1)
    throw error;
  of.rowsAtOnce = Math.max(1, Math.floor(of.rowsAtOnce / 4));
}
