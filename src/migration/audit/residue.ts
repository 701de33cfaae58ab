/** The parts of each kind of residue, besides the target keyspace. */
interface Parts {
  /** The streams of a workflow on a shard. */
  stream: { shard: string; workflow: string };
  /** Rows of a VDiff in `_vt`. `id` is its UUID; `#` and a number where only rows of its parts are left. */
  vdiff: { shard: string; id: string };
  /** Copy state in `_vt` of a stream that is gone, by the stream's ID. */
  'copy-state': { shard: string; stream: string };
  table: { shard: string; table: string };
  /** An entry in the denied tables of a target shard. */
  denied: { shard: string; table: string };
  /** An entry in the denied tables of a source shard, which the journal of this run lists. */
  fence: { mount: string; sourceKeyspace: string; shard: string; table: string; workflow: string; runId: string };
  /** A lock by its key in the topology. `workflow` is null for the lock of the keyspace itself. */
  lock: { workflow: string | null; key: string };
  journal: { workflow: string; runId: string };
}

export type ResidueKind = keyof Parts;

/** Something that a migration makes and may leave behind. `keyspace` is the target keyspace. */
export type Residue<K extends ResidueKind = ResidueKind> = {
  [Kind in K]: { kind: Kind; keyspace: string } & Parts[Kind];
}[K];

/** Whether something is residue, and whether it can be removed. */
export interface Verdict {
  /** See `residueName`. */
  name: string;
  /** The workflow it belongs to; null when it is unowned. */
  owner: string | null;
  /** True when a live migration, of vtmigrate or of another program, needs it or may need it. */
  live: boolean;
  /** Why residue cannot be removed by name; null otherwise. */
  kept: string | null;
  /** What it is, in words. */
  what: string;
}

/** Something that an audit has found: residue, or a part of a live migration. */
export type Found<K extends ResidueKind = ResidueKind> = Residue<K> & Verdict;

/** The order in which residue may be removed. */
export const removalOrder: readonly ResidueKind[] = [
  'stream',
  'vdiff',
  'copy-state',
  'table',
  'denied',
  'fence',
  'lock',
  'journal',
];

/** The stable name under which a person removes something: `denied:commerce/0/corder`. It is never parsed. */
export function residueName(residue: Residue): string {
  return `${residue.kind}:${partsOfName(residue).join('/')}`;
}

function partsOfName(residue: Residue): string[] {
  const { keyspace } = residue;
  switch (residue.kind) {
    case 'stream':
      return [keyspace, residue.shard, residue.workflow];
    case 'vdiff':
      return [keyspace, residue.shard, residue.id];
    case 'copy-state':
      return [keyspace, residue.shard, residue.stream];
    case 'table':
    case 'denied':
      return [keyspace, residue.shard, residue.table];
    case 'fence':
      return [residue.mount, residue.sourceKeyspace, residue.shard, residue.table];
    case 'lock':
      return residue.workflow === null ? [keyspace] : [keyspace, residue.workflow];
    case 'journal':
      return [residue.workflow];
  }
}
