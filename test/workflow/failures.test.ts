import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MigrationError, type Problem } from '../../src/migration/problem/errors.js';
import { sampleProblem } from '../support/workflow/samples.js';
import { fails, returns, Script, untilCancelled } from '../support/workflow/scripted-activities.js';
import { Bench, refOf } from '../support/workflow/workflow-bench.js';

const denied = new MigrationError(
  'DDL_REFUSED',
  'the tablet refuses the table',
  { cluster: 'target', table: 'corder' },
  'look at the DDL',
);
const locked = new MigrationError('LOCKED', 'the keyspace is locked', { keyspace: 'commerce' }, 'wait');
const unreachable = new MigrationError('TOPO_UNREACHABLE', 'etcd does not answer', { cluster: 'target' }, 'start it');
const down = new MigrationError(
  'VTGATE_UNREACHABLE',
  'vtgate does not answer',
  { server: 'localhost:15306' },
  'start it',
);

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.start();
});
afterAll(() => bench.stop());

describe('a workflow that Temporal would end by itself', () => {
  it.each([
    { options: { workflowExecutionTimeout: '120 s' }, message: /has an execution time-out of 120 s: / },
    { options: { workflowRunTimeout: '1 hour' }, message: /has a run time-out of 3600 s: / },
    {
      options: { workflowExecutionTimeout: '2 hours', workflowRunTimeout: '1 hour' },
      message: /an execution time-out of 7200 s and a run time-out of 3600 s/,
    },
  ] as const)('$options is refused, and nothing is touched', async ({ options, message }) => {
    const script = new Script();
    for (const input of [{ all: true }, { adopt: 'complete' }]) {
      const migration = await bench.migrate(script, input, undefined, options);
      expect(await migration.failure()).toMatchObject({
        type: 'INVALID_INPUT',
        message: expect.stringMatching(message) as string,
      });
    }
    expect(script.calls).toEqual([]);
  });

  it('may be a dry run, which is short', async () => {
    const options = { workflowExecutionTimeout: '120 s' } as const;
    const migration = await bench.migrate(new Script(), { dryRun: true }, undefined, options);
    expect(await migration.result()).toMatchObject({ outcome: 'planned' });
  });
});

describe('an input that is wrong', () => {
  it.each([
    {
      what: 'an option nobody knows',
      input: { sourc: 'ext1.load' },
      message: /sourc is not an option of this version/,
    },
    { what: 'a wrong type', input: { all: 'yes' }, message: /all must be a boolean/ },
    { what: 'neither all nor tables', input: { all: false }, message: /tables or all must be given/ },
    {
      what: 'another workflow ID than target',
      input: { target: 'commerce.other' },
      message: /the workflow ID is commerce\.wf_\d+, and target is commerce\.other/,
    },
  ])('fails at once: $what', async ({ input, message }) => {
    const script = new Script();
    const failure = await (await bench.migrate(script, input)).failure();
    expect(failure).toBeInstanceOf(ApplicationFailure);
    expect(failure).toMatchObject({
      type: 'INVALID_INPUT',
      nonRetryable: true,
      message: expect.stringMatching(message) as string,
    });
    expect(script.calls).toEqual([]);
  });

  it.each([{ args: [] }, { args: [null] }, { args: ['commerce.wf'] }, { args: [[]] }])(
    'fails at once with the arguments $args',
    async ({ args }) => {
      const script = new Script();
      const handle = await bench.start('migrate', `commerce.raw_${JSON.stringify(args)}`, args, script);
      await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'INVALID_INPUT', nonRetryable: true } });
      expect(script.calls).toEqual([]);
    },
  );
});

describe('before anything has been changed', () => {
  it.each([
    {
      step: 'mount',
      error: new MigrationError('MOUNT_CONFLICT', 'mounted as something else', { cluster: 'ext1' }, 'unmount it'),
      steps: ['mount'],
    },
    {
      step: 'preflight',
      error: new MigrationError('PREFLIGHT_REFUSED', '2 things are in the way', {}, ''),
      steps: ['mount', 'preflight'],
    },
  ] as const)('a refusal by $step fails the workflow, and nothing else is called', async ({ step, error, steps }) => {
    const script = new Script().on(step, fails(error));
    const mount = { topoType: 'etcd2', topoServer: 'localhost:12379', topoRoot: '/vitess/global' };
    const migration = await bench.migrate(script, { mount, complete: 'auto' });
    expect(await migration.failure()).toMatchObject({
      type: error.code,
      message: error.message,
      nonRetryable: true,
      details: [error.toProblem()],
    });
    expect(script.steps()).toEqual(steps);
    expect(await migration.status()).toMatchObject({ phase: 'failed' });
  });

  it('a server that does not answer is asked three times, and what an attempt may have begun is removed', async () => {
    const script = new Script().always('preflight', fails(down));
    expect(await (await bench.migrate(script)).failure()).toMatchObject({
      type: 'VTGATE_UNREACHABLE',
      message: down.message,
    });
    expect(script.calls.map(({ name, attempt }) => [name, attempt])).toEqual([
      ['preflight', 1],
      ['preflight', 2],
      ['preflight', 3],
      ['cancel', 1],
    ]);
  });

  it('a dry run that fails has begun nothing, and removes nothing', async () => {
    const script = new Script().always('preflight', fails(down));
    expect(await (await bench.migrate(script, { dryRun: true })).failure()).toMatchObject({ type: down.code });
    expect(script.steps()).toEqual(['preflight']);
  });

  it('a topology that cannot be reached ends the migration all the same, with the original error', async () => {
    const script = new Script().always('preflight', fails(down)).always('cancel', fails(unreachable));
    const migration = await bench.migrate(script);
    expect(await migration.failure()).toMatchObject({
      type: down.code,
      message:
        `${down.message}; a journal may have been left behind: etcd does not answer (cluster target): ` +
        'once the topology answers, look for it: vtmigrate Audit commerce',
    });
    expect(script.calls.filter(({ name }) => name === 'cancel').map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    expect(await migration.status()).toMatchObject({ phase: 'failed', lastError: down.toProblem() });
  });
});

describe('a Cancel before anything has been changed', () => {
  it('ends where the topology cannot be reached, and says that a journal may be left', async () => {
    const script = new Script().always('preflight', untilCancelled).always('cancel', fails(unreachable));
    const migration = await bench.migrate(script);
    await migration.until(() => script.count('preflight') === 1);
    await migration.handle.signal('cancel');
    expect(await migration.result()).toMatchObject({
      outcome: 'cancelled',
      warnings: [
        {
          code: 'TOPO_UNREACHABLE',
          message: 'a journal may have been left behind: etcd does not answer',
          remedy: 'once the topology answers, look for it: vtmigrate Audit commerce',
        },
      ],
    });
  });
});

describe('a create that fails', () => {
  it('for good is put back at once, and says so', async () => {
    const script = new Script().on('create', fails(denied));
    const migration = await bench.migrate(script);
    expect(await migration.failure()).toMatchObject({
      type: 'DDL_REFUSED',
      nonRetryable: true,
      details: [denied.toProblem()],
      message: `${denied.message}; everything has been put back`,
    });
    expect(script.steps()).toEqual(['preflight', 'create', 'cancel']);
    expect(await migration.status()).toMatchObject({ phase: 'failed', lastError: denied.toProblem(), waitingFor: [] });
    expect(script.calls.at(-1)?.args).toEqual([refOf(migration), { thenForget: true }]);
  });

  it('for a while is tried again', async () => {
    const script = new Script().on('create', fails(locked), fails(locked), fails(locked), fails(locked));
    const migration = await bench.migrate(script, { complete: 'auto' });
    expect((await migration.until((status) => status.lastError !== null)).lastError).toEqual(locked.toProblem());
    expect(await migration.result()).toMatchObject({ outcome: 'completed' });
    expect(script.calls.filter((call) => call.name === 'create').map((call) => call.attempt)).toEqual([1, 2, 3, 1, 2]);
    expect(await migration.status()).toMatchObject({ lastError: null });
    expect(script.count('cancel')).toBe(0);
  });

  it('again and again is put back after the third time', async () => {
    const script = new Script().always('create', fails(locked));
    expect(await (await bench.migrate(script)).failure()).toMatchObject({
      type: 'LOCKED',
      message: `${locked.message}; everything has been put back`,
    });
    expect(script.steps()).toEqual(['preflight', 'create', 'create', 'create', 'cancel']);
  });

  it('with an error without a code is a failure with one', async () => {
    const script = new Script().always('create', fails(new Error('boom')));
    expect(await (await bench.migrate(script)).failure()).toMatchObject({
      type: 'INTERNAL',
      message: expect.stringMatching(/^boom.*; everything has been put back$/) as string,
    });
  });

  it('waits with its failure until the target has been put back, however long that takes', async () => {
    const script = new Script()
      .on('create', fails(denied))
      .on('cancel', ...Array.from({ length: 30 }, () => fails(locked)));
    const migration = await bench.migrate(script);
    await migration.until((status) => status.lastError?.code === 'LOCKED');
    expect(await migration.failure()).toMatchObject({ type: 'DDL_REFUSED' });
    expect(script.count('cancel')).toBe(11);
  });
});

describe('a preflight that fails once Cancel has been asked for', () => {
  // One that ends by its worker's death is in test/simulation: the time-skipping server forgets such an activity.
  it('does not fail the migration, which is cancelled', async () => {
    const script = new Script();
    const preflight = script.hold('preflight', { deaf: true, then: fails(denied) });
    const migration = await bench.migrate(script);
    await preflight.reached;
    await migration.handle.signal('cancel');
    await migration.until(({ requested }) => requested.includes('cancel'));
    preflight.release();
    expect(await migration.result()).toMatchObject({ outcome: 'cancelled' });
  });
});

describe('a cancel that fails', () => {
  it('is repeated until it succeeds, also with errors that are final elsewhere', async () => {
    const script = new Script().on('cancel', ...Array.from({ length: 20 }, () => fails(denied)));
    const hold = script.hold('observe');
    const migration = await bench.migrate(script);
    await hold.reached;
    await migration.handle.signal('cancel');
    expect((await migration.until((status) => status.lastError !== null)).phase).toBe('cancelling');
    expect(await migration.result()).toMatchObject({ outcome: 'cancelled' });
    expect(script.count('cancel')).toBe(21);
  });
});

describe('past the point of no return', () => {
  it('vtgate may be down for two days', async () => {
    const script = new Script();
    const until = (await bench.env.currentTimeMs()) + 2 * 86_400_000;
    script.always('serve', async () => {
      if ((await bench.env.currentTimeMs()) < until) throw down;
      return [];
    });
    const migration = await bench.migrate(script, { complete: 'auto' });
    const status = await migration.until(({ lastError }) => lastError !== null);
    expect(status).toMatchObject({ phase: 'completing', pastNoReturn: true, lastError: down.toProblem() });
    await migration.handle.signal('cancel');
    expect(await migration.result()).toMatchObject({ outcome: 'completed' });
    expect(await bench.env.currentTimeMs()).toBeGreaterThanOrEqual(until);
    expect(await migration.status()).toMatchObject({ phase: 'completed', lastError: null });
    expect(script.count('cancel')).toBe(0);
    expect(script.count('finish')).toBe(1);
    // Tried again at most hourly in the end.
    expect(script.count('serve')).toBeGreaterThan(48);
    expect(script.count('serve')).toBeLessThan(65);
  });

  it('what rules refuse at the end is a warning of the result, after those that came before', async () => {
    const refused = { ...sampleProblem, code: 'READ_REFUSED' as const };
    const script = new Script().always('serve', returns([refused]));
    const migration = await bench.migrate(script, { complete: 'auto' });
    const warnings = [expect.objectContaining({ code: 'SOURCE_NOT_FENCED' }), refused];
    expect(await migration.result()).toMatchObject({ outcome: 'completed', warnings });
    expect(await migration.status()).toMatchObject({ phase: 'completed', warnings });
  });
});

describe('a person helps a step on that keeps failing', () => {
  const neverServes = () =>
    new Script().always('serve', (_ref, _keepJournal, tryTables = true) =>
      tryTables ? Promise.reject(down) : Promise.resolve([]),
    );

  it('retry tries it at once; skip completes without it, and the result says so', async () => {
    const script = neverServes();
    const migration = await bench.migrate(script, { complete: 'auto' });
    await migration.until(({ lastError }) => lastError?.code === 'VTGATE_UNREACHABLE');
    expect(await migration.status()).toMatchObject({ phase: 'completing', pastNoReturn: true, serving: true });
    for (const tries of [2, 3]) {
      expect(await migration.update('retry')).toEqual({ outcome: 'asked' });
      await migration.until(() => script.count('serve') === tries);
      await migration.until(({ lastError }) => lastError !== null);
    }
    await migration.handle.signal('skip');
    expect(await migration.result()).toMatchObject({
      outcome: 'completed',
      warnings: [
        { code: 'SOURCE_NOT_FENCED' },
        { code: 'NOT_TRIED', message: expect.stringContaining('the last trial: vtgate does not answer') as string },
      ],
    });
    expect(
      script.calls
        .filter(({ name }) => name === 'serve')
        .at(-1)
        ?.args.slice(1),
    ).toEqual([false, false]);
  });

  it('skip is refused before, and a signal is not remembered', async () => {
    const script = neverServes();
    const migration = await bench.migrate(script);
    await migration.until(({ phase }) => phase === 'replicating');
    expect(await migration.refusal('skip')).toMatchObject({ type: 'NOTHING_TO_SKIP' });
    await migration.handle.signal('skip');
    await migration.handle.signal('complete');
    await migration.until(({ lastError }) => lastError !== null);
    await migration.handle.signal('skip');
    expect(await migration.result()).toMatchObject({ outcome: 'completed' });
    expect(script.count('serve')).toBeGreaterThan(1);
  });

  it('retry helps Cancel on, too', async () => {
    let away = true;
    const report = { droppedTables: {} };
    const script = new Script().always('cancel', () => (away ? Promise.reject(unreachable) : Promise.resolve(report)));
    const migration = await bench.migrate(script);
    await migration.until(({ phase }) => phase === 'replicating');
    await migration.handle.signal('cancel');
    await migration.until(({ lastError }) => lastError?.code === 'TOPO_UNREACHABLE');
    away = false;
    await migration.handle.signal('retry');
    await migration.until(({ phase }) => phase === 'cancelled');
    expect(await migration.result()).toMatchObject({ outcome: 'cancelled' });
  });
});

describe('what Cancel could not undo', () => {
  const warning: Problem = {
    code: 'CELL_NOT_REACHED',
    message: 'the vtgates of the cell may still know tables',
    place: { cluster: 'target', cell: 'zone2' },
    remedy: 'when it is back: vtctldclient RebuildVSchemaGraph --cells zone2',
  };
  const left = { droppedTables: {}, warnings: [warning] };

  it('is a warning of the result, and the journal goes when it is known', async () => {
    let away = true;
    const script = new Script()
      .always('cancel', returns(left))
      .always('forget', () => (away ? Promise.reject(unreachable) : Promise.resolve()));
    const migration = await bench.migrate(script);
    await migration.until(({ phase }) => phase === 'replicating');
    await migration.handle.signal('cancel');
    await migration.until(({ lastError }) => lastError?.code === 'TOPO_UNREACHABLE');
    expect(await migration.status()).toMatchObject({ phase: 'cancelling', warnings: [warning] });
    away = false;
    await migration.handle.signal('retry');
    expect(await migration.result()).toMatchObject({ outcome: 'cancelled', warnings: [warning] });
    expect(await migration.status()).toMatchObject({ phase: 'cancelled', warnings: [warning] });
    expect(script.count('cancel')).toBe(1);
  });

  it('nothing but the end follows where there is none', async () => {
    const script = new Script();
    const migration = await bench.migrate(script);
    await migration.until(({ phase }) => phase === 'replicating');
    await migration.handle.signal('cancel');
    expect(await migration.result()).toMatchObject({ outcome: 'cancelled', warnings: [] });
    expect(script.steps().at(-1)).toBe('cancel');
  });

  it('is said by the failure of a migration that has been put back', async () => {
    const script = new Script().always('create', fails(denied)).always('cancel', returns(left));
    const migration = await bench.migrate(script);
    const said =
      /^the tablet refuses.*; everything has been put back; but the vtgates.*RebuildVSchemaGraph --cells zone2$/;
    expect(await migration.failure()).toMatchObject({ message: expect.stringMatching(said) as string });
  });
});

it('replays every history of this file', async () => {
  const { replayed, broken } = await bench.replayAll();
  expect(broken).toEqual([]);
  expect(replayed).toBeGreaterThan(15);
});
