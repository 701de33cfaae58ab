import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { statusOf } from '../support/status.js';
import { dirtyVDiff, replicating, sampleProblem } from '../support/workflow/samples.js';
import { returns, Script, type StepName } from '../support/workflow/scripted-activities.js';
import { Bench } from '../support/workflow/workflow-bench.js';

/** Without a cache every workflow task, and every query, replays the whole history. */
let bench: Bench;
beforeAll(async () => {
  bench = await Bench.start({ maxCachedWorkflows: 0 });
});
afterAll(() => bench.stop());

it('a status asked for while no worker is there comes with the next one', async () => {
  const migration = await bench.migrate(new Script());
  await migration.until(({ phase }) => phase === 'replicating');
  await bench.stopWorker();
  await expect(statusOf(migration.handle, 1, 0.5)).rejects.toThrow(/^no status after 1 s: /);
  const status = statusOf(migration.handle, 120, 0.5);
  await sleep(1_500);
  await bench.startWorker();
  expect(await status).toMatchObject({ phase: 'replicating' });
  await migration.handle.signal('cancel');
  expect(await migration.result()).toMatchObject({ outcome: 'cancelled' });
});

describe('a worker that goes away', () => {
  it.each<StepName>([
    'preflight',
    'create',
    'observe',
    'vdiff',
    'prove',
    'checksumNow',
    'watchSource',
    'publish',
    'finish',
    'serve',
  ])('during %s: the next one goes on with that step', async (at) => {
    const script = new Script();
    const hold = script.hold(at);
    const migration = await bench.migrate(script, { complete: 'auto' });
    await hold.reached;
    await bench.stopWorker();
    await bench.startWorker();
    expect(await migration.result()).toMatchObject({ outcome: 'completed' });
    expect(script.steps()).toEqual([
      'preflight',
      'create',
      'observe',
      'vdiff',
      'prove',
      'checksumNow',
      'watchSource',
      'publish',
      'finish',
      'serve',
    ]);
    expect(script.calls.filter(({ name }) => name === at).map(({ attempt }) => attempt)).toEqual([1, 2]);
  });

  it('during Cancel: the next one puts back what is left', async () => {
    const script = new Script();
    script.hold('observe');
    const undo = script.hold('cancel');
    const migration = await bench.migrate(script);
    await migration.until(({ phase }) => phase === 'copying');
    await migration.handle.signal('cancel');
    await undo.reached;
    await bench.stopWorker();
    await bench.startWorker();
    expect(await migration.result()).toMatchObject({ outcome: 'cancelled' });
    expect(script.calls.filter(({ name }) => name === 'cancel').map(({ attempt }) => attempt)).toEqual([1, 2]);
  });

  it('Resume is heard, though the last look at the streams in trouble comes with it', async () => {
    const trouble = returns(replicating({ problems: [{ ...sampleProblem, healer: 'person' }] }));
    const script = new Script().on('observe', returns(replicating()), trouble);
    const look = script.hold('observe', { deaf: true, then: trouble });
    const migration = await bench.migrate(script);
    await look.reached;
    expect(await migration.status()).toMatchObject({ phase: 'paused' });
    // The signal first, then the look, in one workflow task: a worker that stops takes no more of them.
    const stopped = bench.stopWorker();
    await sleep(500);
    await migration.handle.signal('resume');
    look.release();
    await stopped;
    await bench.startWorker();
    await migration.until(({ phase }) => phase === 'replicating');
    expect(script.count('resume')).toBe(1);
    expect(script.count('pause')).toBe(1);
    await migration.handle.signal('cancel');
    expect(await migration.result()).toMatchObject({ outcome: 'cancelled' });
  });

  it('messages that come while there is none are carried out by the next', async () => {
    const script = new Script().on('observe', returns(replicating()));
    const migration = await bench.migrate(script);
    await migration.until(({ phase }) => phase === 'replicating');
    await bench.stopWorker();
    await migration.handle.signal('vdiff');
    await migration.handle.signal('complete');
    await bench.startWorker();
    expect(await migration.result()).toMatchObject({ outcome: 'completed' });
    expect(script.count('vdiff')).toBe(2);
  });
});

describe('without a cache', () => {
  it('the status and the answers are the same as ever', async () => {
    const script = new Script().on('vdiff', returns(dirtyVDiff()));
    const migration = await bench.migrate(script);
    const before = await migration.until(({ phase }) => phase === 'replicating');
    expect(await migration.status()).toEqual(before);
    expect(await migration.update('complete')).toMatchObject({
      outcome: 'remembered',
      missing: [{ code: 'VDIFF_NOT_CLEAN' }],
    });
    expect(await migration.update('vdiff')).toMatchObject({ clean: true });
    expect(await migration.result()).toMatchObject({ outcome: 'completed' });
  });
});

it('replays every history of this file', async () => {
  const { replayed, broken } = await bench.replayAll();
  expect(broken).toEqual([]);
  expect(replayed).toBe(15);
});
