import { setTimeout as sleep } from 'node:timers/promises';
import { sourceOf } from '../effects/source/open-source.js';
import type { MigrationRef } from '../migration/plan/reference.js';
import { tableNames } from '../migration/plan/plan.js';
import type { Problem } from '../migration/problem/errors.js';
import { lateWrites, shortestWatch } from '../migration/proof/late-writes.js';
import type { Clients } from '../vitess/clients.js';
import { readingStep } from './step/step.js';

/** Milliseconds that reading the binary logs may take. */
const changesTimeout = 15_000;

/** What Complete cannot know without a fence: whether applications go on writing to the source. */
export function watchSourceActivities(clients: Clients) {
  return {
    /** Watches the plan's tables on the source for a few seconds and answers a warning. Changes nothing. */
    async watchSource(ref: MigrationRef): Promise<Problem> {
      return readingStep(clients, ref, async (step) => {
        const plan = await step.plan();
        const source = await sourceOf(clients, plan);
        const written = await Promise.all(
          source.shards.map(async (shard) => {
            const from = await source.position(shard);
            await sleep(shortestWatch * 1000);
            const to = await source.position(shard);
            return source.changedTables(shard, tableNames(plan), from, to, changesTimeout);
          }),
        );
        return lateWrites([...new Set(written.flat())].sort(), source.place(), shortestWatch);
      });
    },
  };
}
