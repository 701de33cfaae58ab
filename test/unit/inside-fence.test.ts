import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { CancelledFailure } from '@temporalio/common';
import { beforeEach, expect, it } from 'vitest';
import { allActivities, type Activities } from '../../src/activities/index.js';
import { JournalStore } from '../../src/effects/journal.js';
import { MigrationError } from '../../src/migration/problem/errors.js';
import { buildClients } from '../../src/worker.js';
import { passing } from '../support/fakes/intercept.js';
import { fakeConfig, fakeHook, fakeMount, sampleTables, World } from '../support/fakes/world.js';
import { input } from './preflight/facts.js';

const ref = { id: { keyspace: 'commerce', workflow: 'wf' }, runId: 'run' };

let world: World;
let activities: Activities;
let journals: JournalStore;
/** What a call of the hook does besides. */
let onHook: (what: string) => Promise<void>;
const environment = () => new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
const run = <T>(work: () => Promise<T>): Promise<T> => environment().run(work);
const isFenced = () => world.source.shards.some(({ tablet }) => tablet.denied.length > 0);
const told = () => world.hookCalls.map(({ event, attempt }) => `${event} ${attempt}`);
const call = () => run(() => activities.insideFence(ref, fakeHook, '10s'));
const broken = () => Promise.reject(new MigrationError('FENCE_HOOK_FAILED', 'exit code 1', {}, 'mend it'));

beforeEach(async () => {
  world = new World();
  onHook = () => Promise.resolve();
  const connectors = passing(world.connectors(), async (what, effect) => {
    const answer = await effect();
    if (what.startsWith('hook ')) await onHook(what);
    return answer;
  });
  const { clients } = buildClients(fakeConfig, connectors);
  activities = allActivities(clients);
  journals = new JournalStore(clients.target, ref.id);
  await clients.mounts.add('ext1', fakeMount);
  await run(() => activities.preflight(ref, input({ fenceSource: true, insideFence: fakeHook })));
  await run(() => activities.create(ref));
  await expect.poll(() => run(() => activities.prove(ref)), { timeout: 30_000 }).toEqual([]);
  expect(await run(() => activities.fence(ref))).toEqual([]);
});

it('it is called behind the fence, before the point of no return, with what it needs to know', async () => {
  let [fenced, forward, denied] = [false, true, 0];
  onHook = async () => {
    fenced = isFenced();
    forward = (await journals.require('run')).forward;
    denied = world.target.shardsOf('commerce')[0]?.tablet.denied.length ?? 0;
  };
  expect(await call()).toBeGreaterThanOrEqual(0);
  expect([fenced, forward, denied]).toEqual([true, false, sampleTables.length]);
  expect(world.hookCalls).toEqual([
    {
      event: 'fenced',
      attempt: 1,
      workflow: 'commerce.wf',
      runId: 'run',
      source: 'ext1.load',
      keyspace: 'commerce',
      tables: sampleTables,
    },
  ]);
});

it('it hears nothing more once that point is passed', async () => {
  await call();
  expect((await run(() => activities.finish(ref, { fenced: true }))).gaps).toEqual([]);
  await expect(run(() => activities.unpublish(ref))).rejects.toMatchObject({ type: 'PAST_NO_RETURN' });
  expect(told()).toEqual(['fenced 1']);
});

it.each(['unpublish', 'cancel'] as const)('it is told by %s once the fence is down, and once only', async (step) => {
  await call();
  let fenced = true;
  onHook = () => {
    fenced = isFenced();
    return Promise.resolve();
  };
  await run<unknown>(() => activities[step](ref));
  if (step === 'unpublish') await run(() => activities.unpublish(ref));
  expect([fenced, told()]).toEqual([false, ['fenced 1', 'taken-back 1']]);
});

it('it is told when its own call has failed: nobody knows how far that came', async () => {
  onHook = broken;
  await expect(call()).rejects.toMatchObject({ type: 'FENCE_HOOK_FAILED', nonRetryable: true });
  onHook = () => Promise.resolve();
  expect(await run(() => activities.unpublish(ref))).toEqual([]);
  expect([isFenced(), told()]).toEqual([false, ['fenced 1', 'taken-back 1']]);
});

it('it is told its number when a worker has died meanwhile, and begins anew after it was taken back', async () => {
  await call();
  await call();
  await run(() => activities.unpublish(ref));
  await run(() => activities.fence(ref));
  await call();
  expect(told()).toEqual(['fenced 1', 'fenced 2', 'taken-back 2', 'fenced 1']);
});

it('it is a warning when it cannot hear that it is taken back, and the fence is down', async () => {
  await call();
  onHook = broken;
  expect(await run(() => activities.unpublish(ref))).toEqual([
    expect.objectContaining({
      code: 'FENCE_HOOK_FAILED',
      remedy: expect.stringMatching(/^the source takes/) as string,
    }),
  ]);
  expect([isFenced(), told()]).toEqual([false, ['fenced 1', ...Array<string>(3).fill('taken-back 1')]]);
  onHook = () => Promise.resolve();
  expect(await run(() => activities.unpublish(ref))).toEqual([]);
});

it('its warning stays with the journal of a Cancel until it is known', async () => {
  await call();
  onHook = broken;
  const { warnings } = await run(() => activities.cancel(ref, { thenForget: true }));
  expect(warnings).toEqual([expect.objectContaining({ code: 'FENCE_HOOK_FAILED' })]);
  expect(await journals.read()).toBeDefined();
});

it('it is given up when the step is cancelled', async () => {
  const env = environment();
  let begun = false;
  onHook = () => {
    begun = true;
    return new Promise((_, reject) => {
      const timer = setInterval(() => {
        if (!env.context.cancellationSignal.aborted) return;
        clearInterval(timer);
        reject(new MigrationError('FENCE_HOOK_FAILED', 'ended by SIGKILL', {}, ''));
      }, 5);
    });
  };
  const ended = env.run(() => activities.insideFence(ref, fakeHook, '10s')).catch((error: unknown) => error);
  await expect.poll(() => begun).toBe(true);
  env.cancel();
  expect(await ended).toBeInstanceOf(CancelledFailure);
});

it('it is refused where the worker may not call it, before anything is touched, and at Complete', async () => {
  const other = { fenceSource: true, insideFence: 'format-disk' };
  const stops = [
    expect.objectContaining({ message: expect.stringMatching(/^format-disk cannot be called/) as string }),
  ];
  expect(await run(() => activities.prove(ref, other))).toEqual(stops);
  expect(await run(() => activities.prove(ref, { ...other, fenceSource: false }))).toEqual([]);
  const elsewhere = { id: { keyspace: 'commerce', workflow: 'wf2' }, runId: 'run2' };
  const begun = run(() => activities.preflight(elsewhere, input({ target: 'commerce.wf2', ...other })));
  await expect(begun).rejects.toMatchObject({
    message: expect.stringMatching(/format-disk cannot be called/) as string,
  });
  expect(world.hookCalls).toEqual([]);
});
