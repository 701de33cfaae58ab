import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { Program, resultOf, until } from '../support/lab/program.js';
import { contentsOf } from '../support/lab/rows.js';
import { changedKeys, snapshot } from '../support/lab/snapshot.js';
import {
  emptyTarget,
  lab,
  sourceMount as mount,
  sql,
  targets,
  vtctldclient,
  vtgateOf,
  type TargetKeyspace,
} from '../support/lab/lab.js';

const tables = ['audit-log', 'corder', 'customer', 'empty_one', 'order line', 'product'];
const root = lab.target.topoRoot;
let program: Program;

beforeAll(async () => {
  for (const keyspace of ['commerce', 'customer'] as const) await emptyTarget(keyspace);
  program = await Program.start();
});
afterEach(async () => {
  await program.settle();
  for (const keyspace of ['commerce', 'customer'] as const) await emptyTarget(keyspace);
});
afterAll(() => program.stop());

/** Every row of every table, through vtgate on both sides. */
async function expectSameRows(keyspace: TargetKeyspace): Promise<void> {
  expect(await contentsOf('target', keyspace, tables)).toEqual(await contentsOf('source', 'load', tables));
}

describe('the five steps of the document, word for word', () => {
  test('unsharded: Mount, Create, Show, VDiff, Complete', async () => {
    const before = await snapshot('commerce');
    const type = (line: string) => program.cli(...line.split(' '));

    const mounted = await type(
      `Mount -type vitess -topo_type etcd2 -topo_server ${lab.source.topoServer} -topo_root /vitess/global ext1`,
    );
    expect(mounted.stderr).toBe('');
    const shownMount = await vtctldclient('target', 'Mount', 'show', '--name', 'ext1');
    expect(JSON.parse(shownMount.stdout)).toMatchObject({ name: 'ext1', topo_server: lab.source.topoServer });

    const created = await type('Migrate -all -source ext1.load Create commerce.wf');
    expect(created).toMatchObject({ code: 0, stderr: '' });
    const theirs = JSON.parse(
      (await vtctldclient('target', 'Workflow', '--keyspace', 'commerce', 'show', '--workflow', 'wf')).stdout,
    ) as { workflows: { name: string; workflow_type: string; source: { keyspace: string } }[] };
    expect(theirs.workflows[0]).toMatchObject({ name: 'wf', workflow_type: 'Migrate', source: { keyspace: 'load' } });
    expect(JSON.parse((await vtctldclient('target', 'GetVSchema', 'commerce')).stdout)).toMatchObject({ tables: {} });
    const vtgate = await vtgateOf('target');
    await expect(vtgate.query('insert into commerce.customer (id) values (1)')).rejects.toThrow(/denied|not found/);
    await vtgate.end();

    const show = await type('Workflow Show commerce.wf');
    expect(show.stdout).toContain('The following vreplication streams exist for workflow commerce.wf:');

    const vdiff = await type('VDiff commerce.wf');
    expect(vdiff).toMatchObject({ code: 0 });
    const theirVDiff = await vtctldclient(
      'target',
      'VDiff',
      '--target-keyspace',
      'commerce',
      '--workflow',
      'wf',
      'show',
      'last',
    );
    expect(theirVDiff.stdout).toMatch(/State:\s+completed[\s\S]*HasMismatch:\s+false/);

    const completed = await type('Migrate Complete commerce.wf');
    expect(completed).toMatchObject({ code: 0, stdout: expect.stringContaining('Completed commerce.wf') as string });
    await expectSameRows('commerce');
    const after = await snapshot('commerce');
    expect(changedKeys(before.topology, after.topology).filter((key) => !key.includes('ExternalClusters'))).toEqual([
      `${root}/keyspaces/commerce/VSchema`,
      expect.stringMatching(/\/SrvVSchema$/),
    ]);
    expect(after.mysql['0']?.sidecar).toEqual(before.mysql['0']?.sidecar);
    const vschema = JSON.parse((await vtctldclient('target', 'GetVSchema', 'commerce')).stdout) as { tables: object };
    expect(Object.keys(vschema.tables).sort()).toEqual(tables);
  });
});

test('Mount -list, -show and -unmount, in both spellings', async () => {
  const type = (line: string) => program.cli(...line.split(' '));
  const flags = `-topo_type etcd2 -topo_server ${lab.source.topoServer} -topo_root /vitess/global`;
  expect(await type(`Mount -type vitess ${flags} ext7`)).toMatchObject({ code: 0 });
  expect(await type(`Mount -type vitess ${flags} ext7`)).toMatchObject({ code: 0 });
  expect(
    await type(`Mount register --name ext8 ${flags.replaceAll(' -', ' --').replace('-topo', '--topo')}`),
  ).toMatchObject({ code: 0 });
  expect((await type('Mount -list')).stdout).toMatch(/ext7[\s\S]*ext8/);
  expect((await type('Mount -show ext7')).stdout).toMatch(/etcd2.*\/vitess\/global[\s\S]*load/);
  expect(await type('Mount -unmount ext7')).toMatchObject({ code: 0 });
  expect(await type('Mount unregister --name ext8')).toMatchObject({ code: 0 });
  const gone = await type('Mount -show ext7');
  expect(gone).toMatchObject({ code: 1, stderr: expect.stringMatching(/ext7/) as string });
  expect(JSON.parse((await vtctldclient('target', 'Mount', 'list')).stdout)).not.toMatchObject({
    names: expect.arrayContaining(['ext7']) as string[],
  });
});

describe('plain JSON, completing by itself', () => {
  test('sharded, from a source whose VSchema knows no vindex', async () => {
    const before = await snapshot('customer');
    const handle = await program.migrate({
      source: 'ext1.load',
      target: 'customer.wf',
      all: true,
      mount,
      complete: 'auto',
    });
    expect(await resultOf(handle)).toMatchObject({
      outcome: 'completed',
      tables: { count: tables.length, names: tables },
      vdiff: { state: 'completed' },
    });
    await expectSameRows('customer');
    const spread = await Promise.all(
      targets.customer.shards.map(async (shard) =>
        Number((await sql('target', 'customer', shard, 'select count(*) as n from corder'))[0]?.['n']),
      ),
    );
    for (const count of spread) expect(count).toBeGreaterThan(1000);
    const after = await snapshot('customer');
    expect(changedKeys(before.topology, after.topology)).toEqual([]);
    for (const shard of targets.customer.shards)
      expect(after.mysql[shard]?.sidecar).toEqual(before.mysql[shard]?.sidecar);
  });

  test('a few tables, with what is written meanwhile', async () => {
    const handle = await program.migrate({
      source: 'ext1.load',
      target: 'commerce.some',
      tables: ['customer', 'order line'],
      mount,
    });
    await until(handle, (status) => status.phase === 'replicating');
    await sql(
      'source',
      'load',
      '0',
      "update customer set name = 'Zoë' where id = 7; delete from `order line` where order_id = 5",
    );
    const answer = await handle.executeUpdate<{ outcome: string }, []>('complete');
    expect(answer.outcome).toBe('completed');
    const moved = ['customer', 'order line'];
    expect(await contentsOf('target', 'commerce', moved)).toEqual(await contentsOf('source', 'load', moved));
  });

  test('a VSchema entry of an unsharded target that was there before keeps what it has', async () => {
    const own = { tables: { customer: { columns: [{ name: 'id', type: 'INT64' }] } } };
    await vtctldclient('target', 'ApplyVSchema', '--vschema', JSON.stringify(own), 'commerce');
    const handle = await program.migrate({
      source: 'ext1.load',
      target: 'commerce.keep',
      tables: ['customer', 'product'],
      mount,
      complete: 'auto',
    });
    await resultOf(handle);
    const vschema = JSON.parse((await vtctldclient('target', 'GetVSchema', 'commerce')).stdout) as {
      tables: Record<string, { columns: object[] }>;
    };
    expect(vschema.tables['customer']?.columns).toHaveLength(1);
    expect(vschema.tables['product']?.columns).toEqual([]);
  });
});

test('a sequence and a reference table are so in an unsharded target, and an entry of another type is held back', async () => {
  const types = { order_seq: { type: 'sequence' }, currency: { type: 'reference' } };
  const apply = (cluster: 'source' | 'target', keyspace: string, tables: object) =>
    vtctldclient(cluster, 'ApplyVSchema', '--vschema', JSON.stringify({ tables }), keyspace);
  await sql(
    'source',
    'load',
    '0',
    `create table order_seq (id bigint primary key, next_id bigint, cache bigint) comment 'vitess_sequence';
     insert into order_seq values (0, 5001, 100);
     create table currency (code char(3) primary key); insert into currency values ('EUR')`,
  );
  onTestFinished(async () => {
    await apply('source', 'load', {});
    await apply('target', 'commerce', {});
    await sql('source', 'load', '0', 'drop table order_seq, currency');
  });
  await apply('source', 'load', types);
  await apply('target', 'commerce', {});
  await emptyTarget('commerce');
  const handle = await program.migrate({
    source: 'ext1.load',
    target: 'commerce.types',
    tables: Object.keys(types),
    mount,
  });
  await until(handle, ({ phase, vdiff }) => phase === 'replicating' && vdiff !== null);
  await apply('target', 'commerce', { order_seq: {} });
  expect(await handle.executeUpdate('complete')).toMatchObject({
    outcome: 'remembered',
    missing: [
      { message: expect.stringMatching(/order_seq is a sequence table .* a plain table in the target's/) as string },
    ],
  });
  await apply('target', 'commerce', {});
  expect(await resultOf(handle)).toMatchObject({ outcome: 'completed' });
  expect(JSON.parse((await vtctldclient('target', 'GetVSchema', 'commerce')).stdout)).toMatchObject({ tables: types });
  const vtgate = await vtgateOf('target');
  onTestFinished(() => vtgate.end());
  // A stream of rows, as olap means, cannot have them.
  await vtgate.query("set workload = 'oltp'");
  const [rows] = await vtgate.query('select next 1 values from commerce.order_seq');
  expect(rows).toEqual([{ nextval: 5001 }]);
});

describe('a Complete that comes too early', () => {
  test('is remembered, and a dry run says what is missing', async () => {
    const handle = await program.migrate({
      source: 'ext1.load',
      target: 'commerce.early',
      all: true,
      mount,
      autoStart: false,
    });
    await until(handle, (status) => status.phase === 'copying');
    const dry = await handle.executeUpdate<{ outcome: string; missing: { code: string }[] }, [object]>('complete', {
      args: [{ dryRun: true }],
    });
    expect(dry.outcome).toBe('not ready');
    expect(dry.missing.map((gap) => gap.code)).toEqual(['COPY_NOT_FINISHED', 'NO_VDIFF', 'NOT_PROVEN']);
    const remembered = await handle.executeUpdate<{ outcome: string; waitingFor: string[] }, []>('complete');
    expect(remembered).toMatchObject({ outcome: 'remembered', waitingFor: ['resume: the streams are stopped'] });
    // The streams were not to start by themselves: the peer's own command starts them.
    await vtctldclient('target', 'Workflow', '--keyspace', 'commerce', 'start', '--workflow', 'early');
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed' });
    await expectSameRows('commerce');
  });
});

describe('a worker that dies', () => {
  test.each([10, 150])('killed %i ms after Complete was asked for: another one finishes', async (delay) => {
    const moved = ['customer', 'order line'];
    const handle = await program.migrate({ source: 'ext1.load', target: 'customer.wf', tables: moved, mount });
    await until(handle, (status) => status.phase === 'replicating');
    await handle.signal('complete');
    await new Promise((resolve) => setTimeout(resolve, delay));
    await program.killWorker();
    await program.startWorker();
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed' });
    expect(await contentsOf('target', 'customer', moved)).toEqual(await contentsOf('source', 'load', moved));
    expect((await snapshot('customer')).mysql['80-']?.sidecar).toEqual({
      vreplication: 0,
      copy_state: 0,
      post_copy_action: 0,
      vdiff: 0,
      vdiff_table: 0,
      vdiff_log: 0,
    });
  });

  test.each([0, 900, 4_000])('killed %i ms after the start: another one finishes', async (delay) => {
    const handle = await program.migrate({
      source: 'ext1.load',
      target: 'commerce.wf',
      all: true,
      mount,
      complete: 'auto',
    });
    await new Promise((resolve) => setTimeout(resolve, delay));
    await program.killWorker();
    await program.startWorker();
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed' });
    await expectSameRows('commerce');
  });
});
