/** Asks `ask` for one batch of names after the other, and joins the answers. */
export async function inBatches<T>(
  names: readonly string[],
  size: number,
  ask: (batch: readonly string[]) => Promise<T[]>,
): Promise<T[]> {
  const all: T[] = [];
  for (let from = 0; from < names.length; from += size) all.push(...(await ask(names.slice(from, from + size))));
  return all;
}
