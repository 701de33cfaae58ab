import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { customerVSchema } from '../../lab/data.js';
import { describeFinding, type CheckName } from '../../src/migration/preflight/finding.js';
import { emptyTarget, sourceMount as mount, sql, vtctldclient } from '../support/lab/lab.js';
import { Program, resultOf, until } from '../support/lab/program.js';
import { snapshot } from '../support/lab/snapshot.js';

/** Rows that a stream cannot place, because the primary vindex of the target gives them no keyspace ID. */
let program: Program;

beforeAll(async () => {
  for (const keyspace of ['commerce', 'customer'] as const) await emptyTarget(keyspace);
  program = await Program.start();
});
afterEach(async () => {
  await onSource('drop table if exists odd');
  await useVSchema(customerVSchema);
});
afterAll(async () => {
  await program.stop();
  for (const keyspace of ['commerce', 'customer'] as const) await emptyTarget(keyspace);
});

const onSource = (statement: string) => sql('source', 'load', '0', statement);
const input = { source: 'ext1.load', target: 'customer.vindexes', mount };

async function useVSchema(vschema: object): Promise<void> {
  const applied = await vtctldclient('target', 'ApplyVSchema', '--vschema', JSON.stringify(vschema), 'customer');
  if (applied.code !== 0) throw new Error(applied.stderr);
}

/** The table odd of the source, with these values of c, by which a vindex distributes it. */
async function makeOdd(type: string, column: string, ...values: string[]): Promise<void> {
  await onSource(`create table odd (id int primary key, c ${column})`);
  for (const [n, value] of values.entries()) await onSource(`insert into odd values (${n}, ${value})`);
  const odd = { column_vindexes: [{ column: 'c', name: 'v' }] };
  await useVSchema({
    ...customerVSchema,
    vindexes: { ...customerVSchema.vindexes, v: { type } },
    tables: { ...customerVSchema.tables, odd },
  });
}

/** What a dry run finds of this, without a change. */
async function found(): Promise<Partial<Record<CheckName, string>>> {
  const before = await snapshot('customer');
  const result = await resultOf(await program.migrate({ ...input, tables: ['odd'], dryRun: true }));
  expect(await snapshot('customer')).toEqual(before);
  if (result.outcome !== 'planned') throw new Error(result.outcome);
  const checks = ['vindex-value', 'vindex-value-possible', 'vindex-null'];
  const own = result.findings.filter(({ check }) => checks.includes(check));
  return Object.fromEntries(own.map((finding) => [finding.check, describeFinding(finding)]));
}

test.each([
  ['hash', 'bigint', ['10', 'null'], { 'vindex-value': /column c of table odd, .* has no keyspace ID for NULL/ }],
  ['hash', 'bigint', ['10'], { 'vindex-value-possible': /no keyspace ID for NULL: no row has one now/ }],
  ['hash', 'bigint not null', ['-10'], {}],
  ['numeric', 'bigint not null', ['1', '-10'], { 'vindex-value': /no keyspace ID for a negative number/ }],
  ['hash', 'varchar(20) not null', ["'x-1'"], { 'vindex-value': /no keyspace ID for what is not a whole number/ }],
  ['hash', 'varchar(20) not null', ["'10'", "' 007\\n'"], { 'vindex-value-possible': /not a whole number: no row/ }],
  ['hash', 'varbinary(20) not null', ["x'ff'"], { 'vindex-value': /not a whole number/ }],
  ['hash', 'varchar(20) character set utf16 not null', ["'10'"], { 'vindex-value-possible': /not a whole number/ }],
  ['hash', 'decimal(10, 2) not null', ['10'], { 'vindex-value': /not a whole number/ }],
  ['hash', 'date not null', ["'2024-01-01'"], { 'vindex-value': /not a whole number/ }],
  ['hash', "enum('1', '2') not null", ["'2'"], { 'vindex-value-possible': /not a whole number/ }],
  ['binary', 'varchar(20) not null', ["''"], { 'vindex-value': /no keyspace ID for the empty string/ }],
  ['xxhash', 'varchar(20)', ['null', "''"], { 'vindex-null': /c of table odd may be NULL/ }],
])('%s of %s with %o', async (type, column, values, says) => {
  await makeOdd(type, column, ...values);
  expect(await found()).toEqual(
    Object.fromEntries(Object.entries(says).map(([check, text]) => [check, expect.stringMatching(text)])),
  );
});

describe('a row without a keyspace ID that comes later', () => {
  const start = (autoStart: boolean) =>
    program.migrate({ ...input, tables: ['odd', 'corder'], accept: ['vindex-value-possible'], autoStart });
  /** The migration pauses, and says what it needs. */
  const inTrouble = async (handle: WorkflowHandle) => {
    const { problems } = await until(handle, (status) => status.phase === 'paused' && status.problems.length > 0, 60);
    expect(problems).toContainEqual(expect.objectContaining({ kind: 'no-keyspace-id' }));
  };
  const copied = async () => {
    const rows = await Promise.all(
      ['-80', '80-'].map((shard) => sql('target', 'customer', shard, 'select * from odd')),
    );
    return rows
      .flat()
      .map(({ id, c }) => `${String(id)}: ${String(c)}`)
      .sort();
  };

  test('before the copy: the migration pauses, and goes on when the row has a value', async () => {
    await makeOdd('hash', 'bigint', '10', '30');
    const handle = await start(false);
    await until(handle, ({ phase }) => phase === 'copying');
    await onSource('insert into odd values (2, null)');
    await vtctldclient('target', 'Workflow', '--keyspace', 'customer', 'start', '--workflow', 'vindexes');
    await inTrouble(handle);
    await onSource('update odd set c = 20 where id = 2');
    await handle.executeUpdate('resume');
    await until(handle, ({ phase }) => phase === 'replicating');
    expect(await copied()).toEqual(['0: 10', '1: 30', '2: 20']);
    await handle.executeUpdate('cancel');
  });

  test('after the copy: a value does not help, and the table leaves', async () => {
    await makeOdd('hash', 'bigint', '10', '30');
    const handle = await start(true);
    await until(handle, ({ phase }) => phase === 'replicating');
    await onSource('insert into odd values (2, null); update odd set c = 20 where id = 2');
    await inTrouble(handle);
    await handle.executeUpdate('resume');
    await until(handle, ({ phase }) => phase !== 'paused');
    await inTrouble(handle);
    expect(await handle.executeUpdate('leave', { args: [{ tables: ['odd'] }] })).toMatchObject({ outcome: 'left' });
    await until(handle, ({ phase, problems: now }) => phase === 'replicating' && now.length === 0);
    await handle.executeUpdate('cancel');
  });
});
