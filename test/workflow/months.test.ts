import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copying, replicating, sampleGap, sampleProblem } from '../support/workflow/samples.js';
import { Script, untilCancelled } from '../support/workflow/scripted-activities.js';
import { inSkippedTime, now, type View } from '../support/workflow/skipped-time.js';
import { Bench, type Migration } from '../support/workflow/workflow-bench.js';

/** How the history grows with time: Temporal warns at 10,240 events and ends a workflow at 51,200. */

const minute = 60_000;
const day = 86_400_000;

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.start({ daysPass: true });
});
afterAll(() => bench.stop());

async function report(what: string, migration: Migration): Promise<number> {
  const events = await migration.events();
  console.log(`${what}: ${events} events`);
  return events;
}

/** Asks for Complete from inside the watching, which is the one that knows the time. */
async function askedFor(migration: Migration): Promise<never> {
  await migration.handle.signal('complete');
  return untilCancelled();
}

/** An error that is there in every second minute. */
const flapping = (at: number): View => ({
  observation: Math.floor(at / minute) % 2 === 0 ? replicating() : replicating({ problems: [sampleProblem] }),
  lastsMs: minute - (at % minute),
});

describe('the history stays small', () => {
  it('in 30 days of copying and 30 days of replicating', async () => {
    const startedAt = await now(bench.env);
    const script = new Script();
    const migration = await bench.migrate(script);
    script.always(
      'observe',
      inSkippedTime(bench.env, async (at): Promise<View> => {
        const days = (at - startedAt) / day;
        if (days < 30) return { observation: copying(days / 30), lastsMs: 3 * day - ((at - startedAt) % (3 * day)) };
        if (days >= 60) return askedFor(migration);
        return { observation: replicating(), lastsMs: 60 * day - (at - startedAt) };
      }),
    );
    expect(await migration.result()).toMatchObject({ outcome: 'completed' });
    expect(await now(bench.env)).toBeGreaterThanOrEqual(startedAt + 60 * day);
    expect(await report('30 days of copying and 30 of replicating', migration)).toBeLessThan(3_000);
  });

  it('with an error that comes and goes every minute for 30 days', async () => {
    const startedAt = await now(bench.env);
    const script = new Script();
    const migration = await bench.migrate(script);
    script.always(
      'observe',
      inSkippedTime(bench.env, (at) => {
        return at - startedAt >= 30 * day ? askedFor(migration) : flapping(at);
      }),
    );
    expect(await migration.result()).toMatchObject({ outcome: 'completed' });
    expect(await report('an error that flaps every minute for 30 days', migration)).toBeLessThan(10_000);
  });

  it('with a Complete that is not proven for 10 days, while an error comes and goes', async () => {
    const startedAt = await now(bench.env);
    const script = new Script().always('observe', inSkippedTime(bench.env, flapping));
    script.always('prove', async () => ((await now(bench.env)) - startedAt < 10 * day ? [sampleGap] : []));
    const migration = await bench.migrate(script, { complete: 'auto' });
    expect(await migration.result()).toMatchObject({ outcome: 'completed' });
    // Hourly in the end: 30 days would stay below the 51,200 events at which Temporal ends a workflow.
    expect(await report('a Complete unproven for 10 days', migration)).toBeLessThan(6_000);
  });
});

it('replays every history of this file', async () => {
  const { replayed, broken } = await bench.replayAll();
  expect(broken).toEqual([]);
  expect(replayed).toBe(3);
});
