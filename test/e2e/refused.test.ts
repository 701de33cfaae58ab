import { create } from '@bufbuild/protobuf';
import { WorkflowFailedError, type ApplicationFailure } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { EtcdKv } from '../../src/vitess/topology/etcd.js';
import { withKeyspaceLock } from '../../src/vitess/topology/lock.js';
import { Topology } from '../../src/vitess/topology/topology.js';
import { TableSchema } from '../../src/vitess/wire/vschema_pb.js';
import { Program, until } from '../support/lab/program.js';
import { snapshot } from '../support/lab/snapshot.js';
import { emptyTarget, lab, sourceMount as mount, sql, vtctldclient } from '../support/lab/lab.js';

const base = { source: 'ext1.load', target: 'commerce.bad', tables: ['customer'] };
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
afterEach(async () => {
  await program.settle();
  for (const keyspace of ['commerce', 'customer'] as const) await emptyTarget(keyspace);
});
afterAll(() => program.stop());

/** Runs a migration that must be refused with nothing changed, and gives its failure. */
async function refusal(input: Record<string, unknown>): Promise<ApplicationFailure> {
  const keyspace = String(input['target']).startsWith('customer') ? 'customer' : 'commerce';
  const before = await snapshot(keyspace);
  const handle = await program.migrate(input);
  const error = await handle.result().then(
    () => undefined,
    (failure: unknown) => failure,
  );
  expect(error).toBeInstanceOf(WorkflowFailedError);
  expect(await snapshot(keyspace)).toEqual(before);
  return (error as WorkflowFailedError).cause as ApplicationFailure;
}

describe('what cannot work is refused, with nothing changed', () => {
  const cases: { what: string; input: Record<string, unknown>; type: string; says: RegExp[] }[] = [
    {
      what: 'a table that does not exist',
      input: { tables: ['custmer', 'customer'] },
      type: 'TABLE_NOT_FOUND',
      says: [/custmer/, /cluster ext1, keyspace load/],
    },
    {
      what: 'a keyspace the source lacks',
      input: { source: 'ext1.lod' },
      type: 'KEYSPACE_NOT_FOUND',
      says: [/lod does not exist/, /the keyspaces are load/],
    },
    {
      what: 'a keyspace the target lacks',
      input: { target: 'comerce.bad' },
      type: 'KEYSPACE_NOT_FOUND',
      says: [/comerce does not exist/, /commerce, customer/],
    },
    {
      what: 'a mount that is not there',
      input: { source: 'ext9.load' },
      type: 'MOUNT_NOT_FOUND',
      says: [/ext9/, /mounted are .*ext1/],
    },
    {
      what: 'a cell of the target, which the source has not',
      input: { cells: ['zone1'] },
      type: 'PREFLIGHT_REFUSED',
      says: [/no cell zone1/, /its cells are ext/, /no tablet of type/],
    },
    {
      what: 'a tablet type nobody has',
      input: { tabletTypes: ['RDONLY'] },
      type: 'NO_SOURCE_TABLET',
      says: [/RDONLY/, /PRIMARY in ext/],
    },
    {
      what: 'several things at once',
      input: { tables: ['nope', 'neither'] },
      type: 'PREFLIGHT_REFUSED',
      says: [/nope/, /neither/],
    },
    {
      what: 'everything excluded',
      input: {
        tables: undefined,
        all: true,
        exclude: ['audit-log', 'corder', 'customer', 'empty_one', 'order line', 'product'],
      },
      type: 'NO_TABLES',
      says: [/no table to move/],
    },
    {
      what: 'an input with wrong fields',
      input: { cells: [], sourceShards: ['0'], onDdl: 'MAYBE' },
      type: 'INVALID_INPUT',
      says: [/cells must name a cell/, /sourceShards is not an option/, /onDdl must be one of/],
    },
    {
      what: 'a malformed source',
      input: { source: 'load' },
      type: 'INVALID_INPUT',
      says: [/source must be two names/],
    },
    {
      what: 'an external topology that does not answer',
      input: { source: 'ext8.load', mount: { ...mount, topoServer: '127.0.0.1:1' } },
      type: 'TOPO_UNREACHABLE',
      says: [/127\.0\.0\.1:1/],
    },
    {
      what: 'a root with nothing below it',
      input: { source: 'ext8.load', mount: { ...mount, topoRoot: '/nowhere' } },
      type: 'KEYSPACE_NOT_FOUND',
      says: [/\/nowhere/],
    },
    {
      what: 'another cluster under a mounted name',
      input: { mount: { ...mount, topoServer: lab.target.topoServer } },
      type: 'MOUNT_CONFLICT',
      says: [new RegExp(lab.source.topoServer), new RegExp(lab.target.topoServer)],
    },
  ];

  test.each(cases)('$what', async ({ input, type, says }) => {
    const failure = await refusal({ ...base, ...input });
    expect(failure.type).toBe(type);
    for (const text of says) expect(failure.message).toMatch(text);
  });

  test('a target table with rows', async () => {
    await sql(
      'target',
      'commerce',
      '0',
      'create table empty_one (id bigint primary key, note varchar(20)); insert into empty_one values (1, null)',
    );
    const failure = await refusal({ ...base, tables: ['empty_one'] });
    expect(failure.type).toBe('TARGET_TABLE_NOT_EMPTY');
    expect(failure.message).toMatch(/empty_one has rows .*keyspace commerce, shard 0/);
  });

  test('a sharded target whose VSchema lacks the table, or its primary vindex', async () => {
    // ApplyVSchema would not write such a VSchema; another program might.
    const kv = new EtcdKv(lab.target.topoServer, 'target');
    const topology = new Topology('target', lab.target.topoServer, lab.target.topoRoot, () => kv);
    await withKeyspaceLock(topology, 'customer', 'test', (lock) =>
      topology.updateVSchema(lock, (vschema) => {
        vschema.tables = { corder: create(TableSchema) };
        return true;
      }),
    );
    kv.close();
    const failure = await refusal({ ...base, target: 'customer.bad', tables: ['customer', 'corder'] });
    expect(failure.type).toBe('PREFLIGHT_REFUSED');
    expect(failure.message).toMatch(
      /customer is not in the VSchema[\s\S]*corder has no primary vindex|corder has no primary vindex[\s\S]*customer is not in the VSchema/,
    );
  });

  test('a target shard without a primary', async () => {
    await vtctldclient('target', 'CreateKeyspace', '--durability-policy', 'none', 'headless');
    await vtctldclient('target', 'CreateShard', 'headless/0');
    const failure = await refusal({ ...base, target: 'headless.bad' });
    expect(failure.type).toBe('NO_PRIMARY');
    expect(failure.message).toMatch(/no primary.*keyspace headless, shard 0/);
    await vtctldclient('target', 'DeleteKeyspace', '--recursive', 'headless');
  });

  test('a table that cannot be created from the definition: what was made is unmade', async () => {
    await sql(
      'source',
      'load',
      '0',
      'drop table if exists child; create table child (id bigint primary key, c bigint, constraint fk foreign key (c) references customer (id))',
    );
    // The target has a customer with another type, so the constraint cannot be made there.
    await sql('target', 'commerce', '0', 'create table customer (id varchar(10) primary key)');
    const failure = await refusal({ ...base, tables: ['product', 'child'], accept: ['foreign-key-outside'] });
    expect(failure.message).toMatch(/child.* cannot be created/);
    expect(failure.message).toMatch(/everything has been put back$/);
    expect(failure.type).toBe('DDL_REFUSED');
    await sql('source', 'load', '0', 'drop table child');
  });
});

describe('servers of the target that do not answer', () => {
  test.each([
    { variable: 'VTMIGRATE_VTGATE', type: 'VTGATE_UNREACHABLE' },
    { variable: 'VTMIGRATE_TOPO_SERVER', type: 'TOPO_UNREACHABLE' },
  ])('$variable', async ({ variable, type }) => {
    const before = await snapshot('commerce');
    const misled = await Program.start({ [variable]: '127.0.0.1:1' });
    const handle = await misled.migrate({ ...base, target: 'commerce.misled' });
    const failure = { type, message: expect.stringContaining('127.0.0.1:1') as string };
    await expect(handle.result()).rejects.toMatchObject({ cause: failure });
    await misled.stop();
    expect(await snapshot('commerce')).toEqual(before);
  });
});

describe('names that are taken', () => {
  test("by the peer's own workflow", async () => {
    const made = await vtctldclient(
      'target',
      'Migrate',
      '--workflow',
      'theirs',
      '--target-keyspace',
      'commerce',
      'create',
      '--source-keyspace',
      'load',
      '--mount-name',
      'ext1',
      '--tables',
      'empty_one',
      '--cells',
      'ext',
      '--auto-start=false',
    );
    expect(made.stderr).not.toMatch(/rror:/);
    const failure = await refusal({ ...base, target: 'commerce.theirs' });
    expect(failure.type).toBe('WORKFLOW_EXISTS');
    await vtctldclient('target', 'Workflow', '--keyspace', 'commerce', 'delete', '--workflow', 'theirs');
    await vtctldclient(
      'target',
      'SetShardTabletControl',
      '--denied-tables',
      'empty_one',
      '--remove',
      'commerce/0',
      'primary',
    );
  });

  test('by a running migration of ours, and the peer refuses the name too', async () => {
    const handle = await program.migrate({ ...base, target: 'commerce.ours' });
    await until(handle, (status) => status.phase === 'replicating');
    await expect(program.migrate({ ...base, target: 'commerce.ours' })).rejects.toThrow(/already started/);
    const theirs = await vtctldclient(
      'target',
      'Migrate',
      '--workflow',
      'ours',
      '--target-keyspace',
      'commerce',
      'create',
      '--source-keyspace',
      'load',
      '--mount-name',
      'ext1',
      '--tables',
      'empty_one',
    );
    expect(theirs.stderr).toMatch(/already exists/);
    const overlapping = await program.migrate({ ...base, target: 'commerce.second' });
    await expect(overlapping.result()).rejects.toMatchObject({
      cause: { message: expect.stringMatching(/denied tables already|has rows/) as string },
    });
    await handle.executeUpdate('cancel');
  });
});

test('a backtick in a table name of the source is explained', async () => {
  await sql('source', 'load', '0', 'create table `a``b` (id int primary key)');
  try {
    const failure = await refusal(base);
    expect(failure.type).toBe('BACKTICK_TABLE_NAME');
  } finally {
    await sql('source', 'load', '0', 'drop table `a``b`');
  }
});
