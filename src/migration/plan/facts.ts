/** A table of a source shard as its primary tablet describes it. Rows and bytes are estimates. */
export interface SourceTable {
  name: string;
  rows: number;
  bytes: number;
  /** The statement that creates it, without the next AUTO_INCREMENT value. */
  ddl: string;
}

/** The part of a keyspace's VSchema that decides how a table is filtered. */
export interface VSchemaFacts {
  sharded: boolean;
  vindexes: Record<string, { type: string; params: Record<string, string> }>;
  tables: Record<
    string,
    {
      type: string;
      columnVindexes: { name: string; columns: string[] }[];
      autoIncrement?: { column: string; sequence: string };
    }
  >;
}

/** A shard and the hex key range Vitess prints for it; `-` and the empty string are the whole range. */
export interface ShardFacts {
  name: string;
  keyRange: string;
}

/** A tablet of the source keyspace, as its record describes it. */
export interface SourceTablet {
  shard: string;
  /** `ext-0000000100` */
  alias: string;
  cell: string;
  type: string;
  hostname: string;
}

/** The facts from which a plan is made. All of them are needed. */
export interface PlanFacts {
  /** Every cell of the source's topology. */
  sourceCells: string[];
  /** The serving shards of the source keyspace; at least one. */
  sourceShards: ShardFacts[];
  sourceTablets: SourceTablet[];
  /** Every base table, by source shard. */
  sourceSchemas: { shard: string; tables: SourceTable[] }[];
  sourceVSchema: VSchemaFacts;
  targetCells: string[];
  /** The serving shards of the target keyspace, with the tables they deny to applications; at least one. */
  targetShards: (ShardFacts & { deniedTables: string[] })[];
  /** Names of the tables that are there already, by target shard. */
  targetTables: ShardNames[];
  targetVSchema: VSchemaFacts;
}

/** Names of tables on a shard. */
export interface ShardNames {
  shard: string;
  tables: string[];
}
