import type { StreamOptions } from '../input/stream-options.js';

/** A workflow's streams into one shard, as its primary tablet describes them. */
export interface ShardStreams {
  workflow: string;
  shard: string;
  tablet: string;
  /** Vitess's own type: Migrate, MoveTables, Reshard … */
  type: string;
  cells: string[];
  options: StreamOptions;
  /** At least one. */
  streams: Stream[];
}

/** One row of `_vt.vreplication`. Times are in seconds since 1970; 0 means never. */
export interface Stream {
  id: number;
  workflow: string;
  sourceKeyspace: string;
  sourceShard: string;
  /** The mount's name; empty for a source in the same cluster. */
  externalCluster: string;
  /** Vitess's own state: Stopped, Copying, Running, Error … */
  state: string;
  message: string;
  /** GTID position in Vitess's form; empty before the copy has begun. */
  position: string;
  /** The position at which a VDiff stops the stream; empty otherwise. */
  stopPosition: string;
  /** What its rules match: table names, or regular expressions that begin with a slash. */
  matches: string[];
  transaction: number;
  updated: number;
  heartbeat: number;
  /** The throttler's component that holds the stream back; empty otherwise. */
  throttledBy: string;
}

/** Whether a VDiff has stopped a stream, or lets it run up to its snapshot only (`syncTargetStreams`). */
export function isHeldByVDiff({ state, message, stopPosition }: Stream): boolean {
  return stopPosition !== '' || (state === 'Stopped' && message === 'for vdiff');
}

/** What the rules of a workflow's streams match, each match once. */
export function matchesOf({ streams }: ShardStreams): string[] {
  return [...new Set(streams.flatMap((stream) => stream.matches))];
}
