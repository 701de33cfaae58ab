/**
 * GTID positions in Vitess's form: `MySQL56/<uuid>[:<tag>]:1-5:7,<uuid>:1-3`. A position stands for
 * every transaction in it.
 */
type Intervals = [first: bigint, last: bigint][];

/** True when every transaction of `part` is in `whole`. The empty position is in each. */
export function containsPosition(whole: string, part: string): boolean {
  const has = parsePosition(whole);
  return [...parsePosition(part)].every(([source, intervals]) =>
    intervals.every((interval) => covers(has.get(source) ?? [], interval)),
  );
}

/** The one of these positions that every other one contains; `undefined` when there is none such. */
export function leastPosition(positions: readonly string[]): string | undefined {
  return positions.find((each) => positions.every((other) => containsPosition(other, each)));
}

/** Intervals by source, neighbours joined. */
function parsePosition(position: string): Map<string, Intervals> {
  const sets = position
    .slice(position.indexOf('/') + 1)
    .split(',')
    .map((set) => set.trim())
    .filter((set) => set !== '');
  const all = new Map<string, Intervals>();
  for (const set of sets) {
    const [uuid = '', ...parts] = set.toLowerCase().split(':');
    let source = uuid;
    for (const part of parts) {
      const [, first, last] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? [];
      // What is no interval is a tag: it holds for the intervals behind it.
      if (first === undefined) source = `${uuid}:${part}`;
      else all.set(source, [...(all.get(source) ?? []), [BigInt(first), BigInt(last ?? first)]]);
    }
  }
  for (const [source, intervals] of all) all.set(source, join(intervals));
  return all;
}

function join(intervals: Intervals): Intervals {
  const joined: Intervals = [];
  for (const [first, last] of [...intervals].sort((a, b) => (a[0] < b[0] ? -1 : 1))) {
    const before = joined.at(-1);
    if (before === undefined || first > before[1] + 1n) joined.push([first, last]);
    else if (last > before[1]) before[1] = last;
  }
  return joined;
}

function covers(intervals: Intervals, [first, last]: Intervals[number]): boolean {
  return intervals.some((each) => each[0] <= first && last <= each[1]);
}
