import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { describeFinding } from '../../src/migration/preflight/finding.js';
import { emptyTarget, lab, sourceMount as mount, sql } from '../support/lab/lab.js';
import { startLabWithReplicas, stopOwnLab } from '../support/lab/own-lab.js';
import { Program, resultOf, until } from '../support/lab/program.js';
import { statusOf } from '../support/status.js';

/** Replicas that are late: the lab of the other tests has none. */
let program: Program;
let replica: Connection;
let alias: string;

beforeAll(async () => {
  await startLabWithReplicas();
  program = await Program.start();
  ({ alias, connection: replica } = await replicaOf('source'));
});

async function replicaOf(cluster: 'source' | 'target'): Promise<{ alias: string; connection: Connection }> {
  const tablet = lab[cluster].tablets.find(({ type }) => type === 'replica');
  if (tablet === undefined) throw new Error(`the ${cluster} has no replica`);
  const connection = await createConnection({
    socketPath: tablet.mysql.socket,
    ...lab.mysqlAccount,
    database: tablet.mysql.database,
    multipleStatements: true,
  });
  return { alias: tablet.alias, connection };
}

const delay = (connection: Connection, seconds: number) =>
  connection.query(`stop replica; change replication source to source_delay = ${seconds}; start replica`);
afterEach(async () => {
  await program.settle();
  await emptyTarget('commerce');
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
  await delay(replica, 600);
  try {
    expect(await found()).toEqual([
      expect.stringMatching(
        new RegExp(`^warning replica-lag: tablet ${alias} \\(REPLICA\\) is kept 600 s behind its primary on purpose`),
      ),
    ]);
  } finally {
    await delay(replica, 0);
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

test('one that lacks what the stream has read from the primary: the stream goes on when it has it', async () => {
  const handle = await program.migrate({
    source: 'ext1.load',
    target: 'commerce.ahead',
    tables: ['customer'],
    tabletTypes: ['PRIMARY'],
    mount,
  });
  await until(handle, ({ phase }) => phase === 'replicating');
  await delay(replica, 15);
  onTestFinished(async () => {
    await delay(replica, 0);
  });
  const write = (id: number) =>
    sql('source', 'load', '0', `insert into customer set id = ${id}, name = 'ahead', email = '${id}', created = now()`);
  const copied = async () =>
    (await sql('target', 'commerce', '0', 'select id from customer where id > 9100000')).map(({ id }) => Number(id));
  await write(9_100_001);
  await expect.poll(copied, { timeout: 60_000 }).toEqual([9_100_001]);
  const line = ['-tablet_types', 'REPLICA', 'Update', 'commerce.ahead'];
  expect(await program.cli('Workflow', ...line)).toMatchObject({ code: 0 });
  const { problems } = await until(handle, (status) => status.problems.length > 0);
  expect(problems).toMatchObject([{ kind: 'source-behind', healer: 'vitess' }]);
  await write(9_100_002);
  // Vitess looks for another tablet first, for two minutes and a half.
  await expect.poll(copied, { timeout: 300_000 }).toEqual([9_100_001, 9_100_002]);
  await handle.signal('complete');
  expect(await resultOf(handle)).toMatchObject({ outcome: 'completed' });
});

describe('kept behind on purpose', () => {
  /** Writes one row each second: what a delayed replica lacks. */
  function writeOn(): void {
    let count = 0;
    const write = () => sql('source', 'load', '0', `update customer set name = 'busy ${++count}' where id = 2`);
    const timer = setInterval(() => void write(), 1_000);
    onTestFinished(() => clearInterval(timer));
  }

  async function behind(cluster: 'source' | 'target'): Promise<void> {
    const { connection } = await replicaOf(cluster);
    await delay(connection, 300);
    onTestFinished(async () => {
      await delay(connection, 0);
      await connection.end();
    });
  }

  const migrate = (workflow: string, input: object = {}) =>
    program.migrate({
      source: 'ext1.load',
      target: `commerce.${workflow}`,
      tables: ['customer'],
      mount,
      accept: ['replica-lag'],
      ...input,
    });

  test('on the source, with streams that read the primary: VDiff does, too', async () => {
    writeOn();
    await behind('source');
    const result = await resultOf(await migrate('primary', { tabletTypes: ['PRIMARY'], complete: 'auto' }));
    expect(result).toMatchObject({ outcome: 'completed', vdiff: { state: 'completed' } });
  });

  test('on the target: VDiff reads the primaries, and says why', async () => {
    writeOn();
    await behind('target');
    const handle = await migrate('target');
    const { vdiff } = await until(handle, (status) => status.phase === 'replicating' && status.vdiff !== null);
    expect(vdiff).toMatchObject({
      state: 'completed',
      readsPrimaries: expect.stringMatching(/^tablet zone1-\d+ \(REPLICA\) is kept 300 s behind its primary/) as string,
    });
    await handle.signal('complete');
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed' });
  });

  test('on the source, with streams that read it: Complete says which it is, and the remedy helps', async () => {
    writeOn();
    await behind('source');
    const handle = await migrate('replica', { catchUpTimeout: '3s' });
    await until(handle, ({ phase }) => phase === 'replicating');
    await handle.signal('complete');
    const { missing } = await until(handle, (status) => status.missing.length > 0);
    expect(missing).toEqual([
      expect.objectContaining({
        code: 'NOT_CAUGHT_UP',
        message: expect.stringContaining(`tablet ${alias} (REPLICA) is kept 300 s behind its primary`) as string,
        remedy: expect.stringContaining('vtmigrate Workflow Update -tablet_types PRIMARY commerce.replica') as string,
      }),
    ]);
    const update = await program.cli('Workflow', 'Update', '-tablet_types', 'PRIMARY', 'commerce.replica');
    expect(update).toMatchObject({ code: 0 });
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed' });
  });
});
