/** Seeds that take a rare course, or have failed once. They are run each time, also when others are chosen. */
const named: readonly [seed: number, what: string][] = [
  [1387, ': the journal of an attempt whose answer was lost, when the next one is refused'],
  [1617, ': a preflight that has stood still goes on after the migration has failed'],
  [2045, ': the same, after it has completed'],
  [2385, ': Cancel while a worker has died in preflight'],
  [4359, ': another program stops streams when a VDiff begins, which starts them again'],
  [4582, ': a cell that knows the tables is away while Complete is taken back'],
  [6019, ': a Create that has stood still goes on after the migration has completed'],
];

/**
 * `SIMULATION_SEEDS`: numbers and ranges, as in `17` or `1-10000,12000`; without it, those of `npm test`. Every second
 * one, for there are two files of them, which run side by side.
 * @throws Error
 */
export function chosenSeeds(
  half: 'odd' | 'even',
  text = process.env['SIMULATION_SEEDS'],
): [seed: number, what: string][] {
  const [chosen, besides] = text === undefined || text === '' ? ['1-300', named] : [text, []];
  const seeds = chosen.split(',').flatMap(seedsOf);
  const all = [...besides, ...seeds.map((seed): [number, string] => [seed, ''])];
  return all.filter((_, n) => (n % 2 === 0) === (half === 'even'));
}

function seedsOf(part: string): number[] {
  const [, from = '', to = from] = /^\s*(\d+)(?:-(\d+))?\s*$/.exec(part) ?? [];
  if (from === '') throw new Error(`SIMULATION_SEEDS takes numbers and ranges such as 1-200,250, not ${part}`);
  return Array.from({ length: Number(to) - Number(from) + 1 }, (_, i) => Number(from) + i);
}
