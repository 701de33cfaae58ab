/** A table of the source as its primary tablet describes it. Rows and bytes are estimates. */
export interface SourceTable {
  name: string;
  rows: number;
  bytes: number;
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

/** What was read from the source cluster before planning. */
export interface SourceFacts {
  /** Every cell of the source's topology. */
  cells: string[];
  shards: (ShardFacts & { tablets: { cell: string; type: string }[] })[];
  tables: SourceTable[];
  vschema: VSchemaFacts;
}

/** What was read from the target cluster before planning. */
export interface TargetFacts {
  cells: string[];
  vschema: VSchemaFacts;
  shards: (ShardFacts & {
    tables: string[];
    nonEmptyTables: string[];
    deniedTables: string[];
    /** Who holds denied tables, in words, as far as it is known. */
    holders?: Record<string, string>;
    hasWorkflow: boolean;
  })[];
}
