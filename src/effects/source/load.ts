import type { TabletHandle } from '../../vitess/tablet/tablet-handle.js';
import { unlessAway } from '../unless-away.js';

/** Threads at work that are many for a MySQL, and seconds that a replica is behind beyond its delay on purpose. */
const manyThreads = 25;
const longLag = 10;

/** Which of the tablets' servers is busy, in words; null when none is. One that does not answer is not asked. */
export async function describeLoad(tablets: readonly TabletHandle[]): Promise<string | null> {
  const found = tablets.map((tablet) => unlessAway(() => loadOf(tablet)));
  return (await Promise.all(found)).find((busy) => busy !== undefined && busy !== null) ?? null;
}

async function loadOf(tablet: TabletHandle): Promise<string | null> {
  const threads = await tablet.threadsRunning();
  if (threads > manyThreads) return `${threads} threads are at work in the MySQL of ${tablet.alias}`;
  const replication = await tablet.replication();
  const lag = (replication?.lag ?? 0) - (replication?.delay ?? 0);
  return lag > longLag ? `replica ${tablet.alias} is ${lag} s behind` : null;
}
