import { MigrationError } from '../../migration/problem/errors.js';
import type { TabletHandle } from '../../vitess/tablet/tablet-handle.js';

/** Threads at work that are many for a MySQL, and seconds that a replica is behind beyond its delay on purpose. */
const manyThreads = 25;
const longLag = 10;

/** Which of the tablets' servers is busy, in words; null when none is. One that does not answer is not asked. */
export async function describeLoad(tablets: readonly TabletHandle[]): Promise<string | null> {
  const found = tablets.map((tablet) => unlessAway(() => loadOf(tablet)));
  return (await Promise.all(found)).find((busy) => busy !== undefined && busy !== null) ?? null;
}

/** Undefined when a server does not answer, or refuses. */
export async function unlessAway<T>(work: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof MigrationError) return undefined;
    throw error;
  }
}

async function loadOf(tablet: TabletHandle): Promise<string | null> {
  const threads = await tablet.threadsRunning();
  if (threads > manyThreads) return `${threads} threads are at work in the MySQL of ${tablet.alias}`;
  const replication = await tablet.replication();
  const lag = (replication?.lag ?? 0) - (replication?.delay ?? 0);
  return lag > longLag ? `replica ${tablet.alias} is ${lag} s behind` : null;
}
