import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nameList } from '../../src/migration/plan/reference.js';
import { noPrimaryKey } from '../../src/migration/preflight/checks/no-primary-key.js';
import { stamp } from '../../src/migration/preflight/finding.js';
import { cappedGaps } from '../../src/migration/proof/gaps.js';
import { boundedReport, vdiffTablesInHistory } from '../../src/migration/proof/vdiff.js';
import { tablesInHistory, toObservation, type Look, type Observation } from '../../src/migration/watch/observation.js';
import {
  cleanVDiff,
  copying,
  replicating,
  sampleGap,
  sampleProblem,
  sampleStream,
  sampleTable,
  vdiffTable,
} from '../support/workflow/samples.js';
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
async function askedFor(migration: Migration): Promise<never> {
  await migration.handle.signal('complete');
  return untilCancelled();
}

/** An error that is there in every second minute. */
const flapping = (at: number): View => ({
  observation: Math.floor(at / minute) % 2 === 0 ? replicating() : replicating({ problems: [sampleProblem] }),
  lastsMs: minute - (at % minute),
});

/** A look at 5,000 tables on 4 shards, copied up to this fraction. */
function manyTables(fraction: number, problems: Look['problems'] = []): Observation {
  const copied = Math.floor(fraction * 5_000);
  const names = Array.from({ length: 5_000 }, (_, i) => `customer_events_of_the_year_${i}`);
  return toObservation(
    {
      at: '2026-01-02T03:04:05.000Z',
      copyFinished: copied === names.length,
      remainingSeconds: null,
      problems,
      tables: names.map((name, i) =>
        sampleTable({ name, phase: i < copied ? 'copied' : i < copied + 4 ? 'copying' : 'waiting' }),
      ),
      streams: ['-40', '40-80', '80-c0', 'c0-'].map((shard, id) =>
        sampleStream({
          shard,
          id,
          state: copied === names.length ? 'Running' : 'Copying',
          copying: names.slice(copied),
          position: `MySQL56/${Array.from({ length: 4 }, (_, i) => `3e11fa47-71ca-11e1-9e33-c80aa942956${i}:1-123456789`).join(',')}`,
        }),
      ),
    },
    tablesInHistory,
  );
}

/** What preflight, VDiff and the proof of so many tables may put into a history at most. */
const manyFindings = Array.from({ length: 200 }, (_, i) =>
  stamp(noPrimaryKey, {
    message: `table customer_events_of_the_year_${i} has no primary key`,
    place: { table: `t${i}` },
    remedy: 'add one',
  }),
);
const manyGaps = cappedGaps(
  Array.from({ length: 5_000 }, (_, i) => ({
    ...sampleGap,
    code: 'SCHEMA_DRIFT' as const,
    place: { table: `customer_events_of_the_year_${i}` },
  })),
);
const manyTablesVDiff = boundedReport(
  cleanVDiff({
    totals: { tables: 5_000, differing: 0, mismatched: '0', extraSource: '0', extraTarget: '0' },
    tables: Array.from({ length: 5_000 }, (_, i) => vdiffTable({ name: `customer_events_of_the_year_${i}` })),
  }),
  vdiffTablesInHistory,
);

const lengthOf = (value: string | ArrayBufferView) => (typeof value === 'string' ? value.length : value.byteLength);

/** About what a value occupies in a history: its bytes and texts, and some for each number. */
function sizeOf(value: unknown): number {
  if (typeof value === 'string' || ArrayBuffer.isView(value)) return lengthOf(value) + 2;
  if (typeof value !== 'object' || value === null) return value === undefined || value === null ? 0 : 5;
  return Object.values(value).reduce<number>((sum, each) => sum + sizeOf(each), 2);
}

async function bytesOf(migration: Migration): Promise<number> {
  const histories = await bench.historiesOf(migration.handle.workflowId);
  return sizeOf(histories);
}

describe('the history stays small', () => {
  it('in bytes, with 5,000 tables on 4 shards: 30 days of copying, 30 of replicating, and an error that flaps', async () => {
    const startedAt = await now(bench.env);
    // Not every minute, as below: each change is a step of the skipped time.
    const flapping = 25 * minute;
    const flap = (at: number) => (Math.floor(at / flapping) % 2 === 0 ? [] : [sampleProblem]);
    const script = new Script()
      .on(
        'preflight',
        returns({
          outcome: 'recorded',
          findings: manyFindings,
          tables: nameList(Array.from({ length: 5_000 }, (_, i) => `t${i}`)),
        }),
      )
      .always('vdiff', returns(manyTablesVDiff));
    const migration = await bench.migrate(script);
    script.on('prove', returns(manyGaps));
    const seen = new Map<string, Observation>();
    script.always(
      'observe',
      inSkippedTime(bench.env, (at): View | Promise<View> => {
        const days = Math.floor((at - startedAt) / day);
        if (days >= 60 && script.count('prove') === 0) return askedFor(migration);
        const problems = flap(at);
        const key = `${Math.min(days, 30)}:${problems.length}`;
        const observation = seen.get(key) ?? manyTables(Math.min(1, days / 30), problems);
        seen.set(key, observation);
        return { observation, lastsMs: flapping - (at % flapping) };
      }),
    );
    expect(await migration.result()).toMatchObject({ outcome: 'completed' });
    const events = await report('5,000 tables on 4 shards for 60 days', migration);
    const bytes = await bytesOf(migration);
    console.log(`5,000 tables on 4 shards for 60 days: ${(bytes / 1e6).toFixed(2)} MB`);
    expect(events).toBeLessThan(20_000);
    expect(bytes).toBeLessThan(5_000_000);
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
