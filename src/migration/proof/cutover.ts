/**
 * For how long nobody could write to the tables: from the fence on the source until the target took writes. Both ends
 * are too far apart rather than too near: the fence counts from just before its entries are written, and the target
 * from when the primary of its last shard had answered that it reads the tables as allowed. The moments are those of
 * the clock of the worker that did the step; if two workers did, the difference of their clocks comes on top.
 */
export interface Cutover {
  /** ISO 8601: when the first and the last shard of the source began to refuse writes. */
  refusedFrom: string;
  refusedByAll: string;
  /** ISO 8601: when every shard of the target took writes. */
  takenAt: string;
  /** Milliseconds from `refusedFrom` to `takenAt`. */
  refusedMs: number;
  /** Milliseconds of these that the call inside the fence took; null without one, or when another run has made it. */
  hookMs?: number | null;
}

/**
 * The cutover of a fence; null without one that this migration has put up.
 * @param refusedSince by source shard: milliseconds since 1970
 * @param takenAt milliseconds since 1970
 */
export function cutoverOf(refusedSince: Readonly<Record<string, number>>, takenAt: number): Cutover | null {
  const since = Object.values(refusedSince);
  if (since.length === 0) return null;
  const [first, last] = [Math.min(...since), Math.max(...since)];
  return {
    refusedFrom: new Date(first).toISOString(),
    refusedByAll: new Date(last).toISOString(),
    takenAt: new Date(takenAt).toISOString(),
    refusedMs: Math.max(0, takenAt - first),
  };
}

/** Milliseconds for which a fence must have stood, with nothing written past it, before the point of no return. */
export const settleTime = 500;
/** Milliseconds. Vitess's tablets end a transaction after 30 s, unless configured otherwise. */
export const drainTimeout = 35_000;
/** Milliseconds between two looks at the open transactions. */
export const drainPoll = 200;

/** What a rehearsal of the cutover has measured, in milliseconds, without changing anything. */
export interface Rehearsal {
  /** A read of the topology: the source's and the target's. */
  sourceTopology: number;
  targetTopology: number;
  /** A look at the streams of every shard of the target: three calls to its tablet. */
  look: number;
  /** Until every stream had the position at which the source was. */
  catchUp: number;
  /** Reading the definitions of the tables on both sides. */
  definitions: number;
  /** Reading the source's binary logs of that time. */
  logs: number;
  /** Transactions of the source that have been open for longer than `drainPoll`. */
  openTransactions: number;
  /** The whole rehearsal. */
  took: number;
}

/** What a dry run of Complete predicts of the cutover. */
export interface CutoverPrediction {
  /** Milliseconds for which writes would be refused, if nothing goes wrong. */
  leastMs: number;
  mostMs: number;
  /** What that is computed from. `step`: from the end of a step to the beginning of the next one. */
  basis: Rehearsal & { step: number };
}

/** How often, one after the other, etcd and tablets are called for what only the real cutover does. */
const sourceTopologyWrites = 8;
const targetTopologyWrites = 20;
const lookWrites = 2;

/**
 * A range, around how long it would take if all went as in the rehearsal: half of that, but at the least the time for
 * which a fence must stand, up to twice that, with a drain of all its time where a transaction has been open for a
 * while. What a rehearsal cannot do without changing something counts as so many round trips; comparing the rows that
 * have just changed as another reading of definitions and binary logs.
 */
export function predictCutover(rehearsal: Rehearsal, step: number): CutoverPrediction {
  const { sourceTopology, targetTopology, look, catchUp, definitions, logs, openTransactions } = rehearsal;
  const fence = sourceTopology * sourceTopologyWrites + Math.max(drainPoll, catchUp + definitions) + logs;
  const rows = definitions + catchUp + logs;
  const finish = targetTopology * targetTopologyWrites + look * (1 + lookWrites);
  const expected = Math.max(settleTime, fence + rows + 2 * step) + finish;
  return {
    leastMs: Math.round(Math.max(settleTime, expected / 2)),
    mostMs: Math.round(2 * expected) + (openTransactions > 0 ? drainTimeout : 0),
    basis: { ...rehearsal, step },
  };
}
