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
