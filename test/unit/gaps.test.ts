import { describe, expect, it } from 'vitest';
import type { Look } from '../../src/migration/watch/observation.js';
import { withObservation, type Status } from '../../src/migration/lifecycle/status.js';
import { boundedReport, isClean, summarizeVDiff, vdiffPulse, type VDiffRow } from '../../src/migration/proof/vdiff.js';
import { cappedGaps, lagGaps, streamGaps, isAccepted, vdiffGaps, type Gap } from '../../src/migration/proof/gaps.js';
import {
  cleanVDiff,
  copying,
  copyingLook,
  dirtyVDiff,
  failedVDiff,
  replicating,
  replicatingLook,
  samplePlan,
  sampleProblem,
  sampleStream,
  sampleStreamOptions,
  vdiffTable,
} from '../support/workflow/samples.js';

describe('what the streams lack', () => {
  const place = { cluster: 'target', keyspace: 'commerce', shard: '0', tablet: 'zone1-0000000200' };
  const streams = (changes: object): Look => replicatingLook({ streams: [sampleStream(changes)] });
  const noAnswer = {
    code: 'TABLET_UNREACHABLE' as const,
    message: 'no answer',
    place: { shard: '0' },
    remedy: 'start it',
  };

  it.each([
    { what: 'nothing', seen: replicatingLook(), gaps: [] },
    { what: 'nothing, although a stream complained', seen: replicatingLook({ problems: [sampleProblem] }), gaps: [] },
    {
      what: 'tables',
      seen: streams({ state: 'Copying', copying: ['a', 'b', 'c', 'd', 'e', 'f'] }),
      gaps: [{ code: 'COPY_NOT_FINISHED', message: 'tables still being copied: a, b, c, d, e and 1 more', place }],
    },
    {
      what: 'a beginning',
      seen: streams({ position: '' }),
      gaps: [{ code: 'COPY_NOT_FINISHED', message: 'the stream has not begun to copy', place }],
    },
    {
      what: 'a running stream',
      seen: streams({ state: 'Error', message: 'duplicate entry' }),
      gaps: [{ code: 'STREAM_NOT_RUNNING', message: 'the stream is Error (duplicate entry)', place }],
    },
    {
      what: 'a stream that runs',
      seen: streams({ state: 'Stopped' }),
      gaps: [{ code: 'STREAM_NOT_RUNNING', message: 'the stream is Stopped', place }],
    },
    {
      what: 'an answer',
      seen: replicatingLook({ streams: [], problems: [noAnswer] }),
      gaps: [noAnswer],
    },
    {
      what: 'a stream',
      seen: replicatingLook({ streams: [] }),
      gaps: [
        {
          code: 'NOT_READABLE',
          message: 'not every stream is there',
          place: { cluster: 'target', keyspace: 'commerce' },
        },
      ],
    },
    {
      what: 'both',
      seen: { ...copyingLook(0.5), problems: [noAnswer, sampleProblem] },
      gaps: [noAnswer, { code: 'COPY_NOT_FINISHED', message: 'tables still being copied: corder, customer' }],
    },
  ])('$what', ({ seen, gaps }) => {
    const found = streamGaps(samplePlan(), seen);
    expect(found).toMatchObject(gaps);
    expect(found).toHaveLength(gaps.length);
    for (const { remedy } of found) expect(remedy).not.toBe('');
  });

  it('are none of a stream that is as far behind as is allowed, or of which that is not known', () => {
    const behind = (lagSeconds: number | null) =>
      lagGaps(samplePlan(), replicatingLook({ streams: [sampleStream({ lagSeconds })] }), '1m');
    expect([behind(null), behind(60)]).toEqual([[], []]);
    expect(behind(61)).toMatchObject([
      { code: 'NOT_CAUGHT_UP', message: 'stream 1 is 61 s behind the source, and 1m are allowed' },
    ]);
  });

  it('counts source shards times target shards', () => {
    const halves = [
      { name: '-80', keyRange: '-80' },
      { name: '80-', keyRange: '80-' },
    ];
    const plan = samplePlan({
      source: { ...samplePlan().source, shards: halves },
      target: { ...samplePlan().target, shards: halves },
    });
    const seen = (count: number) =>
      replicatingLook({ streams: Array.from({ length: count }, (_, id) => sampleStream({ id })) });
    expect(streamGaps(plan, seen(4))).toEqual([]);
    expect(streamGaps(plan, seen(3))).toMatchObject([{ code: 'NOT_READABLE' }]);
  });

  it('takes a stream that stopped after its copy for done only where that was asked for', () => {
    expect(
      streamGaps(samplePlan({ stream: sampleStreamOptions({ stopAfterCopy: true }) }), streams({ state: 'Stopped' })),
    ).toEqual([]);
  });
});

describe('many gaps', () => {
  const gaps = (count: number): Gap[] =>
    Array.from({ length: count }, (_, i) => ({ code: 'SCHEMA_DRIFT', message: `m${i}`, place: {}, remedy: 'r' }));

  it('are capped, and the rest is counted', () => {
    expect(cappedGaps(gaps(50))).toEqual(gaps(50));
    const capped = cappedGaps(gaps(73));
    expect(capped.slice(0, 50)).toEqual(gaps(50));
    expect(capped.slice(50)).toMatchObject([{ code: 'MORE_GAPS', message: '23 more' }]);
  });
});

describe('what the VDiff lacks', () => {
  it.each([
    { what: 'clean', vdiff: cleanVDiff(), gaps: [] },
    { what: 'none', vdiff: null, gaps: [{ code: 'NO_VDIFF', message: 'no VDiff has finished yet', place: {} }] },
    {
      what: 'an error',
      vdiff: failedVDiff('error'),
      gaps: [{ code: 'VDIFF_NOT_CLEAN', message: 'the last VDiff ended as error (0: it broke)', place: {} }],
    },
    {
      what: 'stalled',
      vdiff: cleanVDiff({ state: 'stalled' }),
      gaps: [{ code: 'VDIFF_NOT_CLEAN', message: 'the last VDiff ended as stalled', place: {} }],
    },
    {
      what: 'dirty',
      vdiff: dirtyVDiff(),
      gaps: [
        {
          code: 'VDIFF_NOT_CLEAN',
          message:
            'the last VDiff found differences (rows that differ: 2, only in the source: 1, only in the target: 0)',
          place: { table: 'corder' },
        },
      ],
    },
  ])('$what', ({ vdiff, gaps }) => {
    const found = vdiffGaps(vdiff);
    expect(found.map(({ code, message, place }) => ({ code, message, place }))).toEqual(gaps);
    for (const { remedy } of found) expect(remedy).not.toBe('');
    expect(found.filter((gap) => !isAccepted(gap, { force: true, acceptRows: [] }))).toEqual([]);
  });

  it.each([
    { vdiff: cleanVDiff({ state: 'stalled' }), remedy: /^allow it more time .*-vdiff_stall_timeout/ },
    { vdiff: failedVDiff('error'), remedy: /^see the reason; .*-vdiff_tablet_types/ },
    { vdiff: dirtyVDiff(), remedy: /^mend the rows/ },
  ])('is remedied: $remedy', ({ vdiff, remedy }) => {
    for (const gap of vdiffGaps(vdiff)) expect(gap.remedy).toMatch(remedy);
  });
});

describe('isClean', () => {
  it.each([
    { vdiff: cleanVDiff(), clean: true },
    { vdiff: cleanVDiff({ tables: [] }), clean: true },
    { vdiff: dirtyVDiff({ tables: [] }), clean: false },
    { vdiff: cleanVDiff({ state: 'running' }), clean: false },
  ])('$#: $clean', ({ vdiff, clean }) => {
    expect(isClean(vdiff)).toBe(clean);
  });
});

describe('a VDiff over several shards', () => {
  const row = (changes: Partial<VDiffRow> = {}): VDiffRow => ({
    shard: '-80',
    workflow: 'wf',
    vdiffState: 'completed',
    lastError: '',
    table: 'corder',
    tableState: 'completed',
    rowsCompared: '10',
    hasMismatch: false,
    report: '',
    ...changes,
  });
  const parts = ['-80', '80-'].map((shard) => ({ shard, workflow: 'wf' }));
  const summary = (...rows: VDiffRow[]) => summarizeVDiff('u', rows, parts, 'now');
  const other = (changes: Partial<VDiffRow> = {}) => row({ shard: '80-', rowsCompared: '5', ...changes });

  it('adds up its rows, sorted by table', () => {
    expect(summary(row(), row({ table: 'a' }), other())).toEqual({
      uuid: 'u',
      state: 'completed',
      rowsCompared: '25',
      errors: {},
      completedAt: 'now',
      totals: { tables: 2, differing: 0, mismatched: '0', extraSource: '0', extraTarget: '0' },
      tables: [vdiffTable({ name: 'a', rowsCompared: '10' }), vdiffTable({ rowsCompared: '15' })],
    });
  });

  it('adds 64-bit numbers exactly', () => {
    expect(
      summary(row({ rowsCompared: '9007199254740993' }), other({ rowsCompared: '9007199254740993' })).rowsCompared,
    ).toBe('18014398509481986');
  });

  it.each([
    { what: 'both completed', rows: [row(), other()], state: 'completed' },
    { what: 'one is not there yet', rows: [row()], state: 'running' },
    { what: 'nothing is there yet', rows: [], state: 'running' },
    { what: 'one has begun no table', rows: [row(), other({ vdiffState: 'pending', table: '' })], state: 'running' },
    { what: 'one goes on', rows: [row(), other({ vdiffState: 'started', tableState: 'started' })], state: 'running' },
    {
      what: 'one failed',
      rows: [row({ vdiffState: 'started' }), other({ vdiffState: 'error', lastError: 'gone' })],
      state: 'error',
    },
    { what: 'a table of one failed', rows: [row(), other({ tableState: 'error' })], state: 'error' },
    {
      what: 'one was stopped',
      rows: [row(), other({ vdiffState: 'stopped', tableState: 'stopped' })],
      state: 'stopped',
    },
    {
      what: 'one was stopped, one failed',
      rows: [row({ vdiffState: 'error' }), other({ vdiffState: 'stopped' })],
      state: 'error',
    },
  ])('is $state when $what', ({ rows, state }) => {
    const report = summary(...rows);
    expect(report.state).toBe(state);
    expect(report.completedAt).toBe(state === 'completed' ? 'now' : null);
  });

  it('says which shard failed, in its words', () => {
    expect(summary(row({ vdiffState: 'error', lastError: 'no tablet' }), other()).errors).toEqual({
      '-80': 'no tablet',
    });
  });

  it('counts differences of all shards', () => {
    const report = (counts: object) => JSON.stringify({ ProcessedRows: 9, ...counts });
    const found = summary(
      row({ hasMismatch: true, report: report({ MismatchedRows: 1, ExtraRowsSource: 2 }) }),
      other({ hasMismatch: true, report: report({ MismatchedRows: 3, ExtraRowsTarget: 4 }) }),
    );
    expect(found.tables[0]).toMatchObject({ mismatched: '4', extraSource: '2', extraTarget: '4' });
    expect(found.totals).toEqual({
      tables: 1,
      differing: 1,
      mismatched: '4',
      extraSource: '2',
      extraTarget: '4',
    });
    expect(isClean(found)).toBe(false);
  });

  it.each([{ MismatchedRows: 1 }, { ExtraRowsSource: 1 }, { ExtraRowsTarget: 1 }])('is not clean with %o', (counts) => {
    const found = summary(row({ report: JSON.stringify(counts) }), other(), row({ table: 'a' }), other({ table: 'a' }));
    expect(found.totals.differing).toBe(1);
    expect(isClean(found)).toBe(false);
  });

  it('keeps the tables that differ first, and the totals of all', () => {
    const rows = Array.from({ length: 30 }, (_, i) => row({ table: `t${i}`, hasMismatch: i >= 25 }));
    const bounded = boundedReport(summary(...rows, other({ table: '' })), 20);
    expect(bounded.tables).toHaveLength(20);
    expect(bounded.tables.slice(0, 6).map(({ name }) => name)).toEqual(['t25', 't26', 't27', 't28', 't29', 't0']);
    expect(bounded.totals).toMatchObject({ tables: 30, differing: 5 });
    expect(bounded.rowsCompared).toBe('305');
    const cut = { ...bounded, tables: bounded.tables.slice(0, 2) };
    expect(vdiffGaps(cut)).toMatchObject([
      { place: { table: 't25' } },
      {},
      { code: 'VDIFF_NOT_CLEAN', message: 'the last VDiff found differences in 3 more tables' },
    ]);
  });

  it('is not clean when a shard has seen a difference and not counted it yet', () => {
    const found = summary(row({ hasMismatch: true }), other());
    expect(found.tables[0]).toMatchObject({ mismatched: '1' });
    expect(isClean(found)).toBe(false);
  });

  it('shows three rows that differ, of each kind', () => {
    const report = JSON.stringify({
      MismatchedRowsSample: [{ Source: { Row: { id: '1', v: 'a' } }, Target: { Row: { id: '1', v: 'b' } } }],
      ExtraRowsSourceSample: [{ Row: { id: '2' } }],
      ExtraRowsTargetSample: [{ Row: { id: '3' } }, { Row: { id: '4' } }],
    });
    expect(summary(row({ hasMismatch: true, report }), other()).tables[0]?.samples).toEqual([
      { kind: 'mismatch', shard: '-80', source: { id: '1', v: 'a' }, target: { id: '1', v: 'b' } },
      { kind: 'only in source', shard: '-80', source: { id: '2' } },
      { kind: 'only in target', shard: '-80', target: { id: '3' } },
    ]);
  });

  it('tells rows on one side only from the error Vitess makes of them, whatever the other shard says', () => {
    const lastError = "failed to reconcile extra rows: node doesn't exist: keyspaces/load/VSchema";
    const found = summary(
      row({ vdiffState: 'error', lastError }),
      other({ vdiffState: 'error', lastError: 'no tablet' }),
    );
    expect(found).toMatchObject({
      state: 'differs',
      completedAt: null,
      errors: { '-80': expect.stringMatching(/^there are rows that only/) as string, '80-': 'no tablet' },
    });
    expect(isClean(found)).toBe(false);
    expect(vdiffGaps(found)).toMatchObject([
      { code: 'VDIFF_NOT_CLEAN', message: expect.stringContaining('ended as differs') as string },
    ]);
  });

  it('has a pulse that moves with its rows, tables and state', () => {
    const before = summary(row({ vdiffState: 'started', tableState: 'started' }));
    expect(vdiffPulse(summary(row({ vdiffState: 'started', tableState: 'started' })))).toBe(vdiffPulse(before));
    for (const changes of [
      { rowsCompared: '11' },
      { table: 'x' },
      { tableState: 'pending' },
      { vdiffState: 'error' },
    ]) {
      expect(vdiffPulse(summary(row({ vdiffState: 'started', tableState: 'started', ...changes })))).not.toBe(
        vdiffPulse(before),
      );
    }
  });
});

describe('a status', () => {
  const bare = { phase: 'copying', observedAt: null, copiedPercent: 0 } as Status;

  it('takes its numbers from an observation', () => {
    const seen = { ...copying(0.123), problems: [sampleProblem], remainingSeconds: 9 };
    expect(withObservation(bare, seen)).toEqual({
      phase: 'copying',
      observedAt: seen.at,
      copiedPercent: 12,
      remainingSeconds: 9,
      lagSeconds: null,
      streams: seen.streams,
      unlisted: { streams: 0, problems: 0 },
      totals: seen.totals,
      tables: seen.tables,
      problems: [sampleProblem],
    });
    expect(withObservation(bare, null)).toBe(bare);
  });

  it('rounds down, so that 100 % are 100 %', () => {
    const almost = replicatingLook();
    const tables = almost.tables.map((table, i) =>
      i === 0 ? { ...table, bytesTotal: '100000000' } : { ...table, phase: 'waiting' as const, bytesTotal: '1' },
    );
    expect(withObservation(bare, replicating({ tables })).copiedPercent).toBe(99.9);
    expect(withObservation(bare, replicating()).copiedPercent).toBe(100);
  });
});

describe('what a person accepts with Complete', () => {
  const of = (code: Gap['code'], table?: string): Gap => ({
    code,
    message: 'm',
    place: table === undefined ? {} : { table },
    remedy: 'r',
  });
  const gaps = [
    of('NO_VDIFF'),
    of('VDIFF_NOT_CLEAN', 'log'),
    of('ROWS_DIFFER', 'log'),
    of('PARTITIONS_DIFFER', 'log'),
    of('SCHEMA_DRIFT', 'log'),
    of('ROWS_DIFFER', 'other'),
    of('VDIFF_NOT_CLEAN'),
    of('MORE_GAPS'),
    of('NOT_CAUGHT_UP', 'log'),
  ];
  const left = (force: boolean, acceptRows: string[]) =>
    gaps.filter((gap) => !isAccepted(gap, { force, acceptRows })).map(({ code, place }) => [code, place.table]);

  it('by the name of a table covers its rows and partitions, and nothing else', () => {
    expect(left(false, ['log'])).toEqual([
      ['NO_VDIFF', undefined],
      ['SCHEMA_DRIFT', 'log'],
      ['ROWS_DIFFER', 'other'],
      ['VDIFF_NOT_CLEAN', undefined],
      ['MORE_GAPS', undefined],
      ['NOT_CAUGHT_UP', 'log'],
    ]);
  });

  it('by force covers the rows of all tables, and no definition', () => {
    expect(left(true, [])).toEqual([
      ['PARTITIONS_DIFFER', 'log'],
      ['SCHEMA_DRIFT', 'log'],
      ['MORE_GAPS', undefined],
      ['NOT_CAUGHT_UP', 'log'],
    ]);
  });
});
