import { CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { beforeEach, expect, it } from 'vitest';
import { allActivities, type Activities } from '../../src/activities/index.js';
import { VReplicationWorkflowState } from '../../src/vitess/wire/binlogdata_pb.js';
import { buildClients } from '../../src/worker.js';
import { passing } from '../support/fakes/intercept.js';
import { fakeConfig, fakeMount, World } from '../support/fakes/world.js';
import { input } from './preflight/facts.js';

const ref = { id: { keyspace: 'commerce', workflow: 'wf' }, runId: 'run' };

let world: World;
let calls: string[];
let activities: Activities;

const environment = () => new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
const run = <T>(work: () => Promise<T>): Promise<T> => environment().run(work);

const isWait = (what: string) => what.includes('vReplicationWaitForPos');

/** A migration that would wait for its streams longer than any test. */
beforeEach(async () => {
  world = new World();
  calls = [];
  const connectors = passing(world.connectors(), (what, effect) => {
    calls.push(what);
    return isWait(what) ? new Promise(() => undefined) : effect();
  });
  const { clients } = buildClients(fakeConfig, connectors);
  activities = allActivities(clients);
  await clients.mounts.add('ext1', fakeMount);
  await run(() => activities.preflight(ref, input({ fenceSource: true, catchUpTimeout: '30m' })));
  await run(() => activities.create(ref));
});

/** Cancels a step while it waits, and answers how it has ended. */
async function cancelled(step: () => Promise<unknown>, waits: () => boolean): Promise<unknown> {
  const env = environment();
  const ended = env.run(step).catch((error: unknown) => error);
  await expect.poll(waits, { timeout: 60_000 }).toBe(true);
  env.cancel();
  return ended;
}

const isFenced = () => world.source.shards.every(({ tablet }) => tablet.denied.length > 0);

it('a fence that waits for the streams hears Cancel', async () => {
  for (const { tablet } of world.target.shards)
    for (const stream of tablet.vreplication.streams) stream.state = VReplicationWorkflowState.Stopped;
  world.write('customer', '7', 'not yet on the target');
  expect(
    await cancelled(
      () => activities.fence(ref),
      () => calls.some(isWait),
    ),
  ).toBeInstanceOf(CancelledFailure);
});

it('a fence that waits for an open transaction hears Cancel', async () => {
  world.sourceMysql.openTransactions = ['7'];
  expect(await cancelled(() => activities.fence(ref), isFenced)).toBeInstanceOf(CancelledFailure);
});
