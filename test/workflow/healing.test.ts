import { afterAll, beforeAll, expect, it } from 'vitest';
import type { StreamProblem } from '../../src/migration/watch/diagnosis.js';
import { copying, failedVDiff, replicating, sampleProblem } from '../support/workflow/samples.js';
import { returns, Script, untilCancelled } from '../support/workflow/scripted-activities.js';
import { inSkippedTime, now } from '../support/workflow/skipped-time.js';
import { Bench } from '../support/workflow/workflow-bench.js';

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.start({ daysPass: true });
});
afterAll(() => bench.stop());

const ended: StreamProblem = { ...sampleProblem, healer: 'program' };

/** Streams that Vitess ends during the copy, again and again until they have been started `enough` times. */
function endedUntil(enough: number): { script: Script; restarts: number[] } {
  const restarts: number[] = [];
  const script = new Script().always('restart', async () => void restarts.push(await now(bench.env)));
  const view = () =>
    restarts.length < enough ? { ...copying(0.5), problems: [ended] } : { ...replicating(), problems: [] };
  script.always(
    'observe',
    inSkippedTime(bench.env, () => ({ observation: view(), lastsMs: Infinity })),
  );
  return { script, restarts };
}

it('streams that Vitess has ended are started again, with growing pauses, and the copy goes on', async () => {
  const { script, restarts } = endedUntil(5);
  const migration = await bench.migrate(script, { complete: 'auto' });
  expect(await migration.result()).toMatchObject({ outcome: 'completed' });
  const seconds = restarts.slice(1).map((at, i) => Math.floor((at - (restarts[i] ?? 0)) / 10_000));
  expect(seconds).toEqual([1, 2, 4, 8]);
  expect(script.steps()).not.toContain('pause');
});

it('for a day, with few events', async () => {
  const { script, restarts } = endedUntil(150);
  const migration = await bench.migrate(script, { complete: 'auto' });
  await migration.result();
  const days = ((restarts.at(-1) ?? 0) - (restarts[0] ?? 0)) / 86_400_000;
  expect(days).toBeGreaterThan(0.9);
  for (const history of await bench.historiesOf(migration.handle.workflowId))
    expect(history.events?.length).toBeLessThan(10_240);
}, 300_000);

it('what should not come again calls a person when it does', async () => {
  const { script, restarts } = endedUntil(Infinity);
  let waitsFor: string[] = [];
  script.always('observe', async (ref, since, wait) => {
    const { phase, waitingFor } = await migration.status();
    if (phase !== 'paused') return watch(ref, since, wait);
    waitsFor = waitingFor;
    await migration.handle.signal('cancel');
    return untilCancelled();
  });
  const watch = inSkippedTime(bench.env, () => ({
    observation: { ...copying(0.5), problems: [{ ...ended, kind: 'schema-read-failed' }] },
    lastsMs: Infinity,
  }));
  const migration = await bench.migrate(script);
  expect(await migration.result()).toMatchObject({ outcome: 'cancelled' });
  expect(restarts).toHaveLength(5);
  expect(waitsFor).toEqual([`a person: ${sampleProblem.remedy}`]);
  expect((await migration.status()).restarts?.count).toBe(5);
});

it('a VDiff that waits for such a stream runs again once it has been started', async () => {
  const trouble = returns({ ...failedVDiff('stopped'), trouble: ended });
  const script = new Script().on('vdiff', trouble).on('vdiff', trouble);
  const migration = await bench.migrate(script, { complete: 'auto' });
  expect(await migration.result()).toMatchObject({ outcome: 'completed', vdiff: { state: 'completed' } });
  expect(script.steps().filter((step) => step === 'vdiff' || step === 'restart')).toEqual([
    'vdiff',
    'restart',
    'vdiff',
    'restart',
    'vdiff',
  ]);
});

it('nothing is started while a person has paused the migration', async () => {
  const script = new Script().on('observe', returns(replicating()));
  const migration = await bench.migrate(script);
  await migration.until(({ phase }) => phase === 'replicating');
  script.on('observe', returns(replicating({ problems: [ended] })));
  await migration.update('pause');
  await migration.until(({ problems }) => problems.length > 0);
  expect(script.steps()).not.toContain('restart');
  await migration.handle.signal('cancel');
  await migration.result();
});

it('Cancel does not wait for the next restart', async () => {
  const { script, restarts } = endedUntil(Infinity);
  const migration = await bench.migrate(script);
  await migration.until((status) => (status.restarts?.count ?? 0) > 0);
  await migration.handle.signal('cancel');
  expect(await migration.result()).toMatchObject({ outcome: 'cancelled' });
  expect(restarts.length).toBeGreaterThan(0);
});

it('replays every history of this file', async () => {
  const { replayed, broken } = await bench.replayAll();
  expect(broken).toEqual([]);
  expect(replayed).toBeGreaterThan(5);
});
