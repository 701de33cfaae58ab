import { setTimeout as sleep } from 'node:timers/promises';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { expect, it } from 'vitest';
import { allActivities } from '../../src/activities/index.js';
import { buildClients } from '../../src/worker.js';
import { passing } from '../support/fakes/intercept.js';
import { hurried } from '../support/fakes/pace.js';
import { fakeConfig, fakeMount, World } from '../support/fakes/world.js';
import { input } from './preflight/facts.js';

/** Milliseconds that each call takes. */
const latency = 1;

interface Cost {
  calls: number;
  /** Calls that were under way at the same time, at most. */
  atOnce: number;
}

const steps = ['preflight', 'create', 'observe', 'cancel'] as const;

const shardNames = (count: number) => {
  const at = (n: number) => (n % count === 0 ? '' : ((n * 256) / count).toString(16).padStart(2, '0'));
  return Array.from({ length: count }, (_, n) => `${at(n)}-${at(n + 1)}`);
};

/** What the steps of a migration into so many shards cost. */
async function costs(shards: number): Promise<Record<(typeof steps)[number], Cost>> {
  const world = new World(hurried, shardNames(shards));
  let [calls, underWay, atOnce] = [0, 0, 0];
  const connectors = passing(world.connectors(), async (_what, effect) => {
    calls++;
    atOnce = Math.max(atOnce, ++underWay);
    try {
      await sleep(latency);
      return await effect();
    } finally {
      underWay--;
    }
  });
  const { clients } = buildClients(fakeConfig, connectors);
  await clients.mounts.add('ext1', fakeMount);
  const its = allActivities(clients);
  const ref = { id: { keyspace: 'customer', workflow: 'wf' }, runId: 'run' };
  const counted = async (work: () => Promise<unknown>): Promise<Cost> => {
    [calls, atOnce] = [0, 0];
    await new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') }).run(work);
    return { calls, atOnce };
  };
  return {
    preflight: await counted(() => its.preflight(ref, input({ target: 'customer.wf' }))),
    create: await counted(() => its.create(ref)),
    observe: await counted(() => its.observe(ref, '', { minSeconds: 0, maxSeconds: 60, copyingSince: null })),
    cancel: await counted(() => its.cancel(ref)),
  };
}

/** Calls for each shard, at most: lookups of tablets hold for a moment, so that a few shards need fewer. */
const most = { preflight: 16, create: 28, observe: 8, cancel: 34 };

it.each([32, 128])(
  'the steps of a migration into %i shards make few calls for each, of some at a time',
  async (shards) => {
    const cost = await costs(shards);
    for (const step of steps) {
      expect(cost[step].calls, step).toBeLessThanOrEqual(shards * most[step] + 100);
      expect(cost[step].atOnce, step).toBeLessThanOrEqual(100);
    }
  },
);
