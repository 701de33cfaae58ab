/** Shards that are worked on at the same time. */
const mostAtOnce = 32;

/**
 * Works on some of the items at a time, and waits until all work has ended: what is under way when a step ends would go
 * on without its locks. After a failure no more is begun.
 * @returns in the order of the items
 * @throws the error of the first item that has failed
 */
export async function sideBySide<I, T>(
  items: readonly I[],
  work: (item: I) => Promise<T>,
  atOnce = mostAtOnce,
): Promise<T[]> {
  const answers: T[] = [];
  const failures: { at: number; error: unknown }[] = [];
  const left = items.entries();
  const next = async () => {
    for (const [at, item] of left) {
      try {
        answers[at] = await work(item);
      } catch (error) {
        failures.push({ at, error });
      }
      if (failures.length > 0) return;
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, next));
  const [first] = failures.sort((a, b) => a.at - b.at);
  if (first !== undefined) throw first.error;
  return answers;
}
