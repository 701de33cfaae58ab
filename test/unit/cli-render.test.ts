import { describe, expect, test } from 'vitest';
import {
  bytes,
  columns,
  cut,
  duration,
  grouped,
  moment,
  padded,
  widthOf,
  wrapped,
} from '../../src/cli/output/format.js';
import { predictionLines } from '../../src/cli/output/complete.js';
import { renderPlan } from '../../src/cli/output/plan.js';
import { progressLine } from '../../src/cli/output/progress.js';
import { cancelledLines, renderStatus } from '../../src/cli/output/status.js';
import { cellsNotReached } from '../../src/migration/problem/cell-not-reached.js';
import { renderVDiff, waysOn } from '../../src/cli/output/vdiff.js';
import { statusOfClosed, withPending, type ClosedRun, type Live } from '../../src/migration/lifecycle/live.js';
import { cutoverOf, predictCutover } from '../../src/migration/proof/cutover.js';
import { sampleRehearsal } from '../support/workflow/samples.js';
import { nameList } from '../../src/migration/plan/reference.js';
import { noTotals, type Observation } from '../../src/migration/watch/observation.js';
import type { Plan } from '../../src/migration/plan/plan.js';
import type { Status } from '../../src/migration/lifecycle/status.js';
import type { VDiffReport } from '../../src/migration/proof/vdiff.js';

const stream = {
  shard: '0',
  tablet: 'zone1-0000000200',
  id: 1,
  sourceShard: '0',
  state: 'Copying',
  message: '',
  begun: false,
  copying: nameList(['customer', 'product']),
  lagSeconds: null,
  throttledBy: '',
};
const status: Status = {
  workflow: 'commerce.wf',
  source: 'ext1.load',
  phase: 'copying',
  since: '2026-11-24T02:00:00.000Z',
  observedAt: '2026-11-24T02:03:00.000Z',
  copiedPercent: 42.3,
  remainingSeconds: 130,
  lagSeconds: null,
  streams: [stream],
  unlisted: { streams: 0, problems: 0 },
  totals: {
    tables: 3,
    copied: 1,
    copying: 1,
    waiting: 1,
    rows: '149',
    rowsTotal: '1234767',
    bytes: '17384',
    bytesTotal: '5244880',
  },
  tables: [
    { name: 'corder', phase: 'copied', rows: '99', rowsTotal: '100', bytes: '500', bytesTotal: '1000' },
    { name: 'customer', phase: 'copying', rows: '50', rowsTotal: '100', bytes: '500', bytesTotal: '1000' },
    { name: 'product', phase: 'waiting', rows: '0', rowsTotal: '1234567', bytes: '16384', bytesTotal: '5242880' },
  ],
  vdiff: null,
  vdiffsFinished: 0,
  tableNames: { count: 0, names: [] },
  refusal: null,
  restarts: null,
  serving: false,
  requested: ['complete'],
  waitingFor: ['the copy to finish'],
  needsPerson: null,
  createDone: true,
  served: false,
  proof: null,
  repair: null,
  creating: null,
  missing: [],
  overridden: [],
  cutover: null,
  left: { count: 0, names: [] },
  lastError: null,
  warnings: [],
  problems: [],
  findings: [],
  pastNoReturn: false,
  retireAt: null,
};
const now = new Date('2026-11-24T02:03:01.000Z');
const live = (change: Partial<Status> = {}, rest: Partial<Live> = {}): Live => ({
  status: { ...status, ...change },
  runId: 'r',
  taskQueue: 'q',
  retries: [],
  closed: null,
  ...rest,
});
const shown = (change: Partial<Status> = {}, rest: Partial<Live> = {}) => renderStatus(live(change, rest), now);

const vdiff: VDiffReport = {
  uuid: 'u-1',
  state: 'completed',
  rowsCompared: '1200',
  totals: { tables: 2, differing: 1, mismatched: '3', extraSource: '1', extraTarget: '0' },
  tables: [
    {
      name: 'corder',
      state: 'completed',
      rowsCompared: '1000',
      mismatched: '0',
      extraSource: '0',
      extraTarget: '0',
      samples: [],
    },
    {
      name: 'customer',
      state: 'completed',
      rowsCompared: '200',
      mismatched: '1',
      extraSource: '1',
      extraTarget: '0',
      samples: [
        { kind: 'mismatch', shard: '-80', source: { id: '8', name: 'Zoë' }, target: { id: '8', name: 'changed' } },
        { kind: 'only in source', shard: '80-', source: { id: '9' } },
      ],
    },
  ],
  errors: {},
  completedAt: '2026-11-24T02:10:00.123Z',
};
const problem = {
  code: 'TOPO_UNREACHABLE',
  message: 'the topology server\ndoes not answer',
  place: { cluster: 'target', server: 'localhost:2379' },
  remedy: 'check etcd',
} as const;

describe('Workflow Show', () => {
  test('during a copy, in the shape of the old output', () => {
    expect(shown()).toEqual([
      'The following vreplication streams exist for workflow commerce.wf:',
      '',
      'id=1 on 0/zone1-0000000200: Status: Copying. Lag: not known yet. Source: load/0. Copying: customer, product.',
      '',
      'Copy Progress (approx):',
      '',
      'corder: rows copied 99/100 (100%), size copied 1000 B/1000 B (100%), copied',
      'customer: rows copied 50/100 (50%), size copied 500 B/1000 B (50%)',
      'product: rows copied 0/1,234,567 (0%), size copied 16.0 KiB/5.0 MiB (0%), waiting',
      '',
      'Migration: ext1.load → commerce',
      'Phase: copying since 2026-11-24 02:00:00 UTC (3m 1s)',
      'As of: 2026-11-24 02:03:00 UTC (1s ago)',
      'Copied: 42.3%, about 2m 10s remaining; 1 of 3 tables done',
      'Last VDiff: none yet',
      'Requested: complete',
      'Waiting for: the copy to finish',
    ]);
  });

  test('replicating, with lag and message', () => {
    const running = {
      ...stream,
      state: 'Running',
      copying: nameList([]),
      lagSeconds: 0,
      throttledBy: 'lag',
      message: 'Picked\nsource tablet',
    };
    expect(shown({ streams: [running] })).toContain(
      'id=1 on 0/zone1-0000000200: Status: Running. Lag: 0s. Source: load/0. Throttled by: lag. Message: Picked source tablet',
    );
  });

  test('trouble: where, and what to do, each once', () => {
    const retry = { activity: 'prove', attempt: 3, nextAt: '2026-11-24T02:03:05.000Z', problem };
    const lines = shown({ problems: [problem, problem] }, { retries: [retry] });
    expect(lines).toContain(
      'Current error: the topology server\ndoes not answer (cluster target, server localhost:2379): check etcd (step prove, attempt 3, tried again in 4s)',
    );
    expect(
      lines.filter(
        (line) =>
          line === '  - the topology server does not answer (cluster target, server localhost:2379): check etcd',
      ),
    ).toHaveLength(1);
    expect(shown({ lastError: problem }).join('\n')).toMatch(/Last error: the topology server/);
    expect(shown({ streams: [], problems: [problem] })[0]).toMatch(/can be seen \(copying\): see the problems below/);
  });

  test('what Complete lacked', () => {
    expect(
      shown({
        missing: [{ code: 'NOT_CAUGHT_UP', message: 'stream 1 is behind', place: { shard: '0' }, remedy: 'wait' }],
      }),
    ).toContain('  - stream 1 is behind (shard 0): wait');
  });

  test('the last VDiff', () => {
    expect(shown({ vdiff })).toContain(
      'Last VDiff: NOT CLEAN: differences in customer, 1,200 rows compared, 2026-11-24 02:10:00 UTC',
    );
    expect(
      shown({ vdiff: { ...vdiff, totals: { ...vdiff.totals, differing: 0 }, tables: vdiff.tables.slice(0, 1) } }),
    ).toContain('Last VDiff: clean, 1,200 rows compared, 2026-11-24 02:10:00 UTC');
    expect(shown({ vdiff: { ...vdiff, state: 'error', errors: { '0': 'no tablet' }, completedAt: null } })).toContain(
      'Last VDiff: error, 1,200 rows compared; no tablet',
    );
  });

  test('where there is little room, what moves comes first and the rest is counted', () => {
    const lines = renderStatus(live(), now, 1);
    expect(lines.slice(4, 8)).toEqual([
      'Copy Progress (approx):',
      '',
      'customer: rows copied 50/100 (50%), size copied 500 B/1000 B (50%)',
      'and 2 more tables',
    ]);
  });

  test('after the end', () => {
    const closed: ClosedRun = {
      at: '2026-11-24T02:20:00.000Z',
      result: {
        outcome: 'cancelled',
        workflow: 'commerce.wf',
        source: 'ext1.load',
        droppedTables: { '0': nameList(['a', 'b']) },
      },
      failure: null,
      problem: null,
      how: 'completed',
    };
    const lines = shown(statusOfClosed(closed, status), { closed });
    expect(lines[0]).toBe('The vreplication streams of workflow commerce.wf are gone; they were last seen as:');
    expect(lines.at(-1)).toBe('Ended: 2026-11-24 02:20:00 UTC, cancelled; dropped a, b on shard 0');
  });

  test('after Cancel, what could not be undone is a warning', () => {
    const result = {
      outcome: 'cancelled',
      workflow: 'commerce.wf',
      source: 'ext1.load',
      droppedTables: { '0': nameList(['a']) },
    } as const;
    const away = [{ cell: 'zone2', why: 'no answer' }];
    const warnings = cellsNotReached('the vtgates may know tables', away, { cluster: 'target' });
    expect(cancelledLines('commerce.wf', result)).toEqual([
      'Cancelled commerce.wf: the target is as it was.',
      'Dropped: a on shard 0',
    ]);
    expect(cancelledLines('commerce.wf', { ...result, warnings })).toEqual([
      'Cancelled commerce.wf: the target is as it was, but for this:',
      'Warning: the vtgates may know tables: no answer (cluster target, cell zone2): ' +
        'when it is back: vtctldclient RebuildVSchemaGraph --cells zone2',
      'Dropped: a on shard 0',
    ]);
  });

  test('a terminated workflow does not say that it copies', () => {
    const closed: ClosedRun = {
      at: '2026-11-24T02:20:00.000Z',
      result: null,
      failure: 'by hand',
      problem: null,
      how: 'terminated',
    };
    const ended = statusOfClosed(closed, status);
    expect(ended).toMatchObject({ phase: 'failed', since: closed.at, requested: [] });
    const lines = shown(ended, { closed }).join('\n');
    expect(lines).toMatch(/Waiting for: a person: the Temporal workflow was terminated/);
    expect(lines).toMatch(/terminated: by hand$/);
  });

  test('without a worker the result has to do', () => {
    const closed: ClosedRun = {
      at: '2026-11-24T02:20:00.000Z',
      result: {
        outcome: 'completed',
        workflow: 'commerce.wf',
        source: 'ext1.load',
        tables: nameList(['a']),
        vdiff,
        proof: null,
        overridden: [],
        fenced: false,
        sourceTables: { done: 'keep', kept: null },
        warnings: [],
      },
      failure: null,
      problem: null,
      how: 'completed',
    };
    expect(statusOfClosed(closed, null)).toMatchObject({
      phase: 'completed',
      copiedPercent: 100,
      vdiff,
      source: 'ext1.load',
    });
  });
});

describe('the cutover', () => {
  test('is a line of the status, and none without a fence', () => {
    const lines = (changes: Partial<Status>) =>
      renderStatus(live(changes), now).filter((line) => line.startsWith('Cutover'));
    const cutover = cutoverOf({ '0': Date.parse('2026-11-24T02:00:00.000Z') }, Date.parse('2026-11-24T02:00:01.234Z'));
    expect(lines({ cutover })).toEqual([
      'Cutover: writes were refused for 1,234 ms, 2026-11-24T02:00:00.000Z to 2026-11-24T02:00:01.234Z',
    ]);
    expect(lines({ cutover: null })).toEqual([]);
  });

  test('is predicted with what that rests on', () => {
    const predicted = predictionLines(predictCutover(sampleRehearsal({ openTransactions: 2 }), 20));
    expect(predicted.join('\n')).toMatch(
      /^Cutover: writes would be refused for 500 to 36,076 ms\. .*streams 10,.*\n {2}the fence would wait for 2 long transactions of the source$/,
    );
    expect(predictionLines(null)).toEqual([]);
  });
});

describe('what is live', () => {
  const observation: Observation = {
    at: '2026-11-24T02:03:10.000Z',
    copyFinished: false,
    copiedFraction: 0,
    totals: noTotals,
    streams: [],
    tables: [],
    remainingSeconds: 5,
    problems: [],
  };
  test('a step that waits for its turn says so', () => {
    const pending = { creating: null, observation: null, vdiff: null, proof: null, turns: ['its turn'], retries: [] };
    expect(withPending(status, pending).waitingFor).toEqual([...status.waitingFor, 'its turn']);
  });

  test('a newer heartbeat wins, an older one does not', () => {
    expect(
      withPending(status, { creating: null, observation, vdiff: null, proof: null, turns: [], retries: [] }),
    ).toMatchObject({
      observedAt: observation.at,
      remainingSeconds: 5,
    });
    expect(
      withPending(status, {
        creating: null,
        observation: { ...observation, at: '2026-11-24T02:00:00.000Z' },
        vdiff: null,
        proof: null,
        turns: [],
        retries: [],
      }),
    ).toEqual(status);
  });

  test('a VDiff that runs is shown while verifying', () => {
    const pending = {
      creating: null,
      observation: null,
      vdiff: { ...vdiff, state: 'running' as const },
      proof: null,
      turns: [],
      retries: [{ activity: 'vdiff', attempt: 2, nextAt: null, problem }],
    };
    expect(withPending({ ...status, phase: 'verifying' }, pending)).toMatchObject({
      vdiff: { state: 'running' },
      lastError: problem,
    });
    expect(withPending(status, pending).vdiff).toBeNull();
  });

  test('what Create has made is shown while it makes it', () => {
    const pending = {
      creating: { tables: 700, of: 3000 },
      observation: null,
      vdiff: null,
      proof: null,
      turns: [],
      retries: [],
    };
    const creating = withPending({ ...status, phase: 'creating', tables: [] }, pending);
    expect(renderStatus(live(creating), now)).toContain('Created: 700 of 3,000 tables');
    expect(progressLine({ ...creating, lastError: null })).toBe('commerce.wf creating: 700 of 3,000 tables');
    expect(withPending(status, pending).creating).toBeNull();
  });

  test('in one line', () => {
    expect(progressLine(status)).toBe('commerce.wf copying: 42.3%, 1 of 3 tables done, about 2m 10s remaining');
    expect(progressLine({ ...status, phase: 'verifying', vdiff: { ...vdiff, state: 'running' } })).toBe(
      'commerce.wf verifying: VDiff has compared 1,200 of about 1,234,767 rows',
    );
    expect(progressLine({ ...status, phase: 'replicating', lagSeconds: 2, waitingFor: ['complete, or cancel'] })).toBe(
      'commerce.wf replicating: lag 2s, waiting for complete, or cancel',
    );
    const missing: Status['missing'] = [
      { code: 'SCHEMA_DRIFT', message: 'changed:\n- a\n+ b\n', place: { table: 't' }, remedy: 'change the target' },
    ];
    const waitingFor = ['what Complete still lacks'];
    expect(progressLine({ ...status, phase: 'replicating', lagSeconds: 2, waitingFor, missing })).toBe(
      'commerce.wf replicating: lag 2s, waiting for what Complete still lacks — ' +
        'changed: - a + b (table t): change the target',
    );
    expect(progressLine({ ...status, missing })).not.toContain('changed');
  });
});

describe('Complete', () => {
  test('names three ways on from a VDiff that is not clean', () => {
    expect(waysOn('commerce.wf').join('\n')).toMatch(
      /VDiff commerce\.wf[^]*-accept_rows <table> Complete commerce\.wf[^]*Cancel commerce\.wf/,
    );
  });
});

test('VDiff: a line for every table, and the rows that differ', () => {
  expect(renderVDiff('commerce.wf', vdiff)).toEqual([
    'VDiff u-1 of commerce.wf: completed at 2026-11-24 02:10:00 UTC, NOT CLEAN',
    '',
    'table     rows compared  mismatched  only in source  only in target      state',
    'corder            1,000           0               0               0  completed',
    'customer            200           1               1               0  completed',
    '',
    'customer, shard -80: differs in name',
    '  source: id="8", name="Zoë"',
    '  target: id="8", name="changed"',
    '',
    'customer, shard 80-: only in source',
    '  source: id="9"',
  ]);
  expect(
    renderVDiff('commerce.wf', {
      ...vdiff,
      state: 'error',
      tables: [],
      errors: { '80-': 'no\ntablet' },
      completedAt: null,
    }),
  ).toEqual([
    'VDiff u-1 of commerce.wf: error, no verdict',
    '  shard 80-: no tablet',
    '',
    'no table has been compared',
  ]);
});

test('the plan of a dry run', () => {
  const plan: Plan = {
    target: {
      keyspace: 'commerce',
      workflow: 'wf',
      sharded: true,
      cells: ['zone1'],
      shards: [{ name: '-80', keyRange: '-80' }],
    },
    source: { mount: 'ext1', keyspace: 'load', cells: ['ext'], shards: [{ name: '0', keyRange: '-' }] },
    sameVindexes: false,
    tables: [
      { name: 'order line', rows: 1500, bytes: 2048, vindex: { name: 'xxhash', columns: ['id'] } },
      { name: 'ref', rows: 2, bytes: 16384 },
    ],
    missingTables: { '-80': ['order line'] },
    missingInVSchema: [],
    stream: {
      tabletTypes: ['REPLICA', 'PRIMARY'],
      tabletTypesInPreferenceOrder: true,
      autoStart: false,
      stopAfterCopy: true,
      deferSecondaryKeys: true,
      onDdl: 'IGNORE',
      configOverrides: { 'vreplication-parallel-insert-workers': '4' },
    },
  };
  const planned = {
    outcome: 'planned' as const,
    workflow: 'commerce.wf',
    source: 'ext1.load',
    plan,
    findings: [],
    details: { ddl: {}, topologyWrites: [] },
  };
  expect(renderPlan(planned)).toEqual([
    'Dry run of commerce.wf: nothing has been changed.',
    '',
    'Source:       ext1.load, shards 0',
    'Target:       commerce (sharded), shards -80',
    'Cells:        ext',
    'Tablet types: REPLICA, PRIMARY, in this order of preference',
    'Streams:      not started; stopped after the copy; secondary keys after the copy; on DDL: IGNORE; ' +
      'vreplication-parallel-insert-workers=4',
    '',
    '2 tables, about 1,502 rows, 18.0 KiB:',
    '  order line  1,500 rows   2.0 KiB',
    '  ref             2 rows  16.0 KiB',
    '',
    'Create, on commerce/-80:',
    '  deny applications: order line, ref',
    '  create tables:     order line',
    '  stream from load/0:',
    "    order line: select * from `order line` where in_keyrange(id, 'xxhash', '-80')",
    '    ref: select * from ref',
    '',
    'Complete, once the copy is proven whole and VDiff is clean:',
    '  add to the VSchema: nothing, every table is in it',
    '  delete the streams, allow applications, and try every table through vtgate',
    '  with fenceSource, the source refuses writes for half a second or more: a dry run of Complete predicts it',
    '',
    'Keys of the topology that are written:',
  ]);
});

test('numbers, sizes and times', () => {
  expect(['0', '999', '1000', '18446744073709551615'].map(grouped)).toEqual([
    '0',
    '999',
    '1,000',
    '18,446,744,073,709,551,615',
  ]);
  expect([0, 1023, 1024, 1536, 123_456_789, '1099511627776'].map(bytes)).toEqual([
    '0 B',
    '1023 B',
    '1.0 KiB',
    '1.5 KiB',
    '118 MiB',
    '1.0 TiB',
  ]);
  expect([0, 59, 60, 61, 3600, 90_061, -5].map(duration)).toEqual(['0s', '59s', '1m', '1m 1s', '1h', '1d 1h', '0s']);
  expect(moment('2026-11-24T02:46:26.123Z')).toBe('2026-11-24 02:46:26 UTC');
  expect(
    columns([
      ['a', 'b'],
      ['long', '10'],
    ]),
  ).toEqual(['a      b', 'long  10']);
  expect(wrapped('one two three four five six', 20)).toEqual(['one two three four', '    five six']);
  expect(wrapped('  - indented once and wrapped', 20)).toEqual(['  - indented once', '    and wrapped']);
  expect(wrapped('x'.repeat(45), 3).map((line) => line.length)).toEqual([20, 20, 13]);
});

describe('wide characters', () => {
  test('do not misplace columns', () => {
    const rows = columns([
      ['表', '1', 'a'],
      ['🙂🙂', '20', 'b'],
      ['order', '3', '表表'],
      ['e\u0301te\u0301', '4', '👩‍👩‍👧'],
    ]);
    expect(rows).toEqual(['表      1     a', '🙂🙂   20     b', 'order   3  表表', 'e\u0301te\u0301     4    👩‍👩‍👧']);
    expect(new Set(rows.map(widthOf))).toEqual(new Set([15]));
    expect(padded('表', 4)).toBe('表  ');
  });

  test('are not split, and count twice', () => {
    expect(cut('表🙂x', 3)).toBe('表');
    expect(cut('表🙂x', 5)).toBe('表🙂x');
    expect(cut('a👩‍👩‍👧b', 2)).toBe('a');
    const lines = wrapped('表'.repeat(25), 20);
    expect(lines).toEqual(['表'.repeat(10), `    ${'表'.repeat(8)}`, `    ${'表'.repeat(7)}`]);
  });
});
