import type { Load } from '../migration/watch/holding-back.js';
import type { TabletHandle } from '../vitess/tablet/tablet-handle.js';
import { unlessAway } from './unless-away.js';

/** How busy the tablets' servers are. One that does not answer is left out. */
export async function readLoads(tablets: readonly TabletHandle[]): Promise<Load[]> {
  const found = await Promise.all(tablets.map((tablet) => unlessAway(() => loadOf(tablet))));
  return found.flatMap((load) => load ?? []);
}

async function loadOf(tablet: TabletHandle): Promise<Load> {
  const { threads, replication } = await tablet.load();
  const lagSeconds = Math.max(0, (replication?.lag ?? 0) - (replication?.delay ?? 0));
  return { alias: tablet.alias, threads, lagSeconds };
}
