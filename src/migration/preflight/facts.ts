import type { MigrateInput } from '../input/input.js';
import type { SourceIdentifier, WorkflowIdentifier } from '../input/identifier.js';
import type { PlanFacts, ShardNames } from '../plan/facts.js';
import type { Plan } from '../plan/plan.js';
import type { ConstraintFacts, TableFacts } from '../plan/table-facts.js';
import type { MigrationError, Place } from '../problem/errors.js';

/**
 * Every fact that checks may need, by name, with the type of its value. How each is read is a file of its own in
 * src/activities/preflight/facts. A list by place holds what could be read.
 */
export interface Facts extends PlanFacts {
  request: Request;
  /** Where the topology of the source is: the mount record or, in a dry run without one, the `mount` of the input. */
  mount: MountFacts;
  vtgate: 'answers';
  /** Every journal of the target keyspace. */
  journals: JournalFacts[];
  /** Every workflow with streams on a target primary. */
  targetStreams: { place: Place; shard: string; workflows: { workflow: string; rules: string[] }[] }[];
  targetPrimaries: { place: Place; shard: string; hostname: string }[];
  /** Made of the facts above. */
  plan: Plan;
  /** Planned tables of the target that have rows. */
  filledTables: ShardNames[];

  /** Planned tables, by source shard. */
  sourceDetails: { shard: string; tables: TableFacts[] }[];
  /** Of the whole source keyspace; none unless all tables are to be moved. */
  sourceViews: string[];
  candidates: CandidateFacts[];
  sourceServers: ServerFacts[];
  sourceVersions: { place: Place; version: string }[];
  sourceTransactions: TransactionFacts[];
  /** Columns of primary vindexes that may hold values without a keyspace ID, by source shard. */
  vindexValues: VindexValueFacts[];
  /** How far replicas among the candidates are behind. */
  sourceReplicas: ReplicaFacts[];
  streamAccounts: StreamAccountFacts[];
  /** Of both sides. */
  cellsAway: CellAwayFacts[];

  /** In every cell. */
  targetTablets: { shard: string; type: string }[];
  targetHealth: { place: Place; unhealthy: string }[];
  /** Whether the account that applies streams may write their records, in Vitess's own words. */
  targetPermissions: { place: Place; ok: boolean; error: string }[];
  targetServers: ServerFacts[];
  targetVersions: { place: Place; version: string }[];
  targetTransactions: TransactionFacts[];
  targetCollations: { place: Place; collations: string[] }[];
  /** Planned tables that the target has already. */
  targetDetails: { place: Place; shard: string; tables: TableFacts[] }[];
  /** The CHECK and FOREIGN KEY constraints of every table of the target's database. */
  targetConstraints: { place: Place; constraints: ConstraintFacts[] }[];
  /** The used part of a disk, 0 to 1; undefined where the tablet does not know it. */
  targetDisks: { place: Place; used: number | undefined }[];
  /** Apps that a throttler holds back, with the share of time it does. */
  throttledApps: { place: Place; apps: Record<string, number> }[];
  /** Whether the target's MySQL converts from the source's time zone, where one is given. */
  timeZones: { place: Place; converts: boolean }[];
  routingRules: RoutingFacts;
  /** Of the planned tables: one for each column that the target's VSchema gives a sequence. */
  sequences: SequenceFacts[];
  locks: LockFacts[];
  /** Names in the VSchemas of the target's other keyspaces, by keyspace. */
  otherTables: Record<string, string[]>;
  /** Why the worker would not call what is to be called inside the fence; null when it would, or nothing is. */
  fenceHook: string | null;
}

export type FactName = keyof Facts;

/** The outcome of reading a fact. Without a value, the checks that need it are not asked. */
export interface Answer<T> {
  value?: T;
  /** What could not be read of it. */
  unread: readonly MigrationError[];
  /** The fact in words, for a check whose fact is not known; null for a fact without which preflight refuses. */
  what: string | null;
}

/** The facts that were asked for. */
export type Answers = { readonly [N in FactName]?: Answer<Facts[N]> };

/** What is to be migrated, and by which run. */
export interface Request {
  input: MigrateInput;
  source: SourceIdentifier;
  target: WorkflowIdentifier;
  runId: string;
}

/** Vitess's TopoConfig of a cluster. */
export interface MountFacts {
  topoType: string;
  topoServer: string;
  topoRoot: string;
}

/** A journal of the target keyspace, as far as preflight needs it. Tables are by target shard. */
export interface JournalFacts {
  workflow: string;
  runId: string;
  /** `ext1.load` */
  source: string;
  createdTables: Record<string, string[]>;
  deniedTables: Record<string, string[]>;
  /** True once streams may have been created. */
  streams: boolean;
  /** The Vitess workflows of its streams. */
  workflows: string[];
}

/** MySQL's global variables by name, of one tablet; one that this MySQL does not have is left out. */
export interface ServerFacts {
  place: Place;
  variables: Record<string, string>;
}

/** A source tablet whose MySQL replicates from another one. */
export interface ReplicaFacts {
  place: Place;
  type: string;
  /** Seconds that it is behind, by its own account; undefined when it does not replicate. */
  lag: number | undefined;
  /** Seconds that it stays behind on purpose (`SOURCE_DELAY`). */
  delay: number;
}

/** Values to which a vindex gives no keyspace ID; `text`: what is no whole number. */
export type Unmapped = 'null' | 'empty' | 'negative' | 'text';

/** A column of a primary vindex that may hold such values. */
export interface DoubtfulColumn {
  table: string;
  column: string;
  vindex: string;
  unmapped: Unmapped;
}

/** Whether a column has values of a kind on a source shard; undefined when MySQL could not tell in time. */
export interface VindexValueFacts extends DoubtfulColumn {
  place: Place;
  found: boolean | undefined;
}

/** A cell of either side that cannot be reached. */
export interface CellAwayFacts {
  place: Place;
  why: string;
}

/** A transaction that is open on a server and has locked or changed rows. */
export interface TransactionFacts {
  place: Place;
  id: string;
  seconds: number;
  thread: string;
}

/** A source tablet that a stream may read from, as the worker sees it. */
export interface CandidateFacts {
  place: Place;
  hostname: string;
  type: string;
  /** Why Vitess would pass over it; empty when it is healthy. */
  unhealthy: string;
  /** Why no stream could be opened; empty when one could, or when it was not tried. */
  streamError: string;
}

/** The account that a source shard's tablets use for streams. */
export interface StreamAccountFacts {
  place: Place;
  user: string;
  /** Undefined when its privileges cannot be read: it has roles, or privileges on single tables. */
  grants: string[] | undefined;
}

/** A sequence of the target that numbers a column of a planned table. */
export interface SequenceFacts {
  table: string;
  column: string;
  /** `commerce.invoice_seq` */
  name: string;
  /** Of the sequence. */
  place: Place;
  /** Why it gives no numbers; empty when it does, and when its table is one of the planned tables. */
  refusal: string;
  /** Its table is one of the planned tables and comes with its row. */
  moves: boolean;
  /** The next number that it gives; undefined when its table has no row. */
  nextId: bigint | undefined;
  /** The largest value of the column in the source; undefined when there is no row. */
  largest: bigint | undefined;
}

/** A lock in the topology that is held. */
export interface LockFacts {
  place: Place;
  path: string;
  holder: string;
}

/** The routing rules of a cluster: where vtgate sends what is addressed to a table, or to a keyspace. */
export interface RoutingFacts {
  tables: { from: string; to: string[] }[];
  keyspaces: { from: string; to: string }[];
}
