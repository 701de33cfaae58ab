import { setTimeout as sleep } from 'node:timers/promises';
import { sourceOf } from '../effects/source/open-source.js';
import type { Source } from '../effects/source/source.js';
import type { MigrationRef } from '../migration/plan/reference.js';
import { drainPoll, type Rehearsal } from '../migration/proof/cutover.js';
import type { Clients } from '../vitess/clients.js';
import { Watch } from './step/look.js';
import { positionGaps, schemaDriftGaps, sourcePositions } from './step/proof.js';
import { leaks } from './step/quiet-source.js';
import { readingStep } from './step/step.js';

/** What a dry run of Complete asks about the cutover. */
export function rehearseActivities(clients: Clients) {
  return {
    /** Does and times what the cutover does behind the fence, as far as that changes nothing. */
    async rehearse(ref: MigrationRef): Promise<Rehearsal> {
      return readingStep(clients, ref, async (step) => {
        const began = performance.now();
        const plan = await step.plan();
        const source = await sourceOf(clients, plan);
        const openTransactions = openLong(source);
        const sourceTopology = await timed(() => Promise.all(source.shards.map((shard) => source.deniedTables(shard))));
        const targetTopology = await timed(() => step.journals.require(ref.runId));
        const look = await timed(() => new Watch(clients, plan).lookAtStreams());
        const positions = await sourcePositions(source);
        const catchUp = await timed(() => positionGaps(step, plan, positions));
        const definitions = await timed(() => schemaDriftGaps(step, plan, source));
        const logs = await timed(() => leaks(source, plan, positions));
        const open = await openTransactions;
        const took = Math.round(performance.now() - began);
        return { sourceTopology, targetTopology, look, catchUp, definitions, logs, openTransactions: open, took };
      });
    },
  };
}

/** Transactions that are open at two looks. */
async function openLong(source: Source): Promise<number> {
  const found = source.shards.map(async (shard) => {
    const before = await source.openTransactions(shard);
    await sleep(drainPoll);
    const after = new Set(await source.openTransactions(shard));
    return before.filter((id) => after.has(id)).length;
  });
  return (await Promise.all(found)).reduce((sum, each) => sum + each, 0);
}

/** How many milliseconds a call takes. */
async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return Math.round(performance.now() - began);
}
