/** How many parts the random choices of a plan have; one that is added later has a stream of its own (`plan.ts`). */
const latestDraws = 3;

/**
 * Seeds that take a rare course, or have failed once, with the draws that they had then: more would be another course.
 * They are run besides those of `npm test`.
 */
const named: readonly [seed: number, what: string, draws: number][] = [
  [4, ': a pause of a run that has been replaced comes to its lock', 2],
  [72, ': the same with a resume', 2],
  [1387, ': the journal of an attempt whose answer was lost, when the next one is refused', 1],
  [1617, ': a preflight that has stood still goes on after the migration has failed', 1],
  [2045, ': the same, after it has completed', 1],
  [2385, ': Cancel while a worker has died in preflight', 1],
  [2800, ': a VDiff is begun when the migration has been taken over and cancelled', 3],
  [4010, ': the same, where it is being completed', 3],
  [4359, ': another program stops streams when a VDiff begins, which starts them again', 1],
  [4582, ': a cell that knows the tables is away while Complete is taken back', 1],
  [5348, ': Cancel while Complete passes the point of no return', 3],
  [5487, ': Cancel cannot look for a journal that preflight has begun', 3],
  [6019, ': a Create that has stood still goes on after the migration has completed', 1],
];

/**
 * `SIMULATION_SEEDS`: numbers and ranges, as in `17` or `1-10000,12000`; without it, those of `npm test`. Every second
 * one, for there are two files of them, which run side by side.
 * @throws Error
 */
export function chosenSeeds(
  half: 'odd' | 'even',
  text = process.env['SIMULATION_SEEDS'],
): (readonly [seed: number, what: string])[] {
  const [chosen, besides] = text === undefined || text === '' ? ['1-300', named] : [text, []];
  const seeds = chosen.split(',').flatMap(seedsOf);
  const all = new Map(seeds.map((seed) => [seed, '']));
  for (const [seed, what] of besides) all.set(seed, what);
  return [...all].filter((_, n) => (n % 2 === 0) === (half === 'even'));
}

/** How many draws the plan of a seed has. */
export function drawsOf(seed: number): number {
  return named.find(([kept]) => kept === seed)?.[2] ?? latestDraws;
}

function seedsOf(part: string): number[] {
  const [, from = '', to = from] = /^\s*(\d+)(?:-(\d+))?\s*$/.exec(part) ?? [];
  if (from === '') throw new Error(`SIMULATION_SEEDS takes numbers and ranges such as 1-200,250, not ${part}`);
  return Array.from({ length: Number(to) - Number(from) + 1 }, (_, i) => Number(from) + i);
}
