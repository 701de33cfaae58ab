import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeFinding } from '../../src/migration/preflight/finding.js';
import { lab, sourceMount as mount, sql } from '../support/lab/lab.js';
import { startLabWithReplica, stopOwnLab } from '../support/lab/own-lab.js';
import { Program, resultOf, until } from '../support/lab/program.js';
import { statusOf } from '../support/status.js';

/** A replica of the source that is late: the lab of the other tests has none. */
let program: Program;
let replica: Connection;
let alias: string;

beforeAll(async () => {
  await startLabWithReplica();
  program = await Program.start();
  const tablet = lab.source.tablets.find(({ type }) => type === 'replica');
  if (tablet === undefined) throw new Error('the source has no replica');
  alias = tablet.alias;
  replica = await createConnection({
    socketPath: tablet.mysql.socket,
    ...lab.mysqlAccount,
    database: tablet.mysql.database,
    multipleStatements: true,
  });
});
afterAll(async () => {
  await replica.end();
  await program.stop();
  await stopOwnLab();
});

/** What a dry run finds of replicas. */
async function found(): Promise<string[]> {
  const input = { source: 'ext1.load', target: 'commerce.late', tables: ['customer'], mount, dryRun: true };
  const result = await resultOf(await program.migrate(input));
  if (result.outcome !== 'planned') throw new Error(result.outcome);
  return result.findings.filter(({ check }) => check === 'replica-lag').map(describeFinding);
}

test('one that keeps up is not late, and the primary is no replica', async () => {
  await expect.poll(found, { timeout: 60_000 }).toEqual([]);
});

test('one that is late on purpose', async () => {
  const delay = (seconds: number) =>
    replica.query(`stop replica; change replication source to source_delay = ${seconds}; start replica`);
  await delay(600);
  try {
    expect(await found()).toEqual([
      expect.stringMatching(
        new RegExp(`^warning replica-lag: tablet ${alias} \\(REPLICA\\) is kept 600 s behind its primary on purpose`),
      ),
    ]);
  } finally {
    await delay(0);
  }
});

test('one that does not replicate', async () => {
  await replica.query('stop replica');
  try {
    expect(await found()).toEqual([expect.stringMatching(/\(REPLICA\) does not replicate/)]);
  } finally {
    await replica.query('start replica');
  }
});

test('one that has long to go', async () => {
  await replica.query('flush tables with read lock');
  try {
    // The event is as old as a busy source would have made it.
    await sql('source', 'load', '0', 'set timestamp = unix_timestamp() - 900; delete from customer where id = 1');
    await expect
      .poll(found, { timeout: 60_000 })
      .toEqual([expect.stringMatching(/\(REPLICA\) is 9\d\d s behind its primary/)]);
  } finally {
    await replica.query('unlock tables');
  }
  await expect.poll(found, { timeout: 60_000 }).toEqual([]);
});

test('binary logs that are purged on it alone: the stream goes on from the primary', async () => {
  const handle = await program.migrate({ source: 'ext1.load', target: 'commerce.purged', tables: ['customer'], mount });
  await until(handle, ({ phase }) => phase === 'replicating');
  expect(await program.cli('Workflow', 'Stop', 'commerce.purged')).toMatchObject({ code: 0 });
  const insert = (id: number) =>
    sql('source', 'load', '0', `insert into customer set id = ${id}, name = 'late', email = '${id}', created = now()`);
  await insert(9_000_001);
  const arrived = async (id: number) => {
    const [rows] = await replica.query<RowDataPacket[]>(`select id from customer where id = ${id}`);
    return rows.length;
  };
  await expect.poll(() => arrived(9_000_001), { timeout: 60_000 }).toBe(1);
  await replica.query('flush binary logs');
  await insert(9_000_002);
  await expect.poll(() => arrived(9_000_002), { timeout: 60_000 }).toBe(1);
  await replica.query('flush binary logs');
  const [[log]] = await replica.query<RowDataPacket[]>('show binary log status');
  await replica.query(`purge binary logs to '${String(log?.['File'])}'`);

  expect(await program.cli('Workflow', 'Start', 'commerce.purged')).toMatchObject({ code: 0 });
  const copied = async () =>
    (await sql('target', 'commerce', '0', 'select id from customer where id > 9000000 order by id')).map((row) =>
      Number(row['id']),
    );
  await expect.poll(copied, { timeout: 120_000 }).toEqual([9_000_001, 9_000_002]);
  expect((await statusOf(handle)).phase).toBe('replicating');
  await handle.signal('complete');
  expect(await resultOf(handle)).toMatchObject({ outcome: 'completed' });
});
