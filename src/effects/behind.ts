import type { TabletHandle } from '../vitess/tablet/tablet-handle.js';
import { unlessAway } from './unless-away.js';

/** Seconds that a replica may be behind its primary: Vitess's `discovery_low_replication_lag`. */
const longLag = 30;

/** Which of the tablets is far behind its primary, in words; null when none is known to be. */
export async function describeBehind(tablets: readonly TabletHandle[]): Promise<string | null> {
  const found = tablets.map((tablet) => unlessAway(() => behind(tablet)));
  return (await Promise.all(found)).find((words) => words !== undefined && words !== null) ?? null;
}

async function behind(tablet: TabletHandle): Promise<string | null> {
  const replication = await tablet.replication();
  if (replication === undefined) return null;
  const { lag, delay } = replication;
  const name = `tablet ${tablet.alias} (${tablet.type})`;
  if (delay > longLag) return `${name} is kept ${delay} s behind its primary on purpose (SQL_Delay)`;
  if (lag === undefined) return `${name} does not replicate`;
  return lag > longLag ? `${name} is ${lag} s behind its primary` : null;
}
