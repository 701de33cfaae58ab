/** `npm run test:faults` sets it: the second of six parts is `2/6`. */
const [, number, parts] = /^(\d+)\/(\d+)$/.exec(process.env['VTMIGRATE_FAULTS'] ?? '') ?? [];

/** False under `npm test`, which has time for a sample. */
export const everyFault = parts !== undefined;

/** Those that this part runs: each part has some of every kind, and takes as long as the others. */
export function ofThisPart<T>(all: readonly T[]): T[] {
  return all.filter((_, index) => index % Number(parts) === Number(number) - 1);
}
