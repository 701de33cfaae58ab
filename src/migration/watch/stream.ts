/** A workflow's streams on one shard with everything their rows say: what is needed to take them over. */
export interface ShardStreams {
  shard: string;
  tablet: string;
  /** Vitess's own type: Migrate, MoveTables, Reshard … */
  type: string;
  cells: string[];
  tabletTypes: string[];
  inOrder: boolean;
  deferSecondaryKeys: boolean;
  streams: StreamDefinition[];
}

/** One row of `_vt.vreplication`. */
export interface StreamDefinition {
  id: number;
  sourceKeyspace: string;
  sourceShard: string;
  /** The mount's name; empty for a source in the same cluster. */
  externalCluster: string;
  state: string;
  message: string;
  position: string;
  stopAfterCopy: boolean;
  onDdl: string;
  /** What its rules match: table names, or a regular expression that begins with a slash. */
  matches: string[];
}
