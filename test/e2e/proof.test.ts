import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { customerVSchema } from '../../lab/data.js';
import {
  allowOnSource,
  emptyTarget,
  mysqlOf,
  sourceMount as mount,
  sql,
  targets,
  vtctldclient,
} from '../support/lab/lab.js';
import { Program, resultOf, until } from '../support/lab/program.js';
import { contentsOf } from '../support/lab/rows.js';

let program: Program;
/** Tables of the source that a test has made. */
let made: string[] = [];

beforeAll(async () => {
  program = await Program.start();
});
beforeEach(async () => {
  for (const keyspace of ['commerce', 'customer'] as const) await emptyTarget(keyspace);
});
afterEach(async () => {
  await program.settle();
  for (const table of made) await onSource(`drop table if exists ${table}`);
  made = [];
  await vtctldclient('source', 'ReloadSchemaKeyspace', '--include-primary', 'load');
  for (const keyspace of ['commerce', 'customer'] as const) await emptyTarget(keyspace);
});
afterAll(() => program.stop());

const onSource = (statement: string) => sql('source', 'load', '0', statement);
const onTarget = (statement: string) => sql('target', 'commerce', '0', statement);

/** Makes tables of the source: name, columns, and statements that fill it. */
async function make(table: string, columns: string, ...rows: string[]): Promise<void> {
  made.push(table);
  await onSource([`create table ${table} (${columns})`, ...rows].join('; '));
  await vtctldclient('source', 'ReloadSchemaKeyspace', '--include-primary', 'load');
}

/** Rows 1 to `count` of a statement that takes them from `n`. */
const numbers = (insert: string, count: number): string =>
  `set cte_max_recursion_depth = ${count}; insert into ${insert} ` +
  `with recursive n as (select 1 as i union all select i + 1 from n where i < ${count}) select `;

const log = 'id int primary key, v varchar(10)';
const fill = (table: string, count = 1_000) => `${numbers(table, count)} i, 'x' from n`;

async function migrate(tables: string[], more: object = {}): Promise<WorkflowHandle> {
  const handle = await program.migrate({ source: 'ext1.load', target: 'commerce.proof', tables, mount, ...more });
  await until(handle, ({ phase, vdiff }) => phase === 'replicating' && vdiff !== null);
  return handle;
}

const proven = (handle: WorkflowHandle) =>
  until(handle, ({ proof }) => proof !== null && proof.oldest !== null && proof.proven === proof.tables);

/** The sharded target distributes a table by a column. */
async function distribute(table: string, column: string): Promise<void> {
  const tables = { ...customerVSchema.tables, [table]: { column_vindexes: [{ column, name: 'xxhash' }] } };
  await vtctldclient('target', 'ApplyVSchema', '--vschema', JSON.stringify({ ...customerVSchema, tables }), 'customer');
}

/** Complete is asked for, and must be held back by this table's rows. @returns the gap's message */
async function heldBack(handle: WorkflowHandle, table: string, request: object = {}): Promise<string> {
  const answer = await handle.executeUpdate<{ outcome: string; missing: object[] }, [object]>('complete', {
    args: [request],
  });
  expect(answer).toMatchObject({ outcome: 'remembered', missing: [{ code: 'ROWS_DIFFER', place: { table } }] });
  return (answer.missing[0] as { message: string }).message;
}

describe('DDL on the source after a clean VDiff', () => {
  test('TRUNCATE holds back Complete with a fence, until the rows are gone in the target as well', async () => {
    await make('session_log', log, fill('session_log'));
    const handle = await migrate(['session_log']);
    await proven(handle);
    await onSource("truncate table session_log; insert into session_log values (100001, 'new')");
    const message = await heldBack(handle, 'session_log', { fenceSource: true });
    expect(message).toContain('1 were read in the source and 1001 in the target');
    expect(message).toContain('truncate table session_log');
    expect(await handle.query('status')).toMatchObject({
      missing: [{ remedy: expect.stringContaining('make the same change on the target') as string }],
    });
    await onTarget('delete from session_log where id <= 1000');
    expect(await resultOf(handle)).toMatchObject({
      outcome: 'completed',
      proof: { proven: 1, tables: 1, tablesProven: [{ table: 'session_log', rows: 1 }] },
    });
    expect(await onTarget('select id from session_log')).toEqual([{ id: 100001 }]);
  });

  test('TRUNCATE, and a row whose key the target still has: the stream ends, and its remedy is the right one', async () => {
    await make('session_log', log, fill('session_log'));
    const handle = await migrate(['session_log']);
    await proven(handle);
    await onSource("truncate table session_log; insert into session_log values (5, 'new')");
    const { waitingFor } = await until(handle, ({ phase }) => phase === 'paused');
    expect(waitingFor).toEqual([expect.stringContaining('after a TRUNCATE, remove all that the source has not')]);
    await onTarget('delete from session_log');
    await handle.signal('resume');
    await handle.signal('complete', { fenceSource: true });
    expect(await resultOf(handle)).toMatchObject({
      outcome: 'completed',
      proof: { tablesProven: [{ table: 'session_log', rows: 1 }] },
    });
    expect(await onTarget('select id, v from session_log')).toEqual([{ id: 5, v: 'new' }]);
  });

  test('TRUNCATE by a session of another database holds it back, though Vitess passes it on to nobody', async () => {
    await make('session_log', log, fill('session_log'));
    const handle = await migrate(['session_log']);
    await proven(handle);
    await onSource('use mysql; truncate table vt_load.session_log');
    const message = await heldBack(handle, 'session_log', { fenceSource: true });
    expect(message).toContain('0 were read in the source and 1000 in the target');
    expect(message).toContain('in a session of another database');
    await onTarget('use mysql; truncate table vt_commerce.session_log');
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed', proof: { proven: 1 } });
  });

  test('a swap by RENAME holds it back, though the definitions are alike', async () => {
    await make('report', 'id int primary key, n int', 'insert into report values (1, 1), (2, 2), (3, 3)');
    made.push('report_old', 'report_next');
    const handle = await migrate(['report']);
    await proven(handle);
    await onSource('create table report_next like report; insert into report_next values (7, 70), (8, 80)');
    // A tablet that reloads its schema while a new table goes away ends its streams with an error.
    await vtctldclient('source', 'ReloadSchemaKeyspace', '--include-primary', 'load');
    await sleep(2_000);
    await onSource('rename table report to report_old, report_next to report');
    const message = await heldBack(handle, 'report');
    for (const id of [1, 2, 3, 7, 8]) expect(message).toMatch(new RegExp(`\\bid = ${id}\\b`));
    expect(message).toContain('rename table report to report_old');
    await onTarget('delete from report; insert into report values (7, 70), (8, 80)');
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed' });
  });

  test('a swap by RENAME, and a row whose key the target still has: what the stream missed is found after it', async () => {
    await make('report', 'id int primary key, n int', 'insert into report values (1, 1), (2, 2), (3, 3)');
    made.push('report_old', 'report_next');
    const handle = await migrate(['report']);
    await proven(handle);
    await onSource('create table report_next like report; insert into report_next values (7, 70)');
    await vtctldclient('source', 'ReloadSchemaKeyspace', '--include-primary', 'load');
    await sleep(2_000);
    await onSource('rename table report to report_old, report_next to report; insert into report values (2, 20)');
    const { problems } = await until(handle, ({ phase }) => phase === 'paused');
    expect(problems).toMatchObject([{ kind: 'duplicate-key' }]);
    await onTarget('delete from report where id = 2');
    await handle.signal('resume');
    await until(handle, ({ phase }) => phase === 'replicating');
    const message = await heldBack(handle, 'report');
    for (const id of [1, 3, 7]) expect(message).toMatch(new RegExp(`\\bid = ${id}\\b`));
    expect(message).toContain('rename table report to report_old');
    await onTarget('delete from report where id <> 2; insert into report values (7, 70)');
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed' });
  });

  test('TRUNCATE PARTITION holds it back', async () => {
    await make(
      'parts',
      'id int primary key, v varchar(10)) partition by range (id) (partition p0 values less than (500), ' +
        'partition p1 values less than maxvalue',
      fill('parts'),
    );
    const handle = await migrate(['parts']);
    await proven(handle);
    await onSource('alter table parts truncate partition p0');
    expect(await heldBack(handle, 'parts', { fenceSource: true })).toContain('501 were read in the source and 1000');
  });

  test('rows that look the same again are equal again: nothing holds it back', async () => {
    await make('session_log', log, fill('session_log', 10));
    const handle = await migrate(['session_log']);
    await proven(handle);
    await onSource(
      'analyze table session_log; alter table session_log comment = "seen"; alter table session_log comment = ""',
    );
    await until(handle, ({ proof }) => proof?.oldest !== null && proof?.voided.length === 0);
    await handle.signal('complete', { fenceSource: true });
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed', proof: { proven: 1 } });
  });
});

describe('a rotation of partitions', () => {
  const parts =
    'id int primary key, v varchar(10)) partition by range (id) (partition p0 values less than (500), ' +
    'partition p1 values less than (2000)';
  const rotate =
    'alter table parts add partition (partition p2 values less than (3000)); alter table parts drop partition p0';
  beforeEach(() => make('parts', parts, fill('parts')));

  test.each([false, true])(
    'is shown, and what remains of it is accepted by name (VDiff after it: %s)',
    async (after) => {
      await make('session_log', log, fill('session_log', 10));
      const handle = await migrate(['parts', 'session_log']);
      await proven(handle);
      await onSource(rotate);
      if (after) await handle.executeUpdate('vdiff');
      const dry = await handle.executeUpdate<{ missing: object[] }, [object]>('complete', { args: [{ dryRun: true }] });
      expect(dry.missing).toContainEqual(
        expect.objectContaining({
          code: 'PARTITIONS_DIFFER',
          message: expect.stringMatching(/only the partitions[^]*\+ .* p2 /) as string,
          remedy: expect.stringContaining('acceptRows') as string,
        }),
      );
      const other = await program.cli(
        'Migrate',
        '-accept-rows',
        'session_log',
        '-dry_run',
        'Complete',
        'commerce.proof',
      );
      expect(other.code).toBe(1);
      const done = await program.cli('Migrate', '-accept-rows', 'parts', 'Complete', 'commerce.proof');
      expect(done).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(
          /Accepted: only the partitions have changed[^]*Accepted: the rows are not the same/,
        ) as string,
      });
      const codes = ['PARTITIONS_DIFFER', ...(after ? ['VDIFF_NOT_CLEAN'] : []), 'ROWS_DIFFER'];
      const result = await resultOf(handle);
      expect(result).toMatchObject({ outcome: 'completed', proof: { proven: 1, tables: 2 } });
      expect(result.outcome === 'completed' && result.overridden.map(({ code }) => code)).toEqual(codes);
      expect(await onTarget('select count(*) n from parts')).toEqual([{ n: 1000 }]);
    },
  );

  test('is repeated in the target by hand, and then nothing is lacking', async () => {
    const handle = await migrate(['parts']);
    await proven(handle);
    await onSource(rotate);
    const answer = await handle.executeUpdate<{ missing: object[] }, []>('complete');
    expect(answer.missing).toMatchObject([{ code: 'PARTITIONS_DIFFER' }]);
    await onTarget(rotate);
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed', overridden: [], proof: { rows: 501 } });
  });

  test('every night is repeated by the streams with on-ddl EXEC_IGNORE', async () => {
    const handle = await migrate(['parts'], { onDdl: 'EXEC_IGNORE' });
    await proven(handle);
    for (let night = 3; night < 6; night++) {
      await onSource(
        `alter table parts add partition (partition p${night} values less than (${night * 1000})); ` +
          `insert into parts values (${night * 1000 - 1}, 'new'); alter table parts drop partition p${night === 3 ? 0 : night - 1}`,
      );
      await sleep(2_000);
    }
    await handle.signal('complete', { fenceSource: true });
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed', overridden: [], proof: { proven: 1 } });
    const rows = 'select count(*) n, max(id) id from parts';
    expect(await onTarget(rows)).toEqual(await onSource(rows));
  });
});

describe('rows that are not the same', () => {
  test('a row that was deleted in the target alone is found, and force names what it accepts', async () => {
    await make('session_log', log, fill('session_log', 10));
    const handle = await migrate(['session_log']);
    await onTarget('delete from session_log where id = 1');
    // The stream has no row to change.
    await onSource("update session_log set v = 'y' where id = 1");
    expect(await heldBack(handle, 'session_log')).toContain('among those that differ are id = 1');
    await handle.executeUpdate('vdiff');
    await handle.signal('complete', { force: true });
    expect(await resultOf(handle)).toMatchObject({
      outcome: 'completed',
      overridden: [{ code: 'VDIFF_NOT_CLEAN' }, { code: 'ROWS_DIFFER', place: { table: 'session_log' } }],
    });
  });

  test('a table without a key is compared as a multiset', async () => {
    await make('tag', 'a int, b varchar(9)', "insert into tag values (1, 'x'), (1, 'x'), (null, ''), (2, null)");
    const handle = await migrate(['tag'], { accept: ['no-primary-key'] });
    await proven(handle);
    await onTarget('delete from tag where a = 1 limit 1; insert into tag values (2, null)');
    await onSource("insert into tag values (3, 'y')");
    expect(await heldBack(handle, 'tag')).toContain('the rows are not the same');
    await onTarget("delete from tag where a = 2 limit 1; insert into tag values (1, 'x')");
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed' });
  });

  test('in a sharded target each row counts once, whatever shard has it', async () => {
    await make('customer_note', 'id bigint primary key, v varchar(10)', fill('customer_note', 5_000));
    await distribute('customer_note', 'id');
    const handle = await migrate(['customer_note'], { target: 'customer.proof' });
    await proven(handle);
    const shards = targets.customer.shards;
    const [row] = await sql('target', 'customer', shards[0], 'select id from customer_note order by id limit 1');
    const id = Number(row?.['id']);
    await sql('target', 'customer', shards[1], `insert into customer_note values (${id}, 'x')`);
    await onSource(
      `update customer_note set v = 'x ' where id = ${id}; update customer_note set v = 'x' where id = ${id}`,
    );
    expect(await heldBack(handle, 'customer_note', { fenceSource: true })).toContain(`id = ${id}`);
    await sql('target', 'customer', shards[1], `delete from customer_note where id = ${id}`);
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed', proof: { rows: 5_000 } });
  });
});

describe('one statement that moves many rows between the shards of the target', () => {
  test.each([
    { key: 'id bigint primary key, k int not null', what: 'a vindex beside the key' },
    { key: 'id bigint not null, k int not null, primary key (k, id)', what: 'a vindex in the key' },
  ])('is repeated there to the row: $what', async ({ key }) => {
    await make('wanderer', key, `${numbers('wanderer', 2_000)} i, i from n`);
    await distribute('wanderer', 'k');
    const handle = await migrate(['wanderer'], { target: 'customer.proof' });
    await proven(handle);
    await onSource('update wanderer set k = k + 10000');
    await onSource('update wanderer set k = k + 10000 where id % 3 = 0');
    await onSource('delete from wanderer where id % 7 = 0');
    await handle.signal('complete', { fenceSource: true });
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed', fenced: true, proof: { proven: 1 } });
    await allowOnSource(['wanderer']);
    expect(await contentsOf('target', 'customer', ['wanderer'])).toEqual(
      await contentsOf('source', 'load', ['wanderer']),
    );
  });
});

describe('a living source', () => {
  test('that is busy is spared, which holds up nothing', async () => {
    await make('session_log', log, fill('session_log'));
    const connections = await Promise.all(Array.from({ length: 30 }, () => mysqlOf('source', 'load', '0')));
    const busy = connections.map((connection) => connection.query('select sleep(20)').catch(() => undefined));
    onTestFinished(async () => {
      for (const connection of connections) connection.destroy();
      await Promise.all(busy);
    });
    const handle = await migrate(['session_log']);
    const { proof } = await until(handle, (status) => status.proof !== null);
    expect(proof?.slowed).toMatch(/\d+ threads are at work in the MySQL of ext-0000000100/);
    await handle.signal('complete', { fenceSource: true });
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed', proof: { proven: 1 } });
  });

  test.each([true, false])('of which every row keeps changing (fence: %s)', async (fenceSource) => {
    await make('busy', 'id int primary key, n int not null', `${numbers('busy', 20_000)} i, 0 from n`);
    const handle = await migrate(['busy']);
    const connection = await mysqlOf('source', 'load', '0');
    const stopping = new AbortController();
    onTestFinished(() => stopping.abort());
    // Past Vitess no fence holds: the writer stops when the migration is on its way.
    const writing = (async () => {
      for (let n = 0; !stopping.signal.aborted; n++) {
        await connection.query(`update busy set n = n + 1 where id % 97 = ${n % 97}`);
        await connection.query(`replace into busy values (${30_000 + n}, 1)`);
        // Rows change faster than they are compared, and slower than a stream on a busy machine applies them.
        await sleep(100);
      }
      await connection.end();
    })();
    await until(handle, ({ proof }) => proof !== null && proof.oldest !== null);
    if (fenceSource) {
      stopping.abort();
      await writing;
    }
    await handle.signal('complete', { fenceSource });
    const result = await resultOf(handle);
    stopping.abort();
    await writing;
    expect(result).toMatchObject({ outcome: 'completed', proof: { differing: [], voided: [], tables: 1 } });
    if (!fenceSource) return;
    const rows = 'select count(*) as n, sum(n) as total, sum(id) as ids from busy';
    expect(await onTarget(rows)).toEqual(await onSource(rows));
  });

  test('a worker that dies goes on where the comparison was', async () => {
    await make('busy', 'id int primary key, n int not null', `${numbers('busy', 50_000)} i, 0 from n`);
    const handle = await migrate(['busy']);
    await proven(handle);
    await program.killWorker();
    await onSource('update busy set n = 1 where id = 7');
    await onTarget('update busy set n = 2 where id = 8');
    await program.startWorker();
    await onSource('update busy set n = 3 where id = 9');
    await until(handle, ({ proof }) => proof?.differing.length === 0 && proof.changing === 0 && proof.proven === 1);
    await onSource('update busy set n = 3 where id = 8');
    await handle.signal('complete', { fenceSource: true });
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed' });
    expect(await onTarget('select n from busy where id in (7, 8, 9)')).toEqual([{ n: 1 }, { n: 3 }, { n: 3 }]);
  });
});
