import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Activities } from '../../src/activities/index.js';
import { lookOf, type AuditRequest } from '../../src/migration/audit/look.js';
import type { RunState } from '../../src/migration/audit/survey.js';
import { MigrationError } from '../../src/migration/problem/errors.js';
import { failedVDiff, sampleAdoption, sampleSurvey } from '../support/workflow/samples.js';
import { fails, returns, Script } from '../support/workflow/scripted-activities.js';
import { Bench, type Migration } from '../support/workflow/workflow-bench.js';

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.start();
});
afterAll(() => bench.stop());

type Adopted = Awaited<ReturnType<Activities['adopt']>>;
const adoption = (next: Adopted['next'], said: Partial<Adopted['settings']> = {}): Adopted =>
  sampleAdoption({ next, settings: { ...sampleAdoption().settings, ...said } });
const adopt = (script: Script, how: 'complete' | 'cancel', said: object = {}): Promise<Migration> =>
  bench.migrate(script, { all: undefined, adopt: how, ...said });

describe('a migration that is taken over', () => {
  it('to complete it: watches, compares, proves, completes', async () => {
    const script = new Script();
    expect(await (await adopt(script, 'complete')).result()).toMatchObject({ outcome: 'completed' });
    expect(script.steps()).toEqual([
      'adopt',
      'observe',
      'vdiff',
      'prove',
      'checksumNow',
      'watchSource',
      'publish',
      'finish',
      'serve',
    ]);
  });

  it('whose Create was cut off: creates first', async () => {
    const script = new Script().on('adopt', returns(adoption('create')));
    expect(await (await adopt(script, 'complete')).result()).toMatchObject({ outcome: 'completed' });
    expect(script.steps().slice(0, 3)).toEqual(['adopt', 'create', 'observe']);
  });

  it('past the point of no return: goes forward', async () => {
    const script = new Script().on('adopt', returns(adoption('forward', { sourceTables: 'rename' })));
    expect(await (await adopt(script, 'complete')).result()).toMatchObject({
      outcome: 'completed',
      sourceTables: { done: 'rename' },
    });
    expect(script.steps()).toEqual(['adopt', 'finish', 'serve', 'retire']);
  });

  it('to cancel it: puts back, and nothing else', async () => {
    const script = new Script();
    expect(await (await adopt(script, 'cancel')).result()).toMatchObject({
      outcome: 'cancelled',
      droppedTables: { '0': { names: ['corder', 'customer'] } },
    });
    expect(script.steps().filter((step) => step !== 'observe')).toEqual(['adopt', 'cancel']);
  });

  it('keeps what it was begun with; what is said with it wins', async () => {
    const script = new Script().on('adopt', returns(adoption('copy', { fenceSource: true })));
    expect(await (await adopt(script, 'complete')).result()).toMatchObject({ fenced: true });
    expect(script.count('fence')).toBe(1);
    expect(script.calls[0]?.args[1]).toMatchObject({ adopt: 'complete', force: false });
  });

  it('with force takes the VDiff as it is', async () => {
    const script = new Script().on('vdiff', (_ref, uuid) =>
      Promise.resolve({ ...failedVDiff(), uuid, state: 'differs' }),
    );
    expect(await (await adopt(script, 'complete', { force: true })).result()).toMatchObject({ outcome: 'completed' });
  });

  it('a Cancel that comes while it is taken over is heard afterwards', async () => {
    const script = new Script();
    const hold = script.hold('adopt', { deaf: true });
    const migration = await adopt(script, 'complete');
    await hold.reached;
    await migration.handle.signal('cancel');
    await migration.until(({ requested }) => requested.includes('cancel'));
    hold.release();
    expect(await migration.result()).toMatchObject({ outcome: 'cancelled' });
    expect(script.steps().filter((step) => step !== 'observe')).toEqual(['adopt', 'cancel']);
  });

  it('a lock that is held is waited for', async () => {
    const locked = fails(new MigrationError('LOCKED', 'somebody holds it', {}, 'wait'));
    const script = new Script().on('adopt', locked, locked, locked, locked);
    expect(await (await adopt(script, 'complete')).result()).toMatchObject({ outcome: 'completed' });
  });
});

describe('what cannot be taken over', () => {
  it.each(['NOTHING_TO_ADOPT', 'NOT_ADOPTABLE', 'STREAMS_MISSING', 'PAST_NO_RETURN'] as const)(
    '%s: fails, with nothing put back',
    async (code) => {
      const script = new Script().on('adopt', fails(new MigrationError(code, 'no', {}, 'look')));
      const failure = await (await adopt(script, 'cancel')).failure();
      expect(failure).toMatchObject({ type: code, message: 'no: look' });
      expect(script.steps()).toEqual(['adopt']);
    },
  );

  it('a wrong input', async () => {
    const script = new Script();
    expect(await (await adopt(script, 'complete', { tables: ['a'], adopt: 'pause' })).failure()).toMatchObject({
      type: 'INVALID_INPUT',
      message: expect.stringMatching(
        /adopt must be "complete" or "cancel".*tables is not an option|tables is not an option.*adopt must be/,
      ) as string,
    });
    expect(script.steps()).toEqual([]);
  });
});

describe('the workflow audit', () => {
  const survey = sampleSurvey({
    denied: [{ shard: '0', table: 'corder' }],
    journals: [
      { workflow: 'wf', runId: 'r1', source: 'ext1.load', forward: false, createdTables: {}, deniedTables: {} },
    ],
  });
  const seeing = (state: RunState) => (_keyspace: string, request: AuditRequest) =>
    Promise.resolve(lookOf(survey, [state], request));
  const ended = { workflow: 'wf', running: false, state: 'its workflow is terminated' };
  const audit = async (script: Script, input: object) => {
    const handle = await bench.start('audit', `audit-${Math.random()}`, [{ keyspace: 'commerce', ...input }], script);
    return (await handle.result()) as { found: { name: string; live: boolean }[]; removed: string[] };
  };

  it('says what is residue', async () => {
    const script = new Script().on('lookAround', seeing(ended));
    const { found } = await audit(script, {});
    expect(found).toMatchObject([
      { name: 'journal:wf', live: false },
      { name: 'denied:commerce/0/corder', live: false },
    ]);
  });

  it('removes what is named, and looks again', async () => {
    const script = new Script().on('lookAround', seeing(ended));
    const { found, removed } = await audit(script, { remove: ['denied:commerce/0/corder'] });
    expect(removed).toEqual(['denied:commerce/0/corder']);
    expect(found).toEqual([]);
    expect(script.steps()).toEqual(['lookAround', 'remove', 'lookAround']);
    expect(script.calls[1]?.args).toMatchObject([
      'commerce',
      [{ kind: 'denied', keyspace: 'commerce', shard: '0', table: 'corder' }],
      [{ workflow: 'wf', running: false }],
      { wf: 'r1' },
    ]);
  });

  it('removes nothing when one of them cannot be', async () => {
    const script = new Script().on('lookAround', seeing({ ...ended, running: true, state: 'running' }));
    await expect(audit(script, { remove: ['denied:commerce/0/corder', 'journal:wf'] })).rejects.toMatchObject({
      cause: {
        type: 'NOT_REMOVABLE',
        message: expect.stringMatching(/nothing has been removed: journal:wf is not residue/) as string,
      },
    });
    expect(script.count('remove')).toBe(0);
  });
});

it('replays every history of this file', async () => {
  const { replayed, broken } = await bench.replayAll();
  expect(broken).toEqual([]);
  expect(replayed).toBeGreaterThan(14);
});
