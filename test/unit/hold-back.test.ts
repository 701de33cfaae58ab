import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { beforeEach, describe, expect, it } from 'vitest';
import { allActivities } from '../../src/activities/index.js';
import { heldBackMessage } from '../../src/migration/watch/holding-back.js';
import { VReplicationWorkflowState as State } from '../../src/vitess/wire/binlogdata_pb.js';
import { buildClients } from '../../src/worker.js';
import { fakeConfig, fakeMount, World } from '../support/fakes/world.js';
import { input } from './preflight/facts.js';

const ref = { id: { keyspace: 'customer', workflow: 'wf' }, runId: 'run' };

/** A migration of two lanes into two shards. */
describe('a lane that is held back', () => {
  let world: World;
  let step: (work: (its: ReturnType<typeof allActivities>) => Promise<unknown>) => Promise<unknown>;
  beforeEach(async () => {
    world = new World();
    const { clients } = buildClients(fakeConfig, world.connectors());
    const its = allActivities(clients);
    step = (work) => new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') }).run(() => work(its));
    await clients.mounts.add('ext1', fakeMount);
    await step((all) => all.preflight(ref, input({ target: 'customer.wf', lanes: 2 })));
    await step((all) => all.create(ref));
  });
  const shards = () => world.target.shardsOf('customer');
  const states = () =>
    shards().map(({ tablet }) =>
      tablet.vreplication.streams.map(({ workflow, state }) => `${workflow} ${State[state]}`),
    );
  const holdBack = (shard: number, lane: string) =>
    shards()[shard]?.tablet.vreplication.setState(lane, State.Stopped, heldBackMessage('it is noon'));
  const running = ['wf Running', 'wf-lane2 Running'];

  it('on one shard only, as an attempt leaves it that came half-way, is started', async () => {
    holdBack(1, 'wf-lane2');
    await step((its) => its.holdBack(ref));
    expect(states()).toEqual([running, running]);
  });

  it('when it has copied everything is started', async () => {
    const advance = () =>
      shards().forEach(({ tablet }) => ['wf', 'wf-lane2'].forEach((lane) => tablet.vreplication.advance(lane)));
    for (let n = 0; n < 20; n++) advance();
    for (const shard of [0, 1]) holdBack(shard, 'wf');
    await step((its) => its.holdBack(ref));
    expect(states()).toEqual([running, running]);
  });

  it('by somebody else stays as it is', async () => {
    for (let n = 0; n < 20; n++) shards().forEach(({ tablet }) => tablet.vreplication.advance('wf-lane2'));
    for (const { tablet } of shards()) tablet.vreplication.setState('wf', State.Stopped, 'by another program');
    const ended = step((its) => its.holdBack(ref));
    for (const { tablet } of shards())
      await expect.poll(() => tablet.vreplication.of('wf')[0]?.message).toBe('by another program');
    for (const { tablet } of shards()) tablet.vreplication.setState('wf', State.Running, '');
    await ended;
    expect(states()).toEqual([running, running]);
  });
});
