import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { beforeEach, describe, expect, it } from 'vitest';
import { allActivities, type Activities } from '../../src/activities/index.js';
import { JournalStore } from '../../src/effects/journal.js';
import { cutoverOf, predictCutover, type Rehearsal } from '../../src/migration/proof/cutover.js';
import { buildClients } from '../../src/worker.js';
import { passing } from '../support/fakes/intercept.js';
import { fakeConfig, fakeMount, World } from '../support/fakes/world.js';
import { sampleRehearsal } from '../support/workflow/samples.js';
import { input } from './preflight/facts.js';

it('counts from the first shard that refuses, whichever it is', () => {
  expect(cutoverOf({ '-80': 5_000, '80-': 4_900 }, 5_600)).toEqual({
    refusedFrom: '1970-01-01T00:00:04.900Z',
    refusedByAll: '1970-01-01T00:00:05.000Z',
    takenAt: '1970-01-01T00:00:05.600Z',
    refusedMs: 700,
  });
});

it('is nothing without a fence, and never less than nothing', () => {
  expect(cutoverOf({}, 5_600)).toBeNull();
  expect(cutoverOf({ '0': 5_700 }, 5_600)?.refusedMs).toBe(0);
});

describe('the prediction', () => {
  it('is at the least the time that a fence must stand, and what comes after it', () => {
    expect(predictCutover(sampleRehearsal(), 20)).toEqual({
      leastMs: 500,
      mostMs: 2 * (500 + 20 + 18),
      basis: { ...sampleRehearsal(), step: 20 },
    });
  });

  it('grows with what takes longer than that', () => {
    const { leastMs, mostMs } = predictCutover(sampleRehearsal({ catchUp: 2_000 }), 20);
    expect([leastMs, mostMs]).toEqual([2_060, 8_240]);
  });

  it('has a drain of all its time where a transaction has been open for a while', () => {
    expect(predictCutover(sampleRehearsal({ openTransactions: 1 }), 20).mostMs).toBe(2 * 538 + 35_000);
  });
});

describe('the steps of Complete', () => {
  const ref = { id: { keyspace: 'customer', workflow: 'wf' }, runId: 'run' };
  let world: World;
  let activities: Activities;
  let journals: JournalStore;
  /** When the source first refused, and the whole target first took writes. */
  let seen: { refused?: number; taken?: number };
  let rehearsal: Rehearsal;
  let onCall: (what: string) => void;
  const run = <T>(work: () => Promise<T>): Promise<T> =>
    new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') }).run(work);

  beforeEach(async () => {
    world = new World();
    seen = {};
    onCall = () => undefined;
    const watch = () => {
      const denied = ({ tablet }: { tablet: { denied: readonly string[] } }) => tablet.denied.length > 0;
      if (world.source.shards.some(denied)) seen.refused ??= Date.now();
      if (seen.refused !== undefined && !world.target.shardsOf('customer').some(denied)) seen.taken ??= Date.now();
    };
    const connectors = passing(world.connectors(), async (what, effect) => {
      try {
        onCall(what);
        return await effect();
      } finally {
        watch();
      }
    });
    const { clients } = buildClients(fakeConfig, connectors);
    activities = allActivities(clients);
    journals = new JournalStore(clients.target, ref.id);
    await clients.mounts.add('ext1', fakeMount);
    await run(() => activities.preflight(ref, input({ target: 'customer.wf', fenceSource: true })));
    await run(() => activities.create(ref));
    await expect.poll(() => run(() => activities.prove(ref)), { timeout: 30_000 }).toEqual([]);
    const before = world.snapshot();
    rehearsal = await run(() => activities.rehearse(ref));
    expect(world.snapshot()).toEqual(before);
    expect(await run(() => activities.fence(ref))).toEqual([]);
  });

  it('measure at least for how long writes were refused, and no more than they took', async () => {
    const began = Date.now();
    const { gaps, cutover } = await run(() => activities.finish(ref, { fenced: true }));
    const took = Date.now() - began;
    expect(gaps).toEqual([]);
    const { refused = NaN, taken = NaN } = seen;
    expect(cutover?.refusedMs).toBeGreaterThanOrEqual(taken - refused);
    expect(Date.parse(cutover?.refusedFrom ?? '')).toBeLessThanOrEqual(refused);
    expect(Date.parse(cutover?.takenAt ?? '')).toBeLessThanOrEqual(began + took);
  });

  it('are rehearsed before, which changes nothing and sees transactions that stay open', async () => {
    expect(rehearsal).toMatchObject({ openTransactions: 0 });
    expect(rehearsal.took).toBeGreaterThanOrEqual(200);
    world.sourceMysql.openTransactions = ['7'];
    expect(await run(() => activities.rehearse(ref))).toMatchObject({ openTransactions: 1 });
  });

  it('take what was on its way when the fence went up for a write of before', async () => {
    await run(() => activities.unpublish(ref));
    onCall = (what) => {
      if (!what.endsWith('refreshState')) return;
      onCall = () => undefined;
      setTimeout(() => world.sourceMysql.write('customer', '7', 'late'), 30);
    };
    expect(await run(() => activities.fence(ref))).toEqual([]);
    expect((await journals.require('run')).positions).toEqual({ '0': world.sourceMysql.position() });
    expect((await run(() => activities.finish(ref, { fenced: true }))).gaps).toEqual([]);
  });

  it('see a write past the fence up to the point of no return', async () => {
    world.sourceMysql.write('customer', '7', 'past the fence');
    const { gaps, cutover } = await run(() => activities.finish(ref, { fenced: true }));
    expect(gaps).toEqual([
      expect.objectContaining({ code: 'FENCE_DOWN', place: expect.objectContaining({ table: 'customer' }) as unknown }),
    ]);
    expect([cutover, (await journals.require('run')).forward]).toEqual([null, false]);
  });

  it('do not pass that point before the fence has stood for half a second', async () => {
    const { refusedMs } = (await run(() => activities.finish(ref, { fenced: true }))).cutover ?? { refusedMs: 0 };
    expect(refusedMs).toBeGreaterThanOrEqual(500);
  });

  it('keep the moments when the answer of finish is lost', async () => {
    const first = await run(() => activities.finish(ref, { fenced: true }));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await run(() => activities.finish(ref, { fenced: true }))).toEqual(first);
  });

  it('forget when the source began to refuse once the fence is down', async () => {
    const { refusedSince } = await journals.require('run');
    await run(() => activities.unpublish(ref));
    expect((await journals.require('run')).refusedSince).toEqual({});
    await run(() => activities.fence(ref));
    expect((await journals.require('run')).refusedSince['0']).toBeGreaterThan(refusedSince['0'] ?? Infinity);
  });
});
