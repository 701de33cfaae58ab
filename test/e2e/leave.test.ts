import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import {
  emptyTarget,
  sourceMount as mount,
  sql,
  tablesOf,
  targets,
  vtctldclient,
  type TargetKeyspace,
} from '../support/lab/lab.js';
import { Program, resultOf, until } from '../support/lab/program.js';
import { contentsOf } from '../support/lab/rows.js';
import { snapshot, withoutProofs } from '../support/lab/snapshot.js';

const temporary = 'tmp_report';
const large = ['big_one', 'big_three', 'big_two'];
/** Keys of this file's writers: the sample's own are far below. */
const firstKey = 60_000_000;
let program: Program;

const onSource = (statement: string) => sql('source', 'load', '0', statement);
const reload = () => vtctldclient('source', 'ReloadSchemaShard', '--include-primary', 'load/0');
const onTarget = (keyspace: TargetKeyspace, statement: string) =>
  Promise.all(targets[keyspace].shards.map((shard) => sql('target', keyspace, shard, statement)));

async function makeTemporary(): Promise<void> {
  await onSource(
    `drop table if exists ${temporary}; create table ${temporary} ` +
      '(id bigint primary key, ref bigint, note varchar(40), key ref (ref), unique key note (note)); ' +
      `insert into ${temporary} values (1, 10, 'a'), (2, 20, 'b'), (3, 30, null)`,
  );
  await reload();
}

/** 90,000 rows each: their copy takes seconds. */
async function makeLarge(): Promise<void> {
  for (const table of large) {
    await onSource(
      `drop table if exists ${table}; create table ${table} (id bigint primary key, ref bigint, pad varchar(300), key ref (ref)); ` +
        `insert into ${table} with recursive n as (select 1 as i union all select i + 1 from n where i < 300) ` +
        `select a.i * 1000 + b.i, a.i, repeat('x', 300) from n a, n b`,
    );
  }
  await reload();
}

async function useVSchema(tables: readonly string[]): Promise<void> {
  const { tables: known, ...rest } = targets.customer.vschema;
  const added = Object.fromEntries(
    tables.map((table) => [table, { column_vindexes: [{ column: 'id', name: 'xxhash' }] }]),
  );
  const vschema = JSON.stringify({ ...rest, tables: { ...known, ...added } });
  const applied = await vtctldclient('target', 'ApplyVSchema', '--vschema', vschema, 'customer');
  if (applied.code !== 0) throw new Error(applied.stderr);
}

beforeAll(async () => {
  for (const keyspace of ['commerce', 'customer'] as const) await emptyTarget(keyspace);
  program = await Program.start();
});
afterEach(async () => {
  await program.settle();
  await onSource('drop table if exists tmp_child');
  await onSource(`delete from customer where id >= ${firstKey}`);
  for (const keyspace of ['commerce', 'customer'] as const) await emptyTarget(keyspace);
});
afterAll(async () => {
  await onSource(`drop table if exists ${[temporary, 'tmp_child', ...large].join(', ')}`);
  await reload();
  await program.stop();
});

const start = (keyspace: TargetKeyspace, tables: readonly string[], more: object = {}) =>
  program.migrate({ source: 'ext1.load', target: `${keyspace}.leaving`, tables, mount, ...more });

async function expectEqual(keyspace: TargetKeyspace, tables: readonly string[]): Promise<void> {
  expect(await contentsOf('target', keyspace, tables)).toEqual(await contentsOf('source', 'load', tables));
}

async function expectGone(keyspace: TargetKeyspace, table: string): Promise<void> {
  for (const shard of targets[keyspace].shards) {
    expect(await tablesOf('target', keyspace, shard)).not.toContain(table);
    const { stdout } = await vtctldclient('target', 'GetShard', `${keyspace}/${shard}`);
    expect(stdout).not.toContain(table);
  }
}

describe('a table that was dropped in the source', () => {
  test('leaves while the others replicate, and Complete succeeds', async () => {
    await makeTemporary();
    const handle = await start('commerce', ['corder', 'customer', temporary]);
    await until(handle, ({ phase, vdiff }) => phase === 'replicating' && vdiff !== null);
    await onSource(`drop table ${temporary}`);
    await reload();
    await handle.signal('complete');
    const stuck = await until(handle, ({ missing }) => missing.some(({ code }) => code === 'SCHEMA_DRIFT'));
    expect(stuck.missing.find(({ code }) => code === 'SCHEMA_DRIFT')?.remedy).toMatch(/-tables <table> Leave/);
    await onSource(`insert into customer (id, name, email, created) values (${firstKey}, 'a', 'a@b', now())`);
    const left = await program.cli('Migrate', '-tables', temporary, 'Leave', 'commerce.leaving');
    expect(left).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/Left commerce\.leaving: tmp_report/) as string,
    });
    const result = await resultOf(handle);
    expect(result).toMatchObject({
      outcome: 'completed',
      tables: { names: ['corder', 'customer'] },
      left: { names: [temporary] },
      vdiff: { totals: { tables: 2 } },
    });
    await expectEqual('commerce', ['corder', 'customer']);
    await expectGone('commerce', temporary);
  });

  test('leaves after it has stopped its stream for good', async () => {
    await makeTemporary();
    await makeLarge();
    const handle = await start('commerce', ['big_one', temporary]);
    // Its copy comes after that of the large one.
    await until(handle, ({ tables }) => tables.some(({ phase }) => phase === 'copying'));
    await onSource(`drop table ${temporary}`);
    const paused = await until(handle, ({ phase, problems }) => phase === 'paused' || problems.length > 0);
    expect(paused.problems.map(({ code }) => code)).toContain('STREAM_IN_TROUBLE');
    expect(await handle.executeUpdate('leave', { args: [{ tables: [temporary] }] })).toMatchObject({ outcome: 'left' });
    await handle.signal('complete');
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed', tables: { names: ['big_one'] } });
    await expectEqual('commerce', ['big_one']);
    await expectGone('commerce', temporary);
  });
});

test('a table with a JSON document that Vitess cannot read from the binary log leaves, and the others go on', async () => {
  onTestFinished(async () => {
    await onSource('drop table papers');
  });
  await onSource(
    `create table papers (id bigint primary key, document json); insert into papers values (1, '{"a": 1}')`,
  );
  await reload();
  const handle = await start('commerce', ['customer', 'papers']);
  await until(handle, ({ phase }) => phase === 'replicating');
  await onSource(`insert into papers values (2, '{"": true}')`);
  const { problems, waitingFor } = await until(handle, ({ phase }) => phase === 'paused');
  expect(problems).toMatchObject([{ kind: 'unreadable-json' }]);
  expect(waitingFor).toEqual([expect.stringContaining('let the table that has it leave')]);
  expect(await handle.executeUpdate('leave', { args: [{ tables: ['papers'] }] })).toMatchObject({ outcome: 'left' });
  await handle.signal('complete');
  expect(await resultOf(handle)).toMatchObject({ outcome: 'completed', tables: { names: ['customer'] } });
  await expectEqual('commerce', ['customer']);
});

describe('during the copy of large tables into a sharded target', () => {
  test.each([
    ['the one that is being copied', 'big_one'],
    ['one that is still to be copied', 'big_two'],
  ])('%s leaves', async (_, table) => {
    await makeLarge();
    await useVSchema(large);
    const handle = await start('customer', large);
    await until(handle, ({ tables }) => tables.some(({ phase }) => phase === 'copying'));
    const before = await onTarget('customer', 'select id, pos from _vt.vreplication order by id');
    expect(await handle.executeUpdate('leave', { args: [{ tables: [table] }] })).toMatchObject({ outcome: 'left' });
    const after = await onTarget('customer', 'select id, pos from _vt.vreplication order by id');
    expect(after.map((rows) => rows.map((row) => Number(row['id'])))).toEqual(
      before.map((rows) => rows.map((row) => Number(row['id']))),
    );
    await expectGone('customer', table);
    for (const rows of await onTarget('customer', 'select table_name as t from _vt.copy_state'))
      expect(rows.map((row) => String(row['t']))).not.toContain(table);
    await onSource('update big_three set pad = reverse(pad), ref = ref + 1 where id % 997 = 0');
    await handle.signal('complete');
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed', left: { names: [table] } });
    const stay = large.filter((each) => each !== table);
    await expectEqual('customer', stay);
    for (const shard of targets.customer.shards) {
      const [row] = await sql('target', 'customer', shard, 'show create table big_three');
      expect(String(row?.['Create Table'])).toMatch(/KEY `ref`/);
    }
    expect((await onTarget('customer', 'select * from _vt.post_copy_action')).flat()).toEqual([]);
  });
});

test('a table that was there before, empty, leaves as it was', async () => {
  await makeTemporary();
  await makeLarge();
  const ddl = `create table ${temporary} (id bigint primary key, ref bigint, note varchar(40), key ref (ref), unique key note (note))`;
  await onTarget('commerce', ddl);
  const definition = () => onTarget('commerce', `show create table ${temporary}`);
  const before = await definition();
  const handle = await start('commerce', ['big_one', temporary]);
  await until(handle, ({ tables }) => tables.some(({ phase }) => phase === 'copying'));
  // The copy has deferred its keys.
  expect(await definition()).not.toEqual(before);
  await handle.executeUpdate('leave', { args: [{ tables: [temporary] }] });
  expect(await definition()).toEqual(before);
  expect(
    (await onTarget('commerce', 'select * from _vt.post_copy_action')).flat().map((row) => String(row['table_name'])),
  ).not.toContain(temporary);
  await handle.signal('complete', {});
  expect(await resultOf(handle)).toMatchObject({ outcome: 'completed', tables: { names: ['big_one'] } });
  expect(await onTarget('commerce', `select * from ${temporary}`)).toEqual([[]]);
  await expectEqual('commerce', ['big_one']);
});

test('a copied table that was there before is emptied; nothing of it is left but itself', async () => {
  await makeTemporary();
  await onTarget(
    'commerce',
    `create table ${temporary} (id bigint primary key, ref bigint, note varchar(40), key ref (ref), unique key note (note))`,
  );
  const handle = await start('commerce', ['corder', temporary]);
  await until(handle, ({ phase }) => phase === 'replicating');
  expect((await onTarget('commerce', `select * from ${temporary}`)).flat()).toHaveLength(3);
  const answer = await program.cli('Migrate', '-leave_tables', temporary, 'Complete', 'commerce.leaving');
  expect(answer.stdout).toMatch(/Left the migration before: tmp_report/);
  expect((await onTarget('commerce', `select * from ${temporary}`)).flat()).toEqual([]);
  await expectEqual('commerce', ['corder']);
  expect((await vtctldclient('target', 'GetShard', 'commerce/0')).stdout).not.toContain(temporary);
});

test('a table that a staying one references may not leave, unless that one leaves too', async () => {
  await makeTemporary();
  await onSource(
    `drop table if exists tmp_child; create table tmp_child (id bigint primary key, parent bigint, constraint fk_tmp foreign key (parent) references ${temporary} (id)); insert into tmp_child values (1, 1)`,
  );
  await reload();
  const handle = await start('commerce', ['corder', temporary, 'tmp_child'], { deferSecondaryKeys: false });
  await until(handle, ({ phase }) => phase === 'replicating');
  const before = await snapshot('commerce');
  const refused = await program.cli('Migrate', '-tables', temporary, 'Leave', 'commerce.leaving');
  expect(refused).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/fk_tmp of table tmp_child references/) as string,
  });
  expect((await program.cli('Migrate', '-tables', 'nope', 'Leave', 'commerce.leaving')).stderr).toMatch(
    /nope is not in/,
  );
  expect(withoutProofs(await snapshot('commerce'))).toEqual(withoutProofs(before));
  const left = await program.cli('Migrate', '-tables', `${temporary},tmp_child`, 'Leave', 'commerce.leaving');
  expect(left.code).toBe(0);
  await handle.signal('complete');
  expect(await resultOf(handle)).toMatchObject({ outcome: 'completed', tables: { names: ['corder'] } });
});

describe('a worker that is killed in the middle', () => {
  // The first external call of leave after its questions is to a VDiff.
  test.each([[16], [26], [36]])('at call %i of leave: another one finishes it', async (call) => {
    await makeTemporary();
    const handle = await start('commerce', ['corder', 'customer', temporary]);
    await until(handle, ({ phase }) => phase === 'replicating');
    const worker = await program.replaceWorker(String(call), 'before', 'vDiff');
    await handle.signal('leave', { tables: [temporary] });
    await worker.gone;
    expect(worker.log()).toMatch(/dies before/);
    await program.startWorker();
    await until(handle, ({ left }) => left.count > 0);
    await handle.signal('complete');
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed', left: { names: [temporary] } });
    await expectEqual('commerce', ['corder', 'customer']);
    await expectGone('commerce', temporary);
  });

  test('and its workflow is terminated: who takes the migration over finishes it', async () => {
    await makeTemporary();
    const handle = await start('customer', ['customer', 'corder']);
    await until(handle, ({ phase }) => phase === 'replicating');
    // The journal has it from the first change on: that of the streams of the first shard.
    const worker = await program.replaceWorker('2', 'before', 'updateVReplicationWorkflow');
    await handle.signal('leave', { tables: ['corder'] });
    await worker.gone;
    await handle.terminate('a test');
    await program.startWorker();
    expect(await program.cli('Migrate', 'Complete', 'customer.leaving')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/Left the migration before: corder/) as string,
    });
    await expectEqual('customer', ['customer']);
    await expectGone('customer', 'corder');
  });
});
