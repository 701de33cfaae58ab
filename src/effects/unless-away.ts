import { MigrationError } from '../migration/problem/errors.js';

/** Undefined when a server does not answer, or refuses. */
export async function unlessAway<T>(work: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof MigrationError) return undefined;
    throw error;
  }
}
