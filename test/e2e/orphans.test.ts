import { fromBinary } from '@bufbuild/protobuf';
import type { WorkflowHandle } from '@temporalio/client';
import { Etcd3 } from 'etcd3';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Status } from '../../src/migration/lifecycle/status.js';
import { SrvVSchemaSchema } from '../../src/vitess/wire/vschema_pb.js';
import {
  emptyTarget,
  lab,
  sourceMount as mount,
  sql,
  targets,
  vtctldclient,
  type TargetKeyspace,
} from '../support/lab/lab.js';
import { Program, until } from '../support/lab/program.js';
import { contentsOf } from '../support/lab/rows.js';
import { snapshot, withoutProofs } from '../support/lab/snapshot.js';

const moved = ['corder', 'customer', 'order line'];
let program: Program;

beforeAll(async () => {
  program = await Program.start();
  await program.client.workflow.execute('mount', {
    taskQueue: program.taskQueue,
    workflowId: `mount-${program.taskQueue}`,
    args: [{ action: 'mount', name: 'ext1', config: mount }],
  });
  for (const keyspace of ['commerce', 'customer'] as const) await emptyTarget(keyspace);
});
afterEach(async ({ task }) => {
  await program.settle();
  // What a failed test has left would fail every test after it.
  if (task.result?.state === 'fail')
    for (const keyspace of ['commerce', 'customer']) await program.cli('Migrate', 'Cancel', `${keyspace}.lost`);
  await openSource();
  for (const keyspace of ['commerce', 'customer'] as const) await emptyTarget(keyspace);
});
afterAll(() => program.stop());

const start = (keyspace: TargetKeyspace, input: object = {}) =>
  program.migrate({ source: 'ext1.load', target: `${keyspace}.lost`, tables: moved, ...input });

/** Temporal's Terminate: the workflow hears nothing of it, its activities go on until their next heartbeat. */
async function terminate(handle: WorkflowHandle): Promise<void> {
  await handle.terminate('a test');
}

/** A fence stays after Complete, as it was asked for. */
async function openSource(): Promise<void> {
  await vtctldclient(
    'source',
    'SetShardTabletControl',
    '--remove',
    '--denied-tables',
    moved.join(','),
    'load/0',
    'primary',
  );
  // The command changes the record alone: a tablet reads it when it is told to.
  await vtctldclient('source', 'RefreshStateByShard', 'load/0');
}

/** What is left of a migration that has been completed: nothing but the tables, with the source's rows. */
async function expectCompleted(keyspace: TargetKeyspace, tables: readonly string[]): Promise<void> {
  expect(await contentsOf('target', keyspace, tables)).toEqual(await contentsOf('source', 'load', tables));
  const after = await snapshot(keyspace);
  for (const shard of targets[keyspace].shards)
    expect(Object.values(after.mysql[shard]?.sidecar ?? {})).toEqual([0, 0, 0, 0, 0, 0]);
  expect(Object.keys(after.topology).filter((key) => key.includes('/vtmigrate/'))).toEqual([]);
  const audit = await program.cli('Audit', keyspace);
  expect(audit).toMatchObject({ code: 0, stdout: expect.stringContaining(`${keyspace}: no residue.`) as string });
}

const phases: { phase: string; there: (status: Status) => boolean; input?: object }[] = [
  { phase: 'creating', there: (status) => status.phase === 'creating' || status.phase === 'copying' },
  {
    phase: 'stopped before the copy',
    there: (status) => status.phase === 'copying' && status.streams.length > 0,
    input: { autoStart: false },
  },
  { phase: 'copying', there: (status) => status.phase === 'copying' },
  { phase: 'verifying', there: (status) => status.phase === 'verifying' || status.phase === 'replicating' },
  { phase: 'replicating', there: (status) => status.phase === 'replicating' },
];

describe.each(['commerce', 'customer'] as const)('terminated, on %s', (keyspace) => {
  test.each(phases)('while $phase: Cancel puts everything back', async ({ there, input }) => {
    await sql(
      'target',
      keyspace,
      keyspace === 'commerce' ? '0' : '-80',
      'create table stray (id int primary key); insert into stray values (1)',
    );
    const before = await snapshot(keyspace);
    const handle = await start(keyspace, input);
    await until(handle, there);
    await terminate(handle);
    const cancelled = await program.cli('Migrate', 'Cancel', `${keyspace}.lost`);
    expect(cancelled).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`Cancelled ${keyspace}.lost: the target is as it was.`) as string,
    });
    expect(cancelled.stderr).toMatch(
      /has ended \(terminated\), and this is in the cluster:[\s\S]*journal:lost[\s\S]*It is taken over, to cancel it/,
    );
    expect(withoutProofs(await snapshot(keyspace))).toEqual(withoutProofs(before));
    expect(await program.cli('Migrate', 'Cancel', `${keyspace}.lost`)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/was cancelled already/) as string,
    });
  });

  test.each(phases.filter(({ input }) => input === undefined))(
    'while $phase: Complete completes',
    async ({ there }) => {
      const handle = await start(keyspace);
      await until(handle, there);
      await terminate(handle);
      expect(await program.cli('Migrate', 'Complete', `${keyspace}.lost`)).toMatchObject({
        code: 0,
        stdout: expect.stringContaining(`Completed ${keyspace}.lost`) as string,
      });
      await expectCompleted(keyspace, moved);
      expect(await program.cli('Migrate', 'Complete', `${keyspace}.lost`)).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/was completed already/) as string,
      });
    },
  );
});

test('terminated when Create had started the streams of one of two shards: Complete completes', async () => {
  const worker = await program.replaceWorker('1', 'before', 'updateVReplicationWorkflow');
  const handle = await start('customer');
  await worker.gone;
  await terminate(handle);
  // Both shards start at the same time, so that no death of a worker comes between them for certain.
  const began = await vtctldclient(
    'target',
    'Workflow',
    '--keyspace',
    'customer',
    'start',
    '--workflow',
    'lost',
    '--shards',
    '-80',
  );
  expect(began).toMatchObject({ code: 0 });
  await program.startWorker();
  const stopped = "select count(*) as n from _vt.vreplication where state = 'Stopped'";
  const counts = targets.customer.shards.map((shard) => sql('target', 'customer', shard, stopped));
  expect(await Promise.all(counts)).toEqual([[{ n: 0 }], [{ n: 1 }]]);
  expect(await program.cli('Migrate', 'Complete', 'customer.lost')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('Completed customer.lost') as string,
  });
  await expectCompleted('customer', moved);
});

describe('terminated while it completes', () => {
  test.each([10, 250])('after %i ms: Complete ends it, before the point of no return and after it', async (delay) => {
    const handle = await start('commerce', { fenceSource: true });
    await until(handle, (status) => status.phase === 'replicating');
    await handle.signal('complete');
    await new Promise((resolve) => setTimeout(resolve, delay));
    await terminate(handle).catch(() => undefined);
    expect(await program.cli('Migrate', 'Complete', 'commerce.lost')).toMatchObject({ code: 0 });
    await openSource();
    await expectCompleted('commerce', moved);
  });

  test('a journal of an earlier version, forward, without a record and without streams', async () => {
    const handle = await start('commerce');
    await until(handle, (status) => status.phase === 'replicating');
    await terminate(handle);
    await program.killWorker();
    await program.startWorker();
    const { etcd, path } = journalOf('commerce', 'lost');
    const journal = JSON.parse((await etcd.get(path).string()) ?? '') as { forward: boolean };
    await etcd.put(path).value(JSON.stringify({ ...journal, forward: true, positions: undefined }));
    await etcd.delete().key(`${path}/record`);
    etcd.close();
    await sql(
      'target',
      'commerce',
      '0',
      "delete from _vt.vdiff_table; delete from _vt.vdiff_log; delete from _vt.vdiff; delete from _vt.vreplication where workflow = 'lost'",
    );
    const cancel = await program.cli('Migrate', 'Cancel', 'commerce.lost');
    expect(cancel).toMatchObject({ code: 1, stderr: expect.stringMatching(/past the point of no return/) as string });
    expect(await program.cli('Migrate', 'Complete', 'commerce.lost')).toMatchObject({ code: 0 });
    await expectCompleted('commerce', moved);
  });
});

describe('a lost namespace', () => {
  test('Temporal knows nothing of the migration: its journal is enough', async () => {
    const before = await snapshot('commerce');
    const handle = await start('commerce');
    await until(handle, (status) => status.phase === 'replicating');
    await terminate(handle);
    const elsewhere = await programIn('elsewhere');
    const cancelled = await elsewhere.cli('Migrate', 'Cancel', 'commerce.lost');
    await elsewhere.stop();
    expect(cancelled).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/Temporal knows of no migration commerce\.lost/) as string,
    });
    expect(withoutProofs(await snapshot('commerce'))).toEqual(withoutProofs(before));
  });

  test('nothing at all: says so', async () => {
    const target = `commerce.nobody_${process.pid}`;
    expect(await program.cli('Migrate', 'Complete', target)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/there is no migration commerce\.nobody/) as string,
    });
    const handle = await program.client.workflow.start('migrate', {
      taskQueue: program.taskQueue,
      workflowId: target,
      args: [{ adopt: 'cancel', source: 'ext1.load', target }],
    });
    await expect(handle.result()).rejects.toMatchObject({
      cause: { type: 'NOTHING_TO_ADOPT', message: expect.stringMatching(/vtmigrate Audit commerce/) as string },
    });
  });
});

/** The journal's key, past this program. */
function journalOf(keyspace: TargetKeyspace, workflow: string): { etcd: Etcd3; path: string } {
  return {
    etcd: new Etcd3({ hosts: `http://${lab.target.topoServer}` }),
    path: `${lab.target.topoRoot}/vtmigrate/${keyspace}/${workflow}`,
  };
}

/** Of another namespace; as the client's own types have it. */
const day = { seconds: 86_400 as never };

/** A worker and a command line in another namespace of Temporal, which takes seconds to become known. */
async function programIn(namespace: string): Promise<Program> {
  await program.client.workflowService
    .registerNamespace({ namespace, workflowExecutionRetentionPeriod: day })
    .catch(() => undefined);
  for (let tries = 0; ; tries++) {
    try {
      return await Program.start({ TEMPORAL_NAMESPACE: namespace });
    } catch (error) {
      if (tries === 30) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
  }
}

/** A snapshot in which the serving VSchema counts by what it says: Vitess writes its entries in any order. */
async function meaning(keyspace: TargetKeyspace): Promise<object> {
  const { topology, mysql } = await snapshot(keyspace);
  const entries = Object.entries(topology).map(([key, value]) => [
    key,
    key.endsWith('/SrvVSchema') ? fromBinary(SrvVSchemaSchema, Buffer.from(value, 'hex')) : value,
  ]);
  return { topology: Object.fromEntries(entries) as object, mysql };
}

async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 150; tries++) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`it never came: ${what}`);
}

const untilCopied = (keyspace: TargetKeyspace) =>
  eventually('the copy', async () => {
    const shards = await Promise.all(
      targets[keyspace].shards.map((shard) =>
        sql(
          'target',
          keyspace,
          shard,
          "select (select count(*) from _vt.copy_state) + sum(state <> 'Running' or pos = '') as n from _vt.vreplication",
        ),
      ),
    );
    return shards.every(([row]) => Number(row?.['n']) === 0);
  });

const untilLocked = (keyspace: TargetKeyspace, workflow: string) =>
  eventually('the lock', async () => {
    const etcd = new Etcd3({ hosts: `http://${lab.target.topoServer}` });
    const keys = await etcd
      .getAll()
      .prefix(`${lab.target.topoRoot}/internal/named_locks/${keyspace}/${workflow}/locks/`)
      .keys();
    etcd.close();
    return keys.length > 0;
  });

describe('streams that vtctldclient has made', () => {
  const create = async (keyspace: TargetKeyspace, ...more: string[]) => {
    const made = await vtctldclient(
      'target',
      'Migrate',
      '--workflow',
      'theirs',
      '--target-keyspace',
      keyspace,
      'create',
      '--source-keyspace',
      'load',
      '--mount-name',
      'ext1',
      '--tables',
      moved.join(','),
      '--cells',
      'ext',
      ...more,
    );
    expect(made.code).toBe(0);
  };

  test('Complete: every row is readable, nothing is left', async () => {
    await create('commerce');
    const completed = await program.cli('Migrate', 'Complete', 'commerce.theirs');
    expect(completed).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/Migrate made by another program[\s\S]*stream:commerce\/0\/theirs/) as string,
    });
    await expectCompleted('commerce', moved);
  });

  test('Complete -fence_source: what is said with it holds for streams that nobody has fenced', async () => {
    await create('commerce');
    expect(await program.cli('Migrate', '-fence_source', 'Complete', 'commerce.theirs')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/The fence on ext1 still stands/) as string,
    });
    await openSource();
    await expectCompleted('commerce', moved);
  });

  test('Cancel: the target is as it was before their create', async () => {
    const before = await meaning('commerce');
    await create('commerce');
    expect(await program.cli('Migrate', 'Cancel', 'commerce.theirs')).toMatchObject({ code: 0 });
    expect(await meaning('commerce')).toEqual(before);
  });

  test('Cancel on a sharded target, whose streams can never copy', async () => {
    const before = await meaning('customer');
    await create('customer');
    expect(await program.cli('Migrate', 'Cancel', 'customer.theirs')).toMatchObject({ code: 0 });
    expect(await meaning('customer')).toEqual(before);
  });

  test('Cancel while a VDiff hangs that looks in the wrong cell', async () => {
    const before = await meaning('commerce');
    await create('commerce');
    await untilCopied('commerce');
    // Without --source-cells it looks for source tablets in the target's cell, and holds the workflow's lock meanwhile.
    await vtctldclient('target', 'VDiff', '--target-keyspace', 'commerce', '--workflow', 'theirs', 'create');
    await untilLocked('commerce', 'theirs');
    expect(await program.cli('Migrate', 'Cancel', 'commerce.theirs')).toMatchObject({ code: 0 });
    expect(await meaning('commerce')).toEqual(before);
  });

  test('a dry run of Complete takes nothing over', async () => {
    await create('commerce');
    const before = await snapshot('commerce');
    expect(await program.cli('Migrate', '-dry_run', 'Complete', 'commerce.theirs')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/no workflow runs for commerce\.theirs/) as string,
    });
    expect((await snapshot('commerce')).topology).toEqual(before.topology);
    expect(await program.cli('Migrate', 'Cancel', 'commerce.theirs')).toMatchObject({ code: 0 });
  });

  test('a workflow of another type is refused with what it is', async () => {
    await sql('target', 'commerce', '0', 'create table stray (id int primary key)');
    await vtctldclient('target', 'ReloadSchemaShard', '--include-primary', 'commerce/0');
    const made = await vtctldclient(
      'target',
      'Materialize',
      '--workflow',
      'theirs',
      '--target-keyspace',
      'commerce',
      'create',
      '--source-keyspace',
      'commerce',
      '--table-settings',
      JSON.stringify([
        {
          target_table: 'copy',
          source_expression: 'select * from stray',
          create_ddl: 'create table copy (id int primary key)',
        },
      ]),
    );
    expect(made.code).toBe(0);
    expect(await program.cli('Migrate', 'Cancel', 'commerce.theirs')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/cannot be taken over: Materialize made by another program/) as string,
    });
    const handle = await program.client.workflow.start('migrate', {
      taskQueue: program.taskQueue,
      workflowId: 'commerce.theirs',
      args: [{ adopt: 'cancel', source: 'ext1.load', target: 'commerce.theirs' }],
    });
    await expect(handle.result()).rejects.toMatchObject({
      cause: { type: 'NOT_ADOPTABLE', message: expect.stringMatching(/is a Materialize workflow/) as string },
    });
    await vtctldclient('target', 'Workflow', '--keyspace', 'commerce', 'delete', '--workflow', 'theirs', '--keep-data');
  });
});
