/**
 * Waits until all of them have ended, and throws the first error only then: what is under way when a step ends would go
 * on without its locks.
 */
export async function sideBySide(work: readonly Promise<unknown>[]): Promise<void> {
  for (const end of await Promise.allSettled(work)) if (end.status === 'rejected') throw end.reason;
}
