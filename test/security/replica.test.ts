import { createConnection, type Connection } from 'mysql2/promise';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeFinding } from '../../src/migration/preflight/finding.js';
import { lab, sourceMount as mount, sql } from '../support/lab/lab.js';
import { startLabWithReplica, stopOwnLab } from '../support/lab/own-lab.js';
import { Program, resultOf } from '../support/lab/program.js';

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
