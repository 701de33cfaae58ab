import type { WorkflowHandle } from '@temporalio/client';
import type { RowDataPacket } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { customerVSchema } from '../../lab/data.js';
import { emptyTarget, mysqlOf, sourceMount as mount, sql, vtctldclient, vtgateOf } from '../support/lab/lab.js';
import { Program, resultOf, until } from '../support/lab/program.js';

let program: Program;
beforeAll(async () => {
  program = await Program.start();
});
beforeEach(async () => {
  for (const keyspace of ['commerce', 'customer'] as const) await emptyTarget(keyspace);
  await sql(
    'source',
    'load',
    '0',
    `create table invoice (id bigint not null auto_increment primary key, tenant_id bigint not null, total int not null);
     insert into invoice (tenant_id, total) values (1, 10), (2, 20), (3, 30), (4, 40), (5, 50)`,
  );
});
afterEach(async () => {
  await program.settle();
  await sql('source', 'load', '0', 'drop table invoice');
  for (const keyspace of ['commerce', 'customer'] as const) await emptyTarget(keyspace);
  await reload();
});
afterAll(() => program.stop());

const reload = () => vtctldclient('target', 'ReloadSchemaKeyspace', '--include-primary', 'commerce');

const applyVSchema = async (keyspace: string, vschema: object): Promise<void> => {
  const applied = await vtctldclient('target', 'ApplyVSchema', '--vschema', JSON.stringify(vschema), keyspace);
  expect(applied.code, applied.stderr).toBe(0);
};

/** A sharded target whose table takes its numbers from this sequence. */
const numberBy = (sequence: string): Promise<void> =>
  applyVSchema('customer', {
    ...customerVSchema,
    tables: {
      ...customerVSchema.tables,
      invoice: {
        column_vindexes: [{ column: 'tenant_id', name: 'xxhash' }],
        auto_increment: { column: 'id', sequence },
      },
    },
  });

const createSequence = 'create table invoice_seq (id bigint primary key, next_id bigint, cache bigint)';
const sequenceEntry = { tables: { invoice_seq: { type: 'sequence' } } };

/** @param row `0, 1, 100`; none for an empty table */
async function makeSequence(row?: string): Promise<void> {
  await sql('target', 'commerce', '0', `${createSequence} comment 'vitess_sequence'`);
  if (row !== undefined) await sql('target', 'commerce', '0', `insert into invoice_seq values (${row})`);
  await reload();
  await applyVSchema('commerce', sequenceEntry);
  await numberBy('commerce.invoice_seq');
}

const input = { source: 'ext1.load', tables: ['invoice'], mount };

const migrate = async (more: object = {}): Promise<WorkflowHandle> => {
  const handle = await program.migrate({ ...input, target: 'customer.seq', ...more });
  await until(handle, ({ phase, vdiff }) => phase === 'replicating' && vdiff !== null);
  return handle;
};

/** What preflight says of the sequence: it changes nothing. */
async function findings(): Promise<string[]> {
  const result = await resultOf(await program.migrate({ ...input, target: 'customer.seq', dryRun: true }));
  if (result.outcome !== 'planned') throw new Error(result.outcome);
  return result.findings.flatMap(({ check, message }) =>
    check.startsWith('sequence-') ? [`${check}: ${message}`] : [],
  );
}

/** Inserts through vtgate, each with a number of the sequence. @returns the numbers of the whole table */
async function insertTwenty(): Promise<number[]> {
  const vtgate = await vtgateOf('target');
  try {
    await vtgate.query("set workload = 'oltp'");
    for (let tenant = 1; tenant <= 20; tenant++)
      await vtgate.query(`insert into customer.invoice (tenant_id, total) values (${tenant}, 1)`);
    const [rows] = await vtgate.query<RowDataPacket[]>('select id from customer.invoice order by id');
    return rows.map((row) => Number(row['id']));
  } finally {
    await vtgate.end();
  }
}

const from = (first: number): number[] => Array.from({ length: 20 }, (_, i) => first + i);

describe('a sequence behind the copied keys', () => {
  test('is raised by Complete, and every insert works', async () => {
    await makeSequence('0, 1, 100');
    expect(await findings()).toEqual([
      'sequence-behind: sequence commerce.invoice_seq would give 1 next, but the source already has 5: ' +
        'inserts into invoice without a value for id would fail',
    ]);
    const handle = await migrate({ initializeTargetSequences: true });
    await handle.signal('complete');
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed' });
    expect(await insertTwenty()).toEqual([1, 2, 3, 4, 5, ...from(6)]);
  });

  test('that fell behind after Create holds Complete back until it is told to raise it', async () => {
    await makeSequence('0, 10, 100');
    const handle = await migrate();
    await sql('source', 'load', '0', 'insert into invoice (id, tenant_id, total) values (50, 1, 1)');
    expect(await handle.executeUpdate('complete')).toMatchObject({
      outcome: 'remembered',
      missing: [
        {
          message: expect.stringContaining('would give 10 next, but the source already has 50') as string,
          place: { keyspace: 'commerce', table: 'invoice_seq' },
          remedy: expect.stringContaining('initializeTargetSequences') as string,
        },
      ],
    });
    await handle.signal('complete', { initializeTargetSequences: true });
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed' });
    expect(await insertTwenty()).toEqual([1, 2, 3, 4, 5, 50, ...from(51)]);
  });

  test('of which the tablet has taken numbers: it forgets them, though its row is ahead', async () => {
    await makeSequence('0, 1, 100');
    const vtgate = await vtgateOf('target');
    onTestFinished(() => vtgate.end());
    await vtgate.query("set workload = 'oltp'");
    await vtgate.query('select next 2 values from commerce.invoice_seq');
    const handle = await migrate();
    await handle.signal('complete');
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed' });
    expect(await insertTwenty()).toEqual([1, 2, 3, 4, 5, ...from(101)]);
  });

  test('that is empty gets a row', async () => {
    await makeSequence();
    expect(await findings()).toEqual([
      'sequence-behind: sequence commerce.invoice_seq has no row: ' +
        'inserts into invoice without a value for id would fail',
    ]);
    const handle = await migrate({ initializeTargetSequences: true, fenceSource: true });
    await handle.signal('complete');
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed', fenced: true });
    expect(await insertTwenty()).toEqual([1, 2, 3, 4, 5, ...from(6)]);
  });
});

describe('a sequence that gives no numbers', () => {
  const why = (name: string, reason: string) =>
    expect.stringMatching(
      new RegExp(
        `^sequence-unusable: column id of table invoice gets its numbers from ${name}, which gives none: ${reason}`,
      ),
    ) as string;

  test('is told apart by its reason, and asked again at Complete', async () => {
    await numberBy('nowhere.invoice_seq');
    expect(await findings()).toEqual([why('nowhere\\.invoice_seq', 'the keyspace does not exist$')]);
    await numberBy('invoice_seq');
    expect(await findings()).toEqual([why('invoice_seq', 'no keyspace has it in its VSchema$')]);
    await numberBy('customer.invoice_seq');
    expect(await findings()).toEqual([why('customer\\.invoice_seq', 'the keyspace is sharded$')]);
    await numberBy('commerce.invoice_seq');
    expect(await findings()).toEqual([why('commerce\\.invoice_seq', 'the table does not exist$')]);

    await sql('target', 'commerce', '0', createSequence);
    expect(await findings()).toEqual([why('commerce\\.invoice_seq', "its comment is not 'vitess_sequence'$")]);
    await sql('target', 'commerce', '0', "alter table invoice_seq comment 'vitess_sequence'");
    await sql('target', 'commerce', '0', 'insert into invoice_seq values (0, 1000, 100)');
    expect(await findings()).toEqual([why('commerce\\.invoice_seq', '.*invoice_seq')]);
    await applyVSchema('commerce', sequenceEntry);
    expect(await findings()).toEqual([why('commerce\\.invoice_seq', '.*invoice_seq')]);
    await reload();
    expect(await findings()).toEqual([]);
    // Found by its bare name as well.
    await numberBy('invoice_seq');
    expect(await findings()).toEqual([]);

    const handle = await migrate();
    const mysql = await mysqlOf('target', 'commerce', '0');
    onTestFinished(() => mysql.end());
    await mysql.query('drop table invoice_seq');
    expect(await handle.executeUpdate('complete')).toMatchObject({
      outcome: 'remembered',
      missing: [{ message: expect.stringContaining('which gives none: the table does not exist') as string }],
    });
    await mysql.query(`${createSequence} comment 'vitess_sequence'`);
    await mysql.query('insert into invoice_seq values (0, 1000, 100)');
    await reload();
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed' });
    expect(await insertTwenty()).toEqual([1, 2, 3, 4, 5, ...from(1000)]);
  });

  test.each([
    ['that is nowhere', ''],
    ['that its tablet has not loaded', `${createSequence} comment 'vitess_sequence'`],
  ])('and that is accepted, one %s, does not hold Complete back', async (_, statement) => {
    await numberBy('commerce.invoice_seq');
    if (statement !== '') await sql('target', 'commerce', '0', statement);
    const accept = ['sequence-unusable'];
    const handle = await migrate({ accept, initializeTargetSequences: true });
    await handle.signal('complete');
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed' });
  });
});
