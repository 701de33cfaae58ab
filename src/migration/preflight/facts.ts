import type { Place } from '../problem/errors.js';

/** MySQL's global variables by name, of one tablet, and the release of its vttablet where it was told. */
export interface ServerFacts {
  place: Place;
  variables: Record<string, string>;
  vitess?: string;
}

/** A column as `information_schema.columns` has it. */
export interface ColumnFacts {
  name: string;
  type: string;
  nullable: boolean;
  hasDefault: boolean;
  collation: string;
  generated: boolean;
  autoIncrement: boolean;
}

export interface KeyFacts {
  name: string;
  columns: string[];
  /** Every column is NOT NULL, so that the key tells any two rows apart. */
  notNull: boolean;
}

export interface ForeignKeyFacts {
  name: string;
  references: string;
  /** RESTRICT, CASCADE, SET NULL, NO ACTION, SET DEFAULT */
  onUpdate: string;
  onDelete: string;
}

/** A table as MySQL describes it, without its rows. */
export interface TableFacts {
  name: string;
  engine: string;
  columns: ColumnFacts[];
  uniqueKeys: KeyFacts[];
  foreignKeys: ForeignKeyFacts[];
  triggers: string[];
}

/** A transaction that is open on a server and has locked or changed rows. */
export interface TransactionFacts {
  place: Place;
  id: string;
  seconds: number;
  thread: string;
}

/** A source tablet that a stream may read from, as it looked from the worker. */
export interface CandidateFacts {
  place: Place;
  hostname: string;
  type: string;
  /** Why Vitess would pass it over; empty when it is healthy. */
  unhealthy: string;
  /** Why no stream could be opened; empty when one could, or when it was not tried. */
  streamError: string;
}

/** A lock in the topology that somebody holds. */
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

/** A workflow that has, or has had, streams to target tables. */
export interface WorkflowFacts {
  place: Place;
  workflow: string;
  tables: string[];
}
