import type { Load } from '../../migration/watch/holding-back.js';
import type { ChecksumTable } from '../../migration/checksum/columns.js';
import type { Place, Problem } from '../../migration/problem/errors.js';
import type { Omissions } from '../../migration/sql/definition.js';
import type { Definitions } from '../../migration/proof/drift.js';
import type { ChangeLimits, Changes } from '../../vitess/tablet/changes.js';
import type { TableSizes } from '../../vitess/tablet/sql/sizes.js';
import type { TableIds } from '../../vitess/tablet/sql/table-ids.js';
import type { RowReader } from '../row-reader.js';

/** Where the tables come from, the shards that are read, and what the target's tables are to lack. */
export interface SourceId extends Omissions {
  mount: string;
  keyspace: string;
  shards: readonly string[];
}

/**
 * The keyspace that a migration's tables come from, as its steps use it after preflight; a step opens it once
 * (`open-source.ts`). Preflight's questions are in `inspection.ts`. Another kind of source is another class.
 */
export interface Source {
  readonly mount: string;
  readonly keyspace: string;
  /** The shards that the plan reads. */
  readonly shards: readonly string[];
  place(more?: { shard?: string; tablet?: string; table?: string }): Place;

  /** What a stream's row says of a shard of this source. */
  streamSource(shard: string): { keyspace: string; shard: string; externalCluster: string };

  /** Definitions of those of the tables that exist, by shard, as the target is to have them. */
  definitions(tables: readonly string[]): Promise<Record<string, Definitions>>;
  /** Estimates over all shards. */
  sizes(tables: readonly string[]): Promise<TableSizes>;
  /** Names of a shard's tables. */
  tableNames(shard: string): Promise<string[]>;

  /** The current position of a shard's primary. */
  position(shard: string): Promise<string>;
  /**
   * Those of the tables whose rows changed between two positions, from the shard's binary logs.
   * @throws MigrationError TABLET_UNREACHABLE when `to` has not come within `timeoutMs`; TABLET_CALL_FAILED, for
   * example when the logs have been purged
   */
  changedTables(
    shard: string,
    tables: readonly string[],
    from: string,
    to: string,
    timeoutMs: number,
  ): Promise<string[]>;
  /**
   * What happened to tables on a shard between two positions, from its binary logs; may end before `to`.
   * @throws MigrationError when not a single transaction could be read, for example because it has been purged
   */
  changes(
    shard: string,
    tables: readonly ChecksumTable[],
    from: string,
    to: string,
    limits: ChangeLimits,
  ): Promise<Changes>;
  /**
   * Reads rows of tablets that have executed everything up to these positions, given by shard: of a replica where
   * one has within a moment, else of the primary.
   */
  rowReader(positions: Record<string, string>): Promise<RowReader>;
  /** What InnoDB calls tables on each shard's primary. */
  tableIds(tables: readonly string[]): Promise<Record<string, TableIds>>;
  /** By shard, the cells in which it has a tablet of these types, in order. */
  tabletCells(types: readonly string[]): Promise<Record<string, string[]>>;
  /** Which of the tablets that streams may read is far behind its primary, in words; null when none is. */
  behind(chosen: { tabletTypes: readonly string[]; cells: readonly string[] }): Promise<string | null>;
  /** How busy the servers of its primaries and replicas are. One that does not answer is left out. */
  loads(): Promise<Load[]>;
  /** IDs of open transactions on a shard that have changed rows. */
  openTransactions(shard: string): Promise<string[]>;

  /** The tables that a shard denies to applications. */
  deniedTables(shard: string): Promise<string[]>;
  /** Makes the tablets of a shard read its record again. */
  refresh(shard: string): Promise<void>;
  /** Renames tables, all of them or, when one is gone or its new name is taken, none. */
  renameTables(shard: string, names: readonly (readonly [from: string, to: string])[]): Promise<void>;
  /** Drops those of the tables that exist. */
  dropTables(shard: string, tables: readonly string[]): Promise<void>;
  /** Makes the primary of a shard load what has been renamed or dropped. */
  reloadSchema(shard: string): Promise<void>;

  /**
   * Runs `work` under the lock of the source keyspace. What needs that lock is a method of the locked source.
   * @param action what the lock says this process is doing
   * @throws MigrationError LOCKED, naming the holder
   */
  withLock<T>(action: string, work: (locked: LockedSource) => Promise<T>): Promise<T>;
}

/** The source while its keyspace lock is held. */
export interface LockedSource {
  /** @throws MigrationError LOCK_LOST */
  check(): Promise<void>;
  /** Adds tables to a shard's denied tables; `refresh` makes its tablets enforce that. */
  deny(shard: string, tables: readonly string[]): Promise<void>;
  allow(shard: string, tables: readonly string[]): Promise<void>;
  /** Removes tables from the VSchema and from what vtgates are served. Answers what still shows them, as warnings. */
  forgetTables(tables: readonly string[]): Promise<Problem[]>;
}
