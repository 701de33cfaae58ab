import { mkdtemp, rm, writeFile, chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { customerVSchema } from '../../lab/data.js';
import { Program, resultOf, until } from '../support/lab/program.js';
import {
  emptyTarget,
  sourceMount as mount,
  sql,
  vtctldclient,
  vtgateOf,
  type TargetKeyspace,
} from '../support/lab/lab.js';
import { servers, startLabWith, stopOwnLab } from '../support/lab/own-lab.js';

/**
 * The target of an operator with rules: vtgate forbids queries to all shards, takes small messages only, and reads from
 * replicas, of which there are none; its users may use only listed tables, and a query rule holds for one of them.
 */
const everybody = 'userData1';
const open = ['audit-log', 'customer', 'empty_one', 'order line', 'product', 'large', 'kinds', 'kinds_seq'];
const closed = 'corder';
const ruled = 'empty_one';
/** Bytes that vtgate takes in a message, and of a row that is larger. */
const largestMessage = 1_000_000;
const largeRow = 3_000_000;

let folder: string;
let program: Program;

async function ruleFiles(): Promise<{ acl: string; rules: string }> {
  const write = async (name: string, content: unknown): Promise<string> => {
    const file = join(folder, name);
    await writeFile(file, JSON.stringify(content));
    return file;
  };
  const group = (name: string, tables: string[], users: string[]) => ({
    name,
    table_names_or_prefixes: tables,
    readers: users,
    writers: users,
    admins: users,
  });
  return {
    acl: await write('acl.json', {
      table_groups: [group('open', open, [everybody]), group('closed', [closed], ['somebody else'])],
    }),
    rules: await write('rules.json', [
      { Name: 'quiet', Description: 'nobody reads this table', TableNames: [ruled], Plans: ['Select'], Action: 'FAIL' },
    ]),
  };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vtmigrate-rules-'));
  // The tablets run as nobody.
  await chmod(folder, 0o755);
  const { acl, rules } = await ruleFiles();
  await startLabWith({
    vtgate: [
      ...['--no-scatter', '--warn-sharded-only', '--default-tablet-type', 'REPLICA'],
      ...['--grpc-max-message-size', String(largestMessage)],
    ],
    tablet: ['--table-acl-config', acl, '--queryserver-config-strict-table-acl', '--filecustomrules', rules],
  });
  await sql(
    'source',
    'load',
    '0',
    `create table large (id bigint primary key, v longblob); insert into large values (1, repeat('x', ${largeRow}))`,
  );
  await vtctldclient('source', 'ReloadSchemaShard', '--include-primary', 'load/0');
  program = await Program.start();
});
afterEach(async () => {
  await program.settle();
  for (const keyspace of ['commerce', 'customer'] as const) await emptyTarget(keyspace);
});
afterAll(async () => {
  await program.stop();
  await stopOwnLab();
  await rm(folder, { recursive: true });
});

async function complete(keyspace: TargetKeyspace, tables: string[]) {
  const handle = await program.migrate({
    source: 'ext1.load',
    target: `${keyspace}.rules`,
    tables,
    mount,
    complete: 'auto',
  });
  const result = await resultOf(handle);
  if (result.outcome !== 'completed') throw new Error(`it ended as ${result.outcome}`);
  return result.warnings.filter(({ code }) => code !== 'SOURCE_NOT_FENCED');
}

async function withLarge(): Promise<void> {
  const tables = { ...customerVSchema.tables, large: { column_vindexes: [{ column: 'id', name: 'xxhash' }] } };
  const vschema = JSON.stringify({ ...customerVSchema, tables });
  await vtctldclient('target', 'ApplyVSchema', '--vschema', vschema, 'customer');
}

test.each(['commerce', 'customer'] as const)(
  '%s: tables of several shards and rows too large for vtgate are tried as any others',
  async (keyspace) => {
    if (keyspace === 'customer') await withLarge();
    expect(await complete(keyspace, ['large', 'product', 'order line'])).toEqual([]);
    const vtgate = await vtgateOf('target');
    await vtgate.query("set workload = 'oltp'");
    // All of this is as it is said to be.
    await expect(vtgate.query(`select 1 from ${keyspace}.product where sku = 'x'`)).rejects.toThrow(
      /replica: no healthy/,
    );
    await vtgate.query(`use \`${keyspace}@primary\``);
    const scattered = vtgate.query(`select 1 from ${keyspace}.product`).then(() => 'answered', String);
    expect(await scattered).toMatch(keyspace === 'customer' ? /no-scatter/ : /answered/);
    await expect(vtgate.query(`select * from ${keyspace}.large where id = 1`)).rejects.toThrow(/larger than max/);
    await vtgate.end();
  },
);

test.each(['commerce', 'customer'] as const)(
  '%s: what a rule refuses is a warning, and the migration ends',
  async (keyspace) => {
    const warnings = await complete(keyspace, ['product', closed, ruled]);
    expect(warnings).toEqual([
      {
        code: 'READ_REFUSED',
        message: expect.stringMatching(
          /read table corder through vtgate.*Select command denied to user .*ACL/s,
        ) as string,
        place: {
          cluster: 'target',
          server: expect.stringMatching(/^127\.0\.0\.1:\d+$/) as string,
          keyspace,
          table: closed,
        },
        remedy: expect.stringContaining('a reader in the tablets') as string,
      },
      {
        code: 'READ_REFUSED',
        message: expect.stringMatching(/read table empty_one .*rule: nobody reads this table/s) as string,
        place: expect.objectContaining({ keyspace, table: ruled }) as object,
        remedy: expect.stringContaining('query rules') as string,
      },
    ]);
    const shown = await program.cli('Workflow', 'Show', `${keyspace}.rules`);
    expect(shown.stdout).toMatch(/Warning: vtmigrate could not read table corder/);
  },
);

describe.each(['commerce', 'customer'] as const)('%s: past the point of no return, with vtgate away', (keyspace) => {
  /** Stops vtgate, and lets Complete come to its last step. */
  async function serving(): Promise<WorkflowHandle> {
    const handle = await program.migrate({
      source: 'ext1.load',
      target: `${keyspace}.rules`,
      tables: ['product', 'customer'],
      mount,
    });
    await until(handle, ({ phase }) => phase === 'replicating');
    await vtgate().kill();
    await handle.signal('complete');
    await until(handle, (status) => status.serving);
    return handle;
  }
  const vtgate = () => {
    const { vtgateServer } = servers().target;
    if (vtgateServer === undefined) throw new Error('the target has no vtgate');
    return vtgateServer;
  };
  afterEach(() => vtgate().start());

  test('it never comes back: skip completes, and says what was not tried', async () => {
    const handle = await serving();
    expect(await program.cli('Workflow', 'Skip', `${keyspace}.rules`)).toMatchObject({ code: 0 });
    const result = await resultOf(handle);
    if (result.outcome !== 'completed') throw new Error(`it ended as ${result.outcome}`);
    expect(result.warnings).toContainEqual(expect.objectContaining({ code: 'NOT_TRIED' }));
    expect(await program.cli('Workflow', 'Skip', `${keyspace}.rules`)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('has ended') as string,
    });
  });

  test('a table has gone meanwhile: it completes, with a warning', async () => {
    const handle = await serving();
    const shards = keyspace === 'commerce' ? ['0'] : ['-80', '80-'];
    for (const shard of shards) await sql('target', keyspace, shard, 'drop table product');
    await vtgate().start();
    const result = await resultOf(handle);
    if (result.outcome !== 'completed') throw new Error(`it ended as ${result.outcome}`);
    expect(result.warnings).toContainEqual(
      expect.objectContaining({
        code: 'READ_REFUSED',
        message: expect.stringMatching(/could not read table product .*it is gone from MySQL/) as string,
      }),
    );
  });
});
