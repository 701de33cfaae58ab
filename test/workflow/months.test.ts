import { temporal } from '@temporalio/proto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nameList } from '../../src/migration/plan/reference.js';
import { vdiffTablesInHistory } from '../../src/migration/proof/vdiff.js';
import type { Observation } from '../../src/migration/watch/observation.js';
import { manyFindings, manyGaps, manyNames, manyTables, manyTablesVDiff } from '../support/large-migration.js';
import { copying, replicating, sampleGap, sampleProblem } from '../support/workflow/samples.js';
import { returns, Script, untilCancelled } from '../support/workflow/scripted-activities.js';
import { inSkippedTime, now, type View } from '../support/workflow/skipped-time.js';
import { Bench, type Migration } from '../support/workflow/workflow-bench.js';

/**
 * How the history grows with time: Temporal warns at 10,240 events or 10 MB, and ends a workflow at
 * 51,200 or 50 MB.
 */

const minute = 60_000;
const day = 86_400_000;

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.start({ daysPass: true });
});
afterAll(() => bench.stop());

async function report(what: string, migration: Migration): Promise<number> {
  const histories = await bench.historiesOf(migration.handle.workflowId);
  const events = histories.reduce((sum, history) => sum + (history.events?.length ?? 0), 0);
  console.log(`${what}: ${events} events`);
  return events;
}

/** Asks for Complete from inside the watching, which is the one that knows the time. */
async function askedFor(migration: Migration, ...payload: [unknown?]): Promise<never> {
  await migration.handle.signal('complete', ...payload);
  return untilCancelled();
}

/** An error that is there in every second minute. */
const flapping = (at: number): View => ({
  observation: Math.floor(at / minute) % 2 === 0 ? replicating() : replicating({ problems: [sampleProblem] }),
  lastsMs: minute - (at % minute),
});

const names = manyNames(10_000);

async function historiesOf(migration: Migration): Promise<Uint8Array[]> {
  const histories = await bench.historiesOf(migration.handle.workflowId);
  return histories.map((history) => temporal.api.history.v1.History.encode(history).finish());
}

/** The largest of the values in a history, in bytes. */
function largestPayload(value: unknown): number {
  if (ArrayBuffer.isView(value)) return value.byteLength;
  if (typeof value !== 'object' || value === null) return 0;
  return Math.max(0, ...Object.values(value).map(largestPayload));
}

describe('the history stays small', () => {
  it('in bytes, with 10,000 tables on 4 shards, copied for 30 days and watched for 30 more, while streams flap', async () => {
    const startedAt = await now(bench.env);
    // Not every minute, as below: each change is a step of the skipped time.
    const flapping = 25 * minute;
    const script = new Script()
      .on('preflight', returns({ outcome: 'recorded', findings: manyFindings(names), tables: nameList(names) }))
      .on('vdiff', returns(manyTablesVDiff(names, vdiffTablesInHistory)));
    const migration = await bench.migrate(script);
    script.on('prove', returns(manyGaps(names)));
    const seen = new Map<string, Observation>();
    script.always(
      'observe',
      inSkippedTime(bench.env, (at): View | Promise<View> => {
        const days = Math.floor((at - startedAt) / day);
        if (days >= 60 && script.count('prove') === 0) return askedFor(migration, { force: true });
        const inTrouble = Math.floor(at / flapping) % 2 === 1;
        const key = `${Math.min(days, 30)}:${inTrouble}`;
        const observation = seen.get(key) ?? manyTables(names, { fraction: Math.min(1, days / 30), inTrouble });
        seen.set(key, observation);
        return { observation, lastsMs: flapping - (at % flapping) };
      }),
    );
    expect(await migration.result()).toMatchObject({ outcome: 'completed' });
    const events = await report('10,000 tables on 4 shards for 60 days', migration);
    const runs = await historiesOf(migration);
    const bytes = runs.reduce((sum, run) => sum + run.length, 0);
    const largest = largestPayload(await bench.historiesOf(migration.handle.workflowId));
    console.log(`${(bytes / 1e6).toFixed(2)} MB in ${runs.length} runs, the largest value ${largest / 1e3} KB`);
    expect(events).toBeLessThan(20_000);
    expect(bytes).toBeLessThan(5_000_000);
    expect(largest).toBeLessThan(100_000);
  });

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
  expect(replayed).toBeGreaterThanOrEqual(4);
});
