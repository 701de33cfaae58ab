import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { createConnection } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { startWorker, type RunningWorker } from '../../lab/worker.js';
import type { MigrateResult } from '../../src/migration/lifecycle/result.js';
import { rightConfig } from '../support/secure/secure-config.js';
import { startSecureLab, type SecureLab } from '../support/secure/secure-lab.js';
import { grantedOptions } from '../support/secure/least-privileges.js';
import { statusOf } from '../support/status.js';

/** Options that change more, each with what docs/security.md grants for it and no more. */
let lab: SecureLab;
let client: Client;
const workers: RunningWorker[] = [];

beforeAll(async () => {
  lab = await startSecureLab(300, grantedOptions);
  client = new Client({ connection: await Connection.connect({ address: lab.temporal.address }) });
});
afterEach(async () => {
  for (const worker of workers.splice(0)) await worker.kill();
});
afterAll(async () => {
  await client.connection.close();
  await lab.stop();
});

async function sql(cluster: 'source' | 'target', keyspace: string, statement: string) {
  const connection = await lab[cluster].mysql(keyspace, '0');
  try {
    const [rows] = await connection.query(statement);
    return rows as Record<string, unknown>[];
  } finally {
    await connection.end();
  }
}

/** A worker that is this user of the source's etcd. */
async function workAs(user: string): Promise<void> {
  const config = rightConfig(lab);
  config.clusters.ext1.etcd.user = user;
  const file = join(lab.folder, `${user}.json`);
  writeFileSync(file, JSON.stringify(config));
  const { target, worker } = lab.certificates;
  workers.push(
    await startWorker({
      TEMPORAL_ADDRESS: lab.byCertificate.address,
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: target.ca,
      TEMPORAL_TLS_CLIENT_CERT_PATH: worker.target.cert,
      TEMPORAL_TLS_CLIENT_KEY_PATH: worker.target.key,
      VTMIGRATE_CONFIG: file,
      VTMIGRATE_TASK_QUEUE: user,
    }),
  );
}

function migrate(taskQueue: string, input: object): Promise<WorkflowHandle> {
  const workflowId = `commerce.as_${taskQueue}`;
  const mount = { topoType: 'etcd2', topoServer: lab.source.topoServer, topoRoot: lab.source.topoRoot };
  return client.workflow.start('migrate', {
    taskQueue,
    workflowId,
    args: [{ source: 'ext1.load', target: workflowId, mount, ...input }],
  });
}

const resultOf = async (handle: WorkflowHandle) => (await handle.result()) as MigrateResult;
const tablesOf = async (cluster: 'source' | 'target', keyspace: string) =>
  (await sql(cluster, keyspace, 'show tables')).flatMap((row) => Object.values(row).map(String));

test('fenceSource', async () => {
  await workAs('fencing');
  const handle = await migrate('fencing', { tables: ['customer'], complete: 'auto', fenceSource: true });
  expect(await resultOf(handle)).toMatchObject({ outcome: 'completed', fenced: true, warnings: [] });
});

test('sourceTables drop', async () => {
  await workAs('retiring');
  const handle = await migrate('retiring', { tables: ['product'], complete: 'auto', sourceTables: 'drop' });
  expect(await resultOf(handle)).toMatchObject({ outcome: 'completed', sourceTables: { done: 'drop', kept: null } });
  expect(await tablesOf('source', 'load')).not.toContain('product');
});

test('fenceSource with sourceTables rename', async () => {
  await workAs('both');
  const input = { tables: ['order line'], complete: 'auto', fenceSource: true, sourceTables: 'rename' };
  const result = await resultOf(await migrate('both', input));
  expect(result).toMatchObject({ outcome: 'completed', sourceTables: { done: 'rename', kept: null } });
  expect(await tablesOf('source', 'load')).toContain('_order line_old');
});

test('repairFloats, and a table that leaves', async () => {
  await sql('source', 'load', 'create table measured (id int primary key, f float)');
  await sql('source', 'load', 'insert into measured values (1, 16777215), (2, 0.1)');
  await workAs('reader');
  const handle = await migrate('reader', { tables: ['measured', 'corder'], repairFloats: ['measured'] });
  await handle.executeUpdate('leave', { args: [{ tables: ['corder'] }] });
  await handle.signal('complete');
  expect(await resultOf(handle)).toMatchObject({ outcome: 'completed', repair: { tables: { names: ['measured'] } } });
  expect(await sql('target', 'commerce', 'select id, f + 0e0 as f from measured order by id')).toEqual(
    await sql('source', 'load', 'select id, f + 0e0 as f from measured order by id'),
  );
});

test('initializeTargetSequences', async () => {
  await sql('target', 'commerce', 'create table seq (id int primary key, next_id bigint, cache bigint)');
  const [tablet] = lab.target.tablets;
  if (tablet === undefined) throw new Error('the target has no tablet');
  const { socket: socketPath, database } = tablet.mysql;
  const dba = await createConnection({ user: 'vt_dba', password: 'mysql-dba', socketPath, database });
  onTestFinished(() => dba.end());
  await dba.query('insert ignore into seq (id, next_id, cache) values (0, 7, 1000)');
  await dba.query('update seq set next_id = 8 where id = 0 and next_id < 8');
  await expect(dba.query('delete from seq')).rejects.toThrow(/DELETE command denied/);
});

test('without the grants, a fence is refused in words, and the migration can be cancelled', async () => {
  await workAs('reader');
  const handle = await migrate('reader', { tables: ['audit-log'], complete: 'auto', fenceSource: true });
  await expect
    .poll(async () => (await statusOf(handle)).missing, { timeout: 120_000 })
    .toEqual([
      expect.objectContaining({
        code: 'ACCESS_REFUSED',
        place: expect.objectContaining({ cluster: 'ext1' }) as object,
      }),
    ]);
  await handle.signal('cancel');
  expect(await resultOf(handle)).toMatchObject({ outcome: 'cancelled' });
});

test('without the grants, the tables of the source wait for them, or stay by keepSource', async () => {
  await workAs('reader');
  const handle = await migrate('reader', { tables: ['empty_one'], complete: 'auto', sourceTables: 'drop' });
  await expect.poll(async () => (await statusOf(handle)).lastError?.code, { timeout: 120_000 }).toBe('ACCESS_REFUSED');
  expect(await statusOf(handle)).toMatchObject({ phase: 'retiring' });
  await handle.signal('keepSource');
  await handle.signal('retry');
  expect(await resultOf(handle)).toMatchObject({ outcome: 'completed', sourceTables: { done: 'keep' } });
  expect(await tablesOf('source', 'load')).toContain('empty_one');
});
