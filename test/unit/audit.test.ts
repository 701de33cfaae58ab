import { describe, expect, it } from 'vitest';
import { renderAudit } from '../../src/cli/output/audit.js';
import { judge, leftBehind, ofWorkflow } from '../../src/migration/audit/judge.js';
import { lookOf } from '../../src/migration/audit/look.js';
import { named, refusals } from '../../src/migration/audit/removal.js';
import { residueName, type Residue } from '../../src/migration/audit/residue.js';
import type { RunState, Survey, SurveyedJournal, SurveyedStream } from '../../src/migration/audit/survey.js';
import { writing } from '../../src/migration/watch/writes-to.js';
import { bytesOf } from '../../src/migration/problem/bounded.js';
import { fourShards, manyNames } from '../support/large-migration.js';
import { sampleSurvey } from '../support/workflow/samples.js';

const journal = (changes: Partial<SurveyedJournal> = {}): SurveyedJournal => ({
  workflow: 'wf',
  runId: 'r1',
  source: 'ext1.load',
  forward: false,
  createdTables: { '0': ['corder'] },
  deniedTables: { '0': ['corder'] },
  ...changes,
});
const stream = (changes: Partial<SurveyedStream> = {}): SurveyedStream => ({
  shard: '0',
  workflow: 'wf',
  type: 'Migrate',
  states: ['Running'],
  source: 'ext1.load',
  external: true,
  rules: ['corder'],
  ...changes,
});
const runs = (running: boolean): RunState[] => [
  { workflow: 'wf', running, state: running ? 'its workflow is running' : 'its workflow is terminated' },
];

/** Everything a migration makes, in the phase of copying, with a fence. */
const whole: Partial<Survey> = {
  journals: [journal()],
  streams: [stream()],
  denied: [{ shard: '0', table: 'corder' }],
  vdiffs: [{ shard: '0', id: 'u-1', workflow: 'wf', state: 'started' }],
  locks: [{ workflow: 'wf', key: 'k', holder: 'VDiff of vitess@h', since: '2026-01-01T00:00:00Z' }],
  fences: [{ workflow: 'wf', shard: '0', table: 'corder' }],
  tables: [{ shard: '0', table: 'corder', empty: true }],
};

const verdicts = (survey: Partial<Survey>, states: RunState[] = []) =>
  Object.fromEntries(
    judge(sampleSurvey(survey), states).found.map(({ name, live, kept }) => [
      name,
      live ? 'live' : kept === null ? 'residue' : 'kept',
    ]),
  );
const everything = [
  'journal:wf',
  'stream:commerce/0/wf',
  'vdiff:commerce/0/u-1',
  'denied:commerce/0/corder',
  'fence:ext1/load/0/corder',
  'table:commerce/0/corder',
  'lock:commerce/wf',
];

describe('what is live', () => {
  it('everything of a migration whose Temporal workflow runs', () => {
    expect(verdicts(whole, runs(true))).toEqual(Object.fromEntries(everything.map((name) => [name, 'live'])));
  });

  it('everything of a journal whose run has not been asked about: it has begun, or changed hands, meanwhile', () => {
    expect(verdicts(whole)).toEqual(Object.fromEntries(everything.map((name) => [name, 'live'])));
  });

  it("what belongs to another program's streams, of whatever type and state", () => {
    const theirs = stream({
      workflow: 'theirs',
      type: 'MoveTables',
      states: ['Stopped (FROZEN)'],
      external: false,
      source: 'shop',
    });
    expect(
      verdicts(
        {
          streams: [theirs],
          denied: [{ shard: '0', table: 'corder' }],
          vdiffs: [{ shard: '-80', id: 'u', workflow: 'theirs', state: 'completed' }],
        },
        [{ workflow: 'theirs', running: false, state: '' }],
      ),
    ).toEqual({
      'stream:commerce/0/theirs': 'live',
      'denied:commerce/0/corder': 'live',
      'vdiff:commerce/-80/u': 'live',
    });
  });

  it('a table denied here because another keyspace reads it: the source of a MoveTables after its switch', () => {
    expect(
      verdicts({
        denied: [{ shard: '0', table: 'corder' }],
        readers: [{ keyspace: 'shop', workflow: 'away', rules: ['corder'] }],
      }),
    ).toEqual({ 'denied:commerce/0/corder': 'live' });
    expect(
      verdicts({
        denied: [{ shard: '0', table: 'corder' }],
        readers: [{ keyspace: 'shop', workflow: 'away', rules: ['/.*/'] }],
      }),
    ).toEqual({ 'denied:commerce/0/corder': 'live' });
    expect(
      verdicts({
        denied: [{ shard: '0', table: 'corder' }],
        readers: [{ keyspace: 'shop', workflow: 'away', rules: ['other'] }],
      }),
    ).toEqual({ 'denied:commerce/0/corder': 'residue' });
  });

  it('a table that an orphan and a live migration both hold', () => {
    const survey = {
      journals: [journal()],
      streams: [stream({ workflow: 'theirs' })],
      denied: [{ shard: '0', table: 'corder' }],
    };
    expect(verdicts(survey, runs(false))['denied:commerce/0/corder']).toBe('live');
  });

  it.each([
    ['of the keyspace, however old', { workflow: null, since: '2020-01-01T00:00:00Z' }],
    ['of a workflow, held for less than ten minutes', { workflow: 'new', since: '2026-01-02T03:00:00Z' }],
    ['of a workflow, whose holder does not say since when', { workflow: 'new', since: null }],
  ])('a lock %s', (_what, lock) => {
    expect(Object.values(verdicts({ locks: [{ key: 'k', holder: 'another program', ...lock }] }))).toEqual(['live']);
  });
});

describe('what is residue', () => {
  it('everything of a migration whose workflow has ended and left its journal', () => {
    expect(verdicts(whole, runs(false))).toEqual(Object.fromEntries(everything.map((name) => [name, 'residue'])));
  });

  it('what is unowned', () => {
    const survey: Partial<Survey> = {
      denied: [{ shard: '0', table: 'order line' }],
      vdiffs: [
        { shard: '0', id: 'u', workflow: 'gone', state: 'completed' },
        { shard: '0', id: '#7', workflow: '', state: '' },
      ],
      copyStates: [{ shard: '0', stream: '9', tables: ['corder'] }],
      tables: [{ shard: '0', table: 'stray', empty: true }],
      locks: [{ workflow: 'gone', key: 'k', holder: 'VDiff of vitess@h', since: '2026-01-02T02:00:00Z' }],
    };
    expect(verdicts(survey)).toEqual({
      'denied:commerce/0/order line': 'residue',
      'vdiff:commerce/0/u': 'residue',
      'vdiff:commerce/0/#7': 'residue',
      'copy-state:commerce/0/9': 'residue',
      'table:commerce/0/stray': 'residue',
      'lock:commerce/gone': 'residue',
    });
  });

  it("an orphan's table with rows is residue that stays", () => {
    expect(
      verdicts({ journals: [journal()], tables: [{ shard: '0', table: 'corder', empty: false }] }, runs(false)),
    ).toMatchObject({ 'table:commerce/0/corder': 'kept' });
  });
});

describe('what may be removed', () => {
  const orphan = judge(sampleSurvey(whole), runs(false));

  it('only what is there, dead and empty', () => {
    expect(refusals(orphan, ['denied:commerce/0/corder', 'lock:commerce/wf'])).toEqual([]);
    expect(refusals(orphan, ['denied:commerce/0/nothing'])).toEqual(['denied:commerce/0/nothing is not there']);
    expect(refusals(judge(sampleSurvey(whole), runs(true)), ['stream:commerce/0/wf'])[0]).toMatch(
      /^stream:commerce\/0\/wf is not residue: Migrate from ext1.load, Running/,
    );
    const full = judge(
      sampleSurvey({ journals: [journal()], tables: [{ shard: '0', table: 'corder', empty: false }] }),
      runs(false),
    );
    expect(refusals(full, ['table:commerce/0/corder'])).toEqual([
      'table:commerce/0/corder cannot be removed: it has rows',
    ]);
  });

  it('a journal with, or after, everything it knows of', () => {
    expect(refusals(orphan, ['journal:wf'])[0]).toMatch(
      /^journal:wf goes last: .*stream:commerce\/0\/wf.* are still there$/,
    );
    expect(refusals(orphan, everything)).toEqual([]);
    // The removal itself holds the lock.
    expect(
      refusals(
        judge(
          sampleSurvey({
            journals: [journal()],
            locks: [{ workflow: 'wf', key: 'k', holder: 'vtmigrate audit of me@here', since: '2026-01-02T03:04:05Z' }],
          }),
          runs(false),
        ),
        ['journal:wf'],
      ),
    ).toEqual([]);
    expect(refusals(judge(sampleSurvey({ journals: [journal()] }), runs(false)), ['journal:wf'])).toEqual([]);
  });
});

describe('names', () => {
  const on = { keyspace: 'commerce', shard: '-80' };

  it.each<[string, Residue]>([
    ['stream:commerce/-80/wf', { kind: 'stream', ...on, workflow: 'wf' }],
    ['vdiff:commerce/-80/#7', { kind: 'vdiff', ...on, id: '#7' }],
    ['copy-state:commerce/-80/9', { kind: 'copy-state', ...on, stream: '9' }],
    ['table:commerce/-80/a/b', { kind: 'table', ...on, table: 'a/b' }],
    ['denied:commerce/-80/order line', { kind: 'denied', ...on, table: 'order line' }],
    [
      'fence:ext1/load/0/corder',
      {
        kind: 'fence',
        keyspace: 'commerce',
        mount: 'ext1',
        sourceKeyspace: 'load',
        shard: '0',
        table: 'corder',
        workflow: 'wf',
        runId: 'r1',
      },
    ],
    ['lock:commerce/wf', { kind: 'lock', keyspace: 'commerce', workflow: 'wf', key: 'k' }],
    ['lock:commerce', { kind: 'lock', keyspace: 'commerce', workflow: null, key: 'k' }],
    ['journal:wf', { kind: 'journal', keyspace: 'commerce', workflow: 'wf', runId: 'r1' }],
  ])('%s', (name, residue) => {
    expect(residueName(residue)).toBe(name);
  });

  it('what is found has its parts as data', () => {
    expect(judge(sampleSurvey(whole), runs(false)).found).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ kind: 'fence', mount: 'ext1', sourceKeyspace: 'load', shard: '0', runId: 'r1' }),
        expect.objectContaining({ kind: 'denied', keyspace: 'commerce', shard: '0', table: 'corder', owner: 'wf' }),
        expect.objectContaining({ kind: 'lock', workflow: 'wf', key: 'k', owner: 'wf' }),
      ]),
    );
  });
});

describe('a lock that is waited for', () => {
  const lock = (key: string, since: string) => ({ workflow: 'gone', key, holder: 'VDiff of vitess@h', since });
  const old = lock('old', '2026-01-01T00:00:00Z');
  const young = lock('young', '2026-01-02T03:04:00Z');
  const keys = (...locks: (typeof old)[]) =>
    named(judge(sampleSurvey({ locks }), []), ['lock:commerce/gone']).map((thing) =>
      thing.kind === 'lock' ? thing.key : thing.kind,
    );

  it.each([
    ['behind the dead one', [old, young]],
    ['before it', [young, old]],
  ])('%s stays, under the same name', (_where, locks) => {
    expect(refusals(judge(sampleSurvey({ locks }), []), ['lock:commerce/gone'])).toEqual([]);
    expect(keys(...locks)).toEqual(['old']);
  });

  it('alone is not residue', () => {
    expect(refusals(judge(sampleSurvey({ locks: [young] }), []), ['lock:commerce/gone'])[0]).toMatch(/is not residue/);
    expect(keys(young)).toEqual([]);
  });
});

it('a rule writes to the table it names, and a regular expression may write to any', () => {
  expect(['corder', 'customer'].map(writing(['corder', 'product']))).toEqual([true, false]);
  expect(['corder', 'customer'].map(writing(['corder', '/^p/']))).toEqual([true, true]);
});

describe('what a person reads', () => {
  it('an orphan with how to finish it', () => {
    const lines = renderAudit(judge(sampleSurvey(whole), runs(false)));
    expect(lines[0]).toBe('commerce.wf from ext1.load: no workflow runs it; its workflow is terminated (run ID r1)');
    expect(lines).toContain('  to finish it: vtmigrate Migrate Complete commerce.wf, or Migrate Cancel commerce.wf');
    expect(lines.at(-1)).toBe('commerce: 7 things left behind by no live migration.');
  });

  it('a live one without', () => {
    const lines = renderAudit(judge(sampleSurvey(whole), runs(true)));
    expect(lines.join('\n')).not.toMatch(/to finish it|-remove/);
    expect(lines.at(-1)).toBe('commerce: no residue.');
  });

  it('a Migrate of vtctldclient can be taken over, a MoveTables cannot', () => {
    const judgement = judge(
      sampleSurvey({
        streams: [
          stream({ workflow: 'theirs' }),
          stream({ workflow: 'mt', type: 'MoveTables', external: false, source: 'shop' }),
        ],
      }),
      [],
    );
    expect(judgement.owners.map(({ workflow, state, adoptable }) => [workflow, state, adoptable])).toEqual([
      ['theirs', 'foreign', true],
      ['mt', 'foreign', false],
    ]);
    expect(renderAudit(judgement)).toContain(
      'commerce.mt from shop: MoveTables made by another program, such as vtctldclient',
    );
  });

  it('the command that removes what is unowned, with odd names as JSON', () => {
    const said = (table: string) => renderAudit(judge(sampleSurvey({ denied: [{ shard: '0', table }] }), [])).at(-1);
    expect(said('corder')).toBe('To remove what is unowned: vtmigrate Audit commerce -remove denied:commerce/0/corder');
    expect(said('order line')).toBe(
      `To remove what is unowned: vtmigrate Audit commerce -remove '["denied:commerce/0/order line"]'`,
    );
  });

  it('what is unowned under a heading of its own', () => {
    const survey = sampleSurvey({ ...whole, copyStates: [{ shard: '0', stream: '9', tables: ['corder'] }] });
    const lines = renderAudit(judge(survey, runs(true)));
    expect(lines[lines.indexOf('Unowned:') + 1]).toBe(
      '  - copy-state:commerce/0/9  copy state of stream 9, which is gone, tables corder',
    );
  });

  it('one migration alone', () => {
    const two = judge(
      sampleSurvey({ ...whole, tables: [...(whole.tables ?? []), { shard: '0', table: 'stray', empty: true }] }),
      runs(false),
    );
    expect(
      leftBehind(ofWorkflow(two, 'wf'))
        .map(({ name }) => name)
        .sort(),
    ).toEqual([...everything].sort());
  });
});

describe('an audit of a keyspace with a migration of 10,000 tables on 4 shards', () => {
  const names = manyNames(10_000);
  const ended = { workflow: 'wf', running: false, state: 'its workflow is terminated' };
  const lists = Object.fromEntries(fourShards.map((shard) => [shard, names]));
  const large = sampleSurvey({
    journals: [
      { workflow: 'wf', runId: 'r', source: 'ext1.load', forward: false, createdTables: lists, deniedTables: lists },
    ],
    denied: fourShards.flatMap((shard) => names.map((table) => ({ shard, table }))),
    tables: fourShards.flatMap((shard) => names.map((table) => ({ shard, table, empty: true }))),
  });
  const whole = judge(large, [ended]);

  it('lists what fits, counts the rest, and tells of each owner', () => {
    const { judgement } = lookOf(large, [ended], { remove: [] });
    expect(bytesOf(judgement)).toBeLessThan(350_000);
    expect(judgement.owners).toEqual(whole.owners);
    expect(judgement.unlisted).toEqual({ residue: whole.found.length - judgement.found.length, live: 0 });
    expect(renderAudit(judgement).join('\n')).toContain('80,001 things left behind');
  });

  it('knows all of it when something is to be removed', () => {
    const last = whole.found.findLast(({ kind }) => kind === 'table')?.name ?? '';
    const { named, refusals } = lookOf(large, [ended], { remove: [last] });
    expect(named).toMatchObject([{ name: last }]);
    expect(refusals).toEqual([]);
    const [reason = ''] = lookOf(large, [ended], { remove: ['journal:wf'] }).refusals;
    expect(reason).toMatch(/and 79,?980 more are still there$/);
    expect(reason.length).toBeLessThan(2_000);
  });
});
