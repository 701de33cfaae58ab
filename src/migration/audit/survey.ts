/** What one look at a target keyspace, and at the sources that its journals name, showed. */
export interface Survey {
  keyspace: string;
  /** ISO 8601 */
  at: string;
  journals: SurveyedJournal[];
  streams: SurveyedStream[];
  /** Streams of other keyspaces that read from this one: a MoveTables away from it needs its tables denied here. */
  readers: { keyspace: string; workflow: string; rules: string[] }[];
  denied: { shard: string; table: string }[];
  /** Copy state in `_vt` whose stream is gone, by the stream's ID. */
  copyStates: { shard: string; stream: string; tables: string[] }[];
  /** See `TabletHandle.vdiffRows`; `workflow` is empty where only rows of a VDiff's parts are left. */
  vdiffs: { shard: string; id: string; workflow: string; state: string }[];
  locks: SurveyedLock[];
  /** Entries of journals that are still in the denied tables of the source, by source shard. */
  fences: { workflow: string; shard: string; table: string }[];
  /** Tables that a journal says were created, and empty ones that the VSchema does not know. */
  tables: { shard: string; table: string; empty: boolean }[];
  /** What could not be read, in words. */
  unread: string[];
}

export interface SurveyedJournal {
  workflow: string;
  runId: string;
  /** `ext1.load` */
  source: string;
  forward: boolean;
  /** Both by target shard. */
  createdTables: Record<string, string[]>;
  deniedTables: Record<string, string[]>;
  /** The Vitess workflows of its streams, once it may have some; a survey of an earlier version does not say it. */
  workflows?: string[];
  /** Tables whose leaving has begun and has not been finished; a survey of an earlier version does not say it. */
  leaving?: string[];
}

/** A workflow's streams on one shard. */
export interface SurveyedStream {
  shard: string;
  workflow: string;
  /** Vitess's own type: Migrate, MoveTables, Reshard … */
  type: string;
  states: string[];
  /** `ext1.load`; `load` for a keyspace of the same cluster. */
  source: string;
  external: boolean;
  /** What its rules match: see `writing`. */
  rules: string[];
}

export interface SurveyedLock {
  /** The workflow of a named lock; null for the lock of the keyspace. */
  workflow: string | null;
  key: string;
  /** What the lock's key says about its holder. */
  holder: string;
  /** ISO 8601; null when the key does not say. */
  since: string | null;
}

/** What Temporal knows about the workflow of an identifier. */
export interface RunState {
  workflow: string;
  running: boolean;
  /** In words: `its workflow is terminated at …`. */
  state: string;
}

/** The migration that a Vitess workflow belongs to: the one whose journal names it, or else the one of its name. */
export function ownerOf({ journals }: Pick<Survey, 'journals'>, workflow: string): string {
  return journals.find(({ workflows = [] }) => workflows.includes(workflow))?.workflow ?? workflow;
}
