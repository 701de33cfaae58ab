import { describe, expect, it } from 'vitest';
import { transactionLag } from '../../src/migration/watch/lag.js';
import {
  copiedFraction,
  fingerprint,
  inHeartbeat,
  inHistory,
  isCopied,
  isCopyFinished,
  maxLagSeconds,
  remainingSeconds,
  tableFraction,
  endsWatching,
  toObservation,
  type Observation,
  type StreamLook,
  type StreamObservation,
  type Wait,
} from '../../src/migration/watch/observation.js';
import { manyNames, manyTablesLook } from '../support/large-migration.js';
import { nameList } from '../../src/migration/plan/reference.js';
import {
  copying,
  replicating,
  replicatingLook,
  sampleProblem,
  sampleStream,
  sampleTable,
} from '../support/workflow/samples.js';

describe('isCopied', () => {
  it.each([
    { what: 'running with a position', changes: {}, copied: true },
    { what: 'Lagging', changes: { state: 'Lagging' }, copied: true },
    { what: 'running with an empty position: it has not begun', changes: { position: '' }, copied: false },
    { what: 'running with a table still to copy', changes: { copying: ['corder'] }, copied: false },
    { what: 'Copying', changes: { state: 'Copying' }, copied: false },
    { what: 'Stopped', changes: { state: 'Stopped' }, copied: false },
    { what: 'Error', changes: { state: 'Error' }, copied: false },
    { what: 'Init', changes: { state: 'Init' }, copied: false },
  ])('$what: $copied', ({ changes, copied }) => {
    expect(isCopied(sampleStream(changes), false)).toBe(copied);
  });

  it('a stream that is to stop after its copy has copied when it is stopped', () => {
    expect(isCopied(sampleStream({ state: 'Stopped' }), true)).toBe(true);
    expect(isCopied(sampleStream({ state: 'Stopped', position: '' }), true)).toBe(false);
    expect(isCopied(sampleStream({ state: 'Stopped', copying: ['corder'] }), true)).toBe(false);
    expect(isCopied(sampleStream({ state: 'Error' }), true)).toBe(false);
  });
});

describe('isCopyFinished', () => {
  const two = [sampleStream(), sampleStream({ id: 2 })];
  it.each([
    { what: 'every stream has', streams: two, finished: true },
    { what: 'one has not', streams: [sampleStream(), sampleStream({ id: 2, copying: ['corder'] })], finished: false },
    { what: 'one is missing', streams: [sampleStream()], finished: false },
    { what: 'there is none', streams: [], finished: false },
    { what: 'there is one too many', streams: [...two, sampleStream({ id: 3 })], finished: false },
  ])('when $what: $finished', ({ streams, finished }) => {
    expect(isCopyFinished(streams, 2, false)).toBe(finished);
  });
});

describe('fingerprint', () => {
  const base = copying(0.5);
  const withStream = (changes: Partial<StreamObservation>): Observation => ({
    ...base,
    streams: base.streams.map((stream) => ({ ...stream, ...changes })),
  });

  it.each([
    { what: 'the state of a stream', to: withStream({ state: 'Error' }) },
    { what: 'a message', to: withStream({ message: 'connection refused' }) },
    { what: 'a table that is done', to: withStream({ copying: nameList(['corder']) }) },
    { what: 'a first position', to: withStream({ begun: false }) },
    {
      what: 'another stream',
      to: { ...base, streams: [...base.streams, ...replicating({ streams: [sampleStream({ id: 2 })] }).streams] },
    },
    { what: 'a tenth of the copy', to: copying(0.6) },
    { what: 'a problem', to: { ...base, problems: [sampleProblem] } },
  ])('changes with $what', ({ to }) => {
    expect(fingerprint(to)).not.toBe(fingerprint(base));
  });

  it.each([
    { what: 'time', to: { ...base, at: '2030-01-01T00:00:00.000Z', remainingSeconds: 5 } },
    { what: 'lag', to: withStream({ lagSeconds: 7 }) },
    { what: 'a few rows', to: copying(0.55) },
  ])('does not change with $what', ({ to }) => {
    expect(fingerprint(to)).toBe(fingerprint(base));
  });

  it('does not change with a position that moves on, only with the first', () => {
    const at = (position: string) => fingerprint(replicating({ streams: [sampleStream({ position })] }));
    expect(at('MySQL56/a:1-10')).toBe(at('MySQL56/a:1-11'));
    expect(at('')).not.toBe(at('MySQL56/a:1-11'));
  });

  it('does not depend on the order of the streams', () => {
    const [a, b] = [sampleStream(), sampleStream({ id: 2, shard: '80-' })];
    expect(fingerprint(replicating({ streams: [a, b] }))).toBe(fingerprint(replicating({ streams: [b, a] })));
  });
});

describe('an observation of many tables', () => {
  const phases = ['copied', 'waiting', 'copying'] as const;
  const tables = Array.from({ length: 60 }, (_, i) =>
    sampleTable({
      name: `t${i}`,
      phase: phases[i % 3] ?? 'copied',
      rows: '1',
      bytes: '2',
      bytesTotal: '9007199254740993',
    }),
  );
  const look = replicatingLook({
    tables,
    streams: [sampleStream({ copying: tables.map(({ name }) => name) })],
  });

  it('lists first those that are copying, then the waiting, then the copied ones', () => {
    const shown = toObservation(look, { ...inHeartbeat, tables: 50 }).tables.map(({ phase }) => phase);
    expect(shown).toEqual([
      ...Array.from({ length: 20 }, () => 'copying'),
      ...Array.from({ length: 20 }, () => 'waiting'),
      ...Array.from({ length: 10 }, () => 'copied'),
    ]);
  });

  it('has the totals and the fraction of all, and of each stream a few names', () => {
    const seen = toObservation(look, inHistory);
    expect(seen.tables).toHaveLength(20);
    expect(seen.totals).toEqual({
      tables: 60,
      copied: 20,
      copying: 20,
      waiting: 20,
      rows: '60',
      rowsTotal: '6000',
      bytes: '120',
      bytesTotal: '540431955284459580',
    });
    expect(seen.copiedFraction).toBe(copiedFraction(tables));
    expect(seen.streams[0]?.copying).toEqual({ count: 60, names: ['t0', 't1', 't2', 't3', 't4'] });
  });
});

describe('an observation of many streams', () => {
  const names = manyNames(100);
  const look = manyTablesLook(names, { lanes: 8 });
  const quiet = look.streams.slice(1);
  const problems = look.streams.map((_, i) => ({ ...sampleProblem, message: `${i}: ${'x'.repeat(900)}` }));

  it('lists first those in trouble, with shorter messages where there are many, and counts the others', () => {
    const stopped = { ...look.streams[31], state: 'Error' } as StreamLook;
    const seen = toObservation({ ...look, streams: [...quiet.slice(0, 30), stopped], problems }, inHistory);
    expect(seen.streams[0]?.state).toBe('Error');
    expect(seen.unlisted).toEqual({ streams: 15, problems: 24 });
    expect(seen.problems.map(({ message }) => message.length)).toEqual(Array.from({ length: 8 }, () => 251));
  });

  it('keeps the problem for which something is done, and the lag of all', () => {
    const person = { ...sampleProblem, healer: 'person' as const };
    const [last, ...others] = [...look.streams].reverse() as [StreamLook, ...StreamLook[]];
    const streams = [...others, { ...last, lagSeconds: 99 }];
    const seen = toObservation({ ...look, streams, problems: [...problems, person] }, inHistory);
    expect(seen.problems[0]).toMatchObject({ healer: 'person' });
    expect(maxLagSeconds(seen)).toBe(99);
  });

  it('has another fingerprint when something changes that it does not list', () => {
    const of = (end: string) =>
      toObservation(manyTablesLook(names, { lanes: 8, message: 'x'.repeat(900) + end }), inHistory);
    expect(of('a').streams).toEqual(of('b').streams);
    expect(of('a').fingerprint).not.toBe(of('b').fingerprint);
  });

  it('lists of many tables those that are copying, in a history, and the next ones in a heartbeat', () => {
    const half = manyTablesLook(names, { fraction: 0.5 });
    expect(toObservation(half, inHistory).tables).toHaveLength(4);
    expect(toObservation(half, inHeartbeat).tables).toHaveLength(50);
    expect(toObservation(replicatingLook(), inHistory).tables).toHaveLength(2);
  });
});

describe('watching ends', () => {
  const wait = (changes: Partial<Wait> = {}): Wait => ({
    minSeconds: 5,
    maxSeconds: 10,
    copyingSince: null,
    ...changes,
  });
  const [before, other] = [fingerprint(replicating()), fingerprint(copying(0.5))];
  it.each([
    {
      what: 'at once when the copy has just finished',
      wait: wait({ copyingSince: '2026' }),
      since: before,
      seconds: 0,
      ends: true,
    },
    { what: 'not again for a copy that had finished before', wait: wait(), since: before, seconds: 0, ends: false },
    { what: 'not with a change that comes too early', wait: wait(), since: other, seconds: 4.9, ends: false },
    { what: 'with a change', wait: wait(), since: other, seconds: 5, ends: true },
    { what: 'not without a change', wait: wait(), since: before, seconds: 9.9, ends: false },
    { what: 'when the time is over', wait: wait(), since: before, seconds: 10, ends: true },
  ])('$what: $ends', ({ wait: given, since, seconds, ends }) => {
    expect(endsWatching(replicating(), since, given, seconds)).toBe(ends);
  });
});

describe('fractions', () => {
  it.each([
    { changes: { phase: 'copied', rows: '1' } as const, fraction: 1 },
    { changes: { phase: 'waiting', rows: '50' } as const, fraction: 0 },
    { changes: { phase: 'copying', rows: '50' } as const, fraction: 0.5 },
    { changes: { phase: 'copying', rows: '120' } as const, fraction: 0.99 },
    { changes: { phase: 'copying', rows: '5', rowsTotal: '0' } as const, fraction: 0 },
    { changes: { phase: 'copying', rows: '9007199254740993', rowsTotal: '18014398509481984' } as const, fraction: 0.5 },
  ])('of a table: $changes is $fraction', ({ changes, fraction }) => {
    expect(tableFraction(sampleTable(changes))).toBeCloseTo(fraction, 10);
  });

  it('of all tables go by bytes', () => {
    const tables = [
      sampleTable({ bytesTotal: '3000' }),
      sampleTable({ phase: 'copying', rows: '50', bytesTotal: '1000' }),
    ];
    expect(copiedFraction(tables)).toBeCloseTo(0.875, 10);
  });

  it('of tables without known bytes count them alike', () => {
    const tables = [sampleTable({ bytesTotal: '0' }), sampleTable({ phase: 'waiting', bytesTotal: '0' })];
    expect(copiedFraction(tables)).toBe(0.5);
    expect(copiedFraction([])).toBe(0);
  });
});

describe('remainingSeconds', () => {
  it.each([
    { samples: [], seconds: null },
    { samples: [[0, 0.5]], seconds: null },
    {
      samples: [
        [0, 0.5],
        [10_000, 0.5],
      ],
      seconds: null,
    },
    {
      samples: [
        [0, 0.5],
        [10_000, 0.4],
      ],
      seconds: null,
    },
    {
      samples: [
        [10_000, 0.4],
        [10_000, 0.5],
      ],
      seconds: null,
    },
    {
      samples: [
        [0, 0],
        [10_000, 0.25],
      ],
      seconds: 30,
    },
    {
      samples: [
        [0, 0],
        [5_000, 0.9],
        [10_000, 0.5],
      ],
      seconds: 10,
    },
    {
      samples: [
        [0, 0.2],
        [10_000, 1],
      ],
      seconds: 0,
    },
    { samples: [[0, 1]], seconds: 0 },
  ])('from $samples: $seconds', ({ samples, seconds }) => {
    expect(remainingSeconds(samples.map(([atMs = 0, fraction = 0]) => ({ atMs, fraction })))).toBe(seconds);
  });
});

describe('lag', () => {
  it('is the greatest of all streams, and unknown while one has none', () => {
    const lags = (...values: (number | null)[]) =>
      maxLagSeconds(replicating({ streams: values.map((lagSeconds, id) => sampleStream({ id, lagSeconds })) }));
    expect(lags(1, 7, 0)).toBe(7);
    expect(lags(1, null)).toBeNull();
    expect(lags()).toBeNull();
  });

  it.each([
    { what: 'the age of the last transaction', times: { transaction: 90, updated: 95, heartbeat: 0 }, lag: 10 },
    {
      what: 'the age of the last update before any transaction',
      times: { transaction: 0, updated: 95, heartbeat: 0 },
      lag: 5,
    },
    {
      what: 'the age of the heartbeat when nothing else came after it',
      times: { transaction: 20, updated: 98, heartbeat: 98 },
      lag: 2,
    },
    {
      what: 'the age of the transaction when an update that is no heartbeat came',
      times: { transaction: 20, updated: 98, heartbeat: 97 },
      lag: 80,
    },
    {
      what: 'the age of the transaction that is as new as the heartbeat',
      times: { transaction: 98, updated: 98, heartbeat: 98 },
      lag: 2,
    },
    { what: 'never less than nothing', times: { transaction: 105, updated: 105, heartbeat: 0 }, lag: 0 },
  ])('is $what', ({ times, lag }) => {
    expect(transactionLag(times, 100)).toBe(lag);
  });
});
