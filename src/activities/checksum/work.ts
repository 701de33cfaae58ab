import type { RowReader } from '../../effects/row-reader.js';
import { keyId, type Key, type KeyRange, type Scope } from '../../migration/checksum/scope.js';
import { mostKeys, type Suspect } from '../../migration/checksum/table-proof.js';
import type { TrackedTable } from './tables.js';

/** A part of a table to be read on both sides. */
export type Work = { of: TrackedTable; scope: Scope } & (
  { kind: 'walk'; range: KeyRange } | { kind: 'suspect'; suspect: Suspect } | { kind: 'keys'; keys: Key[] }
);

/** Milliseconds that one query may take: for a part of a table, and for a table without a key. */
export const partTimeout = 50_000;
export const wholeTimeout = 3_600_000;
/** Milliseconds between two looks at differences that wait for a person. */
const differencesEvery = 30_000;
/** Batches of keys of one table in a round, and suspects. */
const mostBatches = 20;
const mostSuspectsAtOnce = 8;

/** What to read next of a table, in the order of its haste: rows that have changed, what has differed, and the rest. */
export async function nextWork(of: TrackedTable, source: RowReader, target: RowReader): Promise<Work[]> {
  const { proof } = of;
  const work: Work[] = [];
  const waits = proof.differing.length >= mostKeys || (proof.differs && (of.stuck || of.table.key.length === 0));
  const due = Date.now() - of.differencesAt >= differencesEvery;
  if (!waits || due) {
    const keys = [...(due ? proof.differing : []), ...proof.dirty];
    for (let n = 0; n < mostBatches && n * of.keysAtOnce < keys.length; n++) work.push(keysWork(of, keys, n));
    of.stuck = false;
    for (const wide of proof.suspects.slice(0, mostSuspectsAtOnce)) {
      const suspect = await narrowed(of, wide, source, target);
      work.push({ of, kind: 'suspect', suspect, scope: { range: suspect.range } });
    }
    if (due && proof.differs) of.differencesAt = Date.now();
  }
  if (!proof.walkDone) {
    const rest = { after: proof.walked, upTo: null };
    const range = { ...rest, upTo: (await boundary(of, source, rest, of.rowsAtOnce)) ?? null };
    work.push({ of, kind: 'walk', range, scope: { range } });
  }
  return work;
}

function keysWork(of: TrackedTable, all: readonly Key[], batch: number): Work {
  const keys = all.slice(batch * of.keysAtOnce, (batch + 1) * of.keysAtOnce);
  return { of, kind: 'keys', keys, scope: { keys } };
}

/** A suspect, or a part of it that is read in one go. */
async function narrowed(of: TrackedTable, suspect: Suspect, source: RowReader, target: RowReader): Promise<Suspect> {
  if (Math.max(suspect.source, suspect.target) <= of.rowsAtOnce) return suspect;
  const [first] = await split(of, suspect, source, target, of.rowsAtOnce);
  return first ?? suspect;
}

/**
 * Splits a suspect after some rows of the side that has more of them. It stays as it is where that cannot be done: many
 * rows may have the same beginning of a key.
 */
export async function split(
  of: TrackedTable,
  suspect: Suspect,
  source: RowReader,
  target: RowReader,
  rows: number,
): Promise<Suspect[]> {
  const side = suspect.target > suspect.source ? target : source;
  const key = await boundary(of, side, suspect.range, rows);
  if (key === undefined || (suspect.range.upTo !== null && keyId(key) === keyId(suspect.range.upTo))) return [suspect];
  const { settled } = suspect;
  const first = (count: number) => Math.min(count, rows);
  const parts: Suspect[] = [
    {
      range: { after: suspect.range.after, upTo: key },
      settled,
      source: first(suspect.source),
      target: first(suspect.target),
    },
    {
      range: { after: key, upTo: suspect.range.upTo },
      settled,
      source: suspect.source - first(suspect.source),
      target: suspect.target - first(suspect.target),
    },
  ];
  of.proof.replace(suspect, parts);
  return parts;
}

function boundary(of: TrackedTable, reader: RowReader, range: KeyRange, rows: number): Promise<Key | undefined> {
  if (of.table.key.length === 0) return Promise.resolve(undefined);
  return reader.boundary(of.table, range, rows, partTimeout);
}
