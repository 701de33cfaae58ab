import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { beforeAll, expect, it } from 'vitest';
import { allActivities, type Activities } from '../../src/activities/index.js';
import { adoptInputSchema } from '../../src/migration/input/input.js';
import { buildClients } from '../../src/worker.js';
import { fakeConfig, fakeMount, World } from '../support/fakes/world.js';
import { input } from './preflight/facts.js';

const id = { keyspace: 'commerce', workflow: 'wf' };
const replaced = { id, runId: 'terminated' };
const owner = { id, runId: 'owner' };

/** Every step of a migration that has begun. Those that return without an error have nothing to do. */
const steps: Record<string, (activities: Activities) => Promise<unknown>> = {
  create: (its) => its.create(replaced),
  observe: (its) => its.observe(replaced, '', { minSeconds: 0, maxSeconds: 1, copyingSince: null }),
  holdBack: (its) => its.holdBack(replaced),
  vdiff: (its) => its.vdiff(replaced, 'd51546fb-795f-45fc-a1b1-7d0f183ea474', {}),
  checksum: (its) => its.checksum(replaced, '', 0),
  checksumNow: (its) => its.checksumNow(replaced, false),
  repair: (its) => its.repair(replaced, ['customer']),
  pause: (its) => its.pause(replaced),
  restart: (its) => its.restart(replaced),
  resume: (its) => its.resume(replaced),
  mayLeave: (its) => its.mayLeave(replaced, ['customer']),
  leave: (its) => its.leave(replaced, ['customer'], false),
  updateOptions: (its) => its.updateOptions(replaced, { onDdl: 'STOP' }),
  watchSource: (its) => its.watchSource(replaced),
  prove: (its) => its.prove(replaced),
  rehearse: (its) => its.rehearse(replaced),
  publish: (its) => its.publish(replaced),
  fence: (its) => its.fence(replaced),
  insideFence: (its) => its.insideFence(replaced, 'switch-router', '10s'),
  unpublish: (its) => its.unpublish(replaced),
  finish: (its) => its.finish(replaced),
  serve: (its) => its.serve(replaced),
  retire: (its) => its.retire(replaced, 'drop'),
  cancel: (its) => its.cancel(replaced),
  forget: (its) => its.forget(replaced),
};
const nothingToDo = ['serve', 'retire', 'cancel', 'forget'];

let world: World;
let activities: Activities;

const run = <T>(work: () => Promise<T>): Promise<T> =>
  new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') }).run(work);

/** A migration that has been adopted: a step of the run before may still be on its way. */
beforeAll(async () => {
  world = new World();
  const { clients } = buildClients(fakeConfig, world.connectors());
  activities = allActivities(clients);
  await clients.mounts.add('ext1', fakeMount);
  await run(() => activities.preflight(replaced, input()));
  await run(() => activities.create(replaced));
  const request = adoptInputSchema.parse({ source: 'ext1.load', target: 'commerce.wf', adopt: 'complete' });
  await run(() => activities.adopt(owner, request));
});

it('every step is tried', () => {
  const mounts = ['mount', 'unmount', 'showMount', 'listMounts'];
  const others = [...mounts, 'preflight', 'adopt', 'lookAround', 'remove', 'readiness', 'tablePage'];
  const all = Object.keys(activities).filter((name) => !others.includes(name));
  expect(Object.keys(steps).sort()).toEqual(all.sort());
});

it.each(Object.keys(steps))('%s of a run that another one has replaced changes nothing', async (name) => {
  const before = world.snapshot();
  const ended = run(() => steps[name]?.(activities) ?? Promise.resolve());
  if (nothingToDo.includes(name)) await ended;
  else await expect(ended).rejects.toMatchObject({ type: 'MIGRATION_EXISTS' });
  expect(world.snapshot()).toEqual(before);
});
