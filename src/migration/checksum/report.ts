import type { SourceWrites } from '../proof/late-writes.js';
import { fitting, shortened } from '../problem/bounded.js';
import { mostKeys, type TableProof, type TableProofState } from './table-proof.js';

/** The proof of a migration as it is kept beside its journal. */
export interface ProofState {
  /** By source shard: everything up to here is accounted for. */
  positions: Record<string, string>;
  tables: Record<string, TableProofState>;
  /** A record of an earlier version has none. */
  identities?: Identities;
  /** Who writes to the source; a record of an earlier version does not say it. */
  writes?: SourceWrites;
}

/** What InnoDB called the tables when they were last looked at. */
export interface Identities {
  /** By side and shard: the `server_uuid`, without which an ID means nothing. */
  servers: Record<string, string>;
  /** By table: its IDs on all shards of both sides, or a hash of them. */
  tables: Record<string, string>;
}

/** A table whose rows differ though nothing is on its way. */
export interface TableDifference {
  table: string;
  /** Rows of each side, as far as they have been read. */
  source: number;
  target: number;
  /** The keys of up to ten rows, each as `a = 1, b = 'x'`. */
  keys: string[];
  /** It has FLOAT columns, which the copy rounds. */
  floats?: boolean;
}

/** A table whose proof a statement on the source has made void, and that is being compared anew. */
export interface VoidedTable {
  table: string;
  statement: string;
}

/** A table that is proven to be equal. */
export interface ProvenTable {
  table: string;
  /** Rows of the source and the sum of their checksums, as they were first read. */
  rows: number;
  checksum: string;
  /** ISO 8601: when the table was last seen to be equal. */
  at: string;
}

/** How far the proof is: of a bounded size. */
export interface ProofReport {
  /** ISO 8601: when the source was at these positions, up to which everything is accounted for. */
  at: string;
  /** By source shard. */
  positions: Record<string, string>;
  /** Tables, and those of them that are proven. */
  tables: number;
  proven: number;
  /** Rows that have been read. */
  rows: number;
  /** Rows that have changed since they were last compared. */
  changing: number;
  /** ISO 8601: the table whose proof is the oldest; null when a table has not been proven yet. */
  oldest: string | null;
  differing: TableDifference[];
  voided: VoidedTable[];
  /** Tables that cannot be compared, and why. */
  unprovable: { table: string; reason: string }[];
  /** Tables that differ, or cannot be compared, and are not listed; a report of an earlier version has none. */
  unlisted?: number;
  /** What keeps the proof from going on; null while it goes on. */
  held: string | null;
  /** Why it goes slowly; null while it need not, and in a report of an earlier version. */
  slowed?: string | null;
  /** Some of the proven tables. */
  tablesProven: ProvenTable[];
}

/** Tables that a list of a report holds, and characters of a statement, a reason, and of all keys of a table. */
const listed = 20;
const longestText = 200;
const longestKeys = 300;

/** A table, its proof, and the names of its key's columns. */
export interface TrackedProof {
  name: string;
  proof: TableProof;
  key: readonly { name: string; form: string }[];
  floats: boolean;
}

/** Sums up the proof of every table. */
export function proofReport(
  state: Pick<ProofReport, 'at' | 'positions' | 'held' | 'slowed'>,
  tracked: readonly TrackedProof[],
  unprovable: readonly { table: string; reason: string }[],
): ProofReport {
  const proven = tracked.filter(({ proof }) => proof.proven);
  const differing = tracked.filter(({ proof }) => proof.differs);
  const times = tracked.map(({ proof }) => proof.provenAt);
  return {
    ...state,
    tables: tracked.length + unprovable.length,
    proven: proven.length,
    rows: tracked.reduce((rows, { proof }) => rows + proof.read.rows, 0),
    changing: tracked.reduce((rows, { proof }) => rows + proof.dirty.length, 0),
    oldest: unprovable.length > 0 || times.includes(null) ? null : (times.sort()[0] ?? null),
    differing: differing.slice(0, listed).map(differenceOf),
    voided: tracked
      .flatMap(({ name, proof: { voided } }) =>
        voided === null ? [] : [{ table: name, statement: shortened(voided, longestText) }],
      )
      .slice(0, listed),
    unprovable: unprovable
      .slice(0, listed)
      .map(({ table, reason }) => ({ table, reason: shortened(reason, longestText) })),
    unlisted: Math.max(0, differing.length - listed) + Math.max(0, unprovable.length - listed),
    tablesProven: proven.slice(0, listed).map(({ name, proof }) => ({
      table: name,
      rows: proof.read.rows,
      checksum: proof.read.sum,
      at: proof.provenAt ?? state.at,
    })),
  };
}

/** True when every table is proven to be equal. */
export function isProven(report: ProofReport): boolean {
  return report.proven === report.tables;
}

/** What makes a report worth recording when it changes: not the rows that have been read, nor those that change. */
export function proofFingerprint({ oldest, differing, voided, unprovable }: ProofReport): string {
  const names = (tables: readonly { table: string }[]) => tables.map(({ table }) => table);
  return JSON.stringify([oldest !== null, names(differing), names(voided), names(unprovable)]);
}

function differenceOf({ name, proof, key, floats }: TrackedProof): TableDifference {
  return {
    table: name,
    source: proof.read.rows,
    target: proof.targetRows,
    keys: fitting(
      proof.differing.slice(0, mostKeys).map((values) => shortened(describeKey(key, values), longestText)),
      mostKeys,
      longestKeys,
    ),
    ...(floats ? { floats } : {}),
  };
}

/** `tenant = 7, code = 'abc'`; what is no text as hexadecimal digits. */
function describeKey(key: TrackedProof['key'], values: readonly string[]): string {
  return key.map(({ name, form }, n) => `${name} = ${describeValue(form, values[n] ?? '')}`).join(', ');
}

function describeValue(form: string, value: string): string {
  if (form === 'number') return value;
  if (form !== 'hex') return `'${value}'`;
  const printable = /^(2[0-9A-F]|[3-6][0-9A-F]|7[0-9A-E])*$/.test(value);
  return printable ? `'${fromHex(value)}'` : `x'${value}'`;
}

function fromHex(hex: string): string {
  return hex.replace(/../g, (byte) => String.fromCharCode(parseInt(byte, 16)));
}
