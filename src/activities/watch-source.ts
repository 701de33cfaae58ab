import { planOf } from '../effects/journal.js';
import type { MigrationRef } from '../migration/lifecycle/reference.js';
import { setTimeout as sleep } from 'node:timers/promises';
import { quoteName } from '../migration/sql/quote.js';
import type { Problem } from '../migration/problem/errors.js';
import type { Clients } from '../vitess/clients.js';
import { withHeartbeat } from './step/heartbeat.js';

/** Milliseconds: how long the source is watched, and how long its logs may take to tell. */
const watched = 3_000;
const changesTimeout = 15_000;

/** What Complete cannot know without a fence: whether somebody goes on writing to the source. */
export function writesActivities(clients: Clients) {
  return {
    /** Watches the plan's tables on the source for a few seconds. Changes nothing. */
    async watchSource(ref: MigrationRef): Promise<Problem> {
      return withHeartbeat(async () => {
        const plan = await planOf(clients, ref);
        const { mount, keyspace, shards } = plan.source;
        const topology = await clients.source(mount);
        const perShard = await Promise.all(
          shards.map(async ({ name }) => {
            const tablet = await clients.primary(topology, keyspace, name);
            const from = await tablet.primaryPosition();
            await sleep(watched);
            return tablet.changedTables(
              plan.tables.map((table) => table.name),
              from,
              await tablet.primaryPosition(),
              changesTimeout,
            );
          }),
        );
        const written = [...new Set(perShard.flat())].sort();
        const place = topology.place({ keyspace });
        const remedy = 'complete with fenceSource to be sure, or stop the writers before Complete';
        if (written.length === 0)
          return {
            code: 'SOURCE_NOT_FENCED',
            message: `no table was written to for ${watched / 1000} s, but nothing stops the writers of the source: what they write after the proof is not copied`,
            place,
            remedy,
          };
        return {
          code: 'SOURCE_STILL_WRITTEN',
          message: `the source still receives writes, and those after the proof are not copied: ${written.map(quoteName).join(', ')}`,
          place,
          remedy,
        };
      });
    },
  };
}
