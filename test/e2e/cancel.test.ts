import type { WorkflowHandle } from '@temporalio/client';
import { CancelledFailure, WorkflowFailedError } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Status } from '../../src/migration/lifecycle/status.js';
import { Program, resultOf, until } from '../support/lab/program.js';
import { snapshot } from '../support/lab/snapshot.js';
import { emptyTarget, sourceMount as mount, sql, targets, type TargetKeyspace } from '../support/lab/lab.js';

let program: Program;

beforeAll(async () => {
  program = await Program.start();
  const mounted: unknown = await program.client.workflow.execute('mount', {
    taskQueue: program.taskQueue,
    workflowId: `mount-${program.taskQueue}`,
    args: [{ action: 'mount', name: 'ext1', config: mount }],
  });
  expect(mounted).toMatchObject({ mount: { cells: ['ext'], keyspaces: ['load'] } });
  for (const keyspace of ['commerce', 'customer'] as const) await emptyTarget(keyspace);
});
afterEach(async () => {
  await program.settle();
  for (const keyspace of ['commerce', 'customer'] as const) await emptyTarget(keyspace);
});
afterAll(() => program.stop());

/** A phase to cancel in, and how to get there. */
const phases: { phase: string; there: (status: Status) => boolean; input?: object }[] = [
  { phase: 'at once', there: () => true },
  { phase: 'creating', there: (status) => status.phase !== 'checking' && status.phase !== 'mounting' },
  { phase: 'stopped before the copy', there: (status) => status.phase === 'copying', input: { autoStart: false } },
  { phase: 'copying', there: (status) => status.phase === 'copying' },
  { phase: 'verifying', there: (status) => status.phase === 'verifying' || status.phase === 'replicating' },
  { phase: 'replicating', there: (status) => status.phase === 'replicating' },
];

describe.each(['commerce', 'customer'] as const)('Cancel on %s', (keyspace: TargetKeyspace) => {
  test.each(phases)('$phase: the target is as it was', async ({ there, input }) => {
    await sql(
      'target',
      keyspace,
      keyspace === 'commerce' ? '0' : '-80',
      'create table product (sku varchar(64) primary key, note int)',
    );
    const before = await snapshot(keyspace);
    const handle = await program.migrate({
      source: 'ext1.load',
      target: `${keyspace}.cxl`,
      tables: ['corder', 'customer', 'order line'],
      ...input,
    });
    await until(handle, there);
    await handle.signal('cancel');
    expect(await resultOf(handle)).toMatchObject({ outcome: 'cancelled' });
    expect(await snapshot(keyspace)).toEqual(before);
  });
});

describe('Cancel said in other ways', () => {
  const start = () => program.migrate({ source: 'ext1.load', target: 'commerce.cxl', tables: ['customer'] });

  test("Temporal's own cancellation request is Cancel", async () => {
    const before = await snapshot('commerce');
    const handle = await start();
    await until(handle, (status) => status.phase === 'replicating');
    await handle.cancel();
    await expect(handle.result()).rejects.toSatisfy(
      (error: WorkflowFailedError) => error.cause instanceof CancelledFailure,
    );
    expect(await snapshot('commerce')).toEqual(before);
  });

  test('the command line, while every update that Temporal allows waits, and commands were left waiting', async () => {
    const handle = await program.migrate({
      source: 'ext1.load',
      target: 'commerce.cxl',
      tables: ['customer'],
      autoStart: false,
    });
    await until(handle, (status) => status.phase === 'copying');
    for (let i = 0; i < 10; i++) await handle.startUpdate('vdiff', { waitForStage: 'ACCEPTED' });
    const left = [1, 2, 3].map(() => program.cli('VDiff', 'commerce.cxl'));
    expect(await program.cli('Migrate', '-dry_run', 'Complete', 'commerce.cxl')).toMatchObject({ code: 1 });
    expect(await program.cli('Workflow', 'Stop', 'commerce.cxl')).toMatchObject({ code: 0 });
    expect(await program.cli('Migrate', 'Cancel', 'commerce.cxl')).toMatchObject({ code: 0 });
    expect(await resultOf(handle)).toMatchObject({ outcome: 'cancelled' });
    for (const { code, stderr } of await Promise.all(left)) {
      expect(code).toBe(1);
      expect(stderr).toContain('commerce.cxl has ended before a VDiff finished');
    }
  });

  test('the command line, and a second Cancel', async () => {
    const before = await snapshot('commerce');
    const handle: WorkflowHandle = await start();
    await until(handle, (status) => status.phase === 'replicating');
    expect(await program.cli('Migrate', 'Cancel', 'commerce.cxl')).toMatchObject({ code: 0 });
    expect(await snapshot('commerce')).toEqual(before);
    expect(await program.cli('Migrate', 'cancel', 'commerce.cxl')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/cancelled already/) as string,
    });
  });

  test('an empty table that was there before is kept', async () => {
    await sql(
      'target',
      'commerce',
      '0',
      'create table product (sku varchar(40) not null primary key, price decimal(10,2) not null, price_with_tax decimal(12,4) generated always as (price * 1.19) stored, description text)',
    );
    const before = await snapshot('commerce');
    const handle = await program.migrate({
      source: 'ext1.load',
      target: 'commerce.cxl',
      tables: ['customer', 'product'],
      autoStart: false,
    });
    await until(handle, (status) => status.phase === 'copying');
    await handle.executeUpdate('cancel');
    expect(await snapshot('commerce')).toEqual(before);
  });

  test('a worker killed while cancelling: another one finishes', async () => {
    const before = await snapshot('commerce');
    const handle = await start();
    await until(handle, (status) => status.phase === 'replicating');
    await handle.signal('cancel');
    await new Promise((resolve) => setTimeout(resolve, 30));
    await program.killWorker();
    await program.startWorker();
    expect(await resultOf(handle)).toMatchObject({ outcome: 'cancelled' });
    expect(await snapshot('commerce')).toEqual(before);
  });
});

describe.each(['commerce', 'customer'] as const)('tables of %s that were there before, empty', (keyspace) => {
  const there = ['customer', 'corder'];
  const onTarget = (statement: string) =>
    Promise.all(targets[keyspace].shards.map((shard) => sql('target', keyspace, shard, statement)));
  const definitions = async () => [
    await onTarget('show create table customer'),
    await onTarget('show create table corder'),
  ];

  /** A migration of two tables that are there and of one that is not, and the target as it was. */
  async function start() {
    for (const table of there) {
      const [row] = await sql('source', 'load', '0', `show create table ${table}`);
      await onTarget(String(row?.['Create Table']).replace(/ AUTO_INCREMENT=\d+/, ''));
    }
    const before = { ...(await snapshot(keyspace)), definitions: await definitions() };
    const tables = [...there, 'order line'];
    return { before, handle: await program.migrate({ source: 'ext1.load', target: `${keyspace}.cxl`, tables }) };
  }
  async function now() {
    for (const table of there) expect((await onTarget(`select * from ${table} limit 1`)).flat()).toEqual([]);
    return { ...(await snapshot(keyspace)), definitions: await definitions() };
  }

  test.each(phases.slice(1))('$phase: Cancel empties them and keeps their keys', async ({ there: at }) => {
    const { before, handle } = await start();
    await until(handle, at);
    await handle.executeUpdate('cancel');
    expect(await now()).toEqual(before);
  });

  test.each([[24], [40]])('a worker killed at call %i of Cancel: another one finishes', async (call) => {
    const { before, handle } = await start();
    await until(handle, ({ phase }) => phase === 'replicating');
    const worker = await program.replaceWorker(String(call), 'before', 'vDiff');
    await handle.signal('cancel');
    await worker.gone;
    expect(worker.log()).toMatch(/dies before/);
    await program.startWorker();
    expect(await resultOf(handle)).toMatchObject({ outcome: 'cancelled' });
    expect(await now()).toEqual(before);
  });

  test('a Cancel that was cut off can be finished, and nothing else', async () => {
    const { before, handle } = await start();
    await until(handle, ({ phase }) => phase === 'replicating');
    const worker = await program.replaceWorker('28', 'before', 'vDiff');
    await handle.signal('cancel');
    await worker.gone;
    await handle.terminate('a test');
    await program.startWorker();
    expect(await program.cli('Migrate', 'Complete', `${keyspace}.cxl`)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/was being cancelled: a part of what it had made may be gone/) as string,
    });
    expect(await program.cli('Migrate', 'Cancel', `${keyspace}.cxl`)).toMatchObject({ code: 0 });
    expect(await now()).toEqual(before);
  });
});
