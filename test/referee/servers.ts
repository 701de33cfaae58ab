import { setTimeout as sleep } from 'node:timers/promises';
import {
  emptyTarget,
  lab,
  mysqlOf,
  sql,
  tablesOf,
  targets,
  vtctldclient,
  type TargetKeyspace,
} from '../support/lab/lab.js';
import type { Account } from './account.js';
import type { Ddl } from './ddl.js';
import type { Done } from './run.js';
import { Random } from './random.js';
import type { Scenario } from './scenario.js';
import { id, type Table } from './tables.js';
import { firstRows } from './writes.js';

const reload = () => vtctldclient('source', 'ReloadSchemaShard', '--include-primary', 'load/0');

/** Makes the tables in the source, with their first rows, and what the target needs to know of them. */
export async function makeTables({ seed, tables, rows, keyspace }: Scenario, account: Account): Promise<void> {
  const connection = await mysqlOf('source', 'load', '0');
  try {
    await connection.query("set sql_mode = ''");
    for (const table of tables) {
      // A run that was killed has left it.
      await connection.query(`drop table if exists ${id(table.name)}`);
      await connection.query(`create table ${id(table.name)} ${table.definition}`);
      for (const statement of firstRows(new Random(`rows ${seed} of ${table.name}`), table, rows))
        await connection
          .query(statement)
          .catch((error: unknown) => account.note('first rows', statement, String(error)));
    }
  } finally {
    await connection.end();
  }
  await reload();
  if (keyspace === 'customer') await applyVSchema(tables);
}

async function applyVSchema(tables: readonly Table[]): Promise<void> {
  const own = tables.map(({ name, vindex }) => [
    name,
    { column_vindexes: [{ column: vindex?.column, name: vindex?.name }] },
  ]);
  const vschema = { ...targets.customer.vschema, tables: Object.fromEntries(own) as object };
  const { code, stderr } = await vtctldclient(
    'target',
    'ApplyVSchema',
    '--vschema',
    JSON.stringify(vschema),
    'customer',
  );
  if (code !== 0) throw new Error(stderr);
}

/** Carries out DDL in the source as its owner does: statement after statement, then the tablets look again. */
export async function perform(ddl: Ddl, account: Account, done: Done[]): Promise<void> {
  const connection = await mysqlOf('source', 'load', '0');
  try {
    await connection.query("set sql_mode = '', lock_wait_timeout = 10");
    for (const statement of ddl.statements) await account.doing('DDL', statement, () => connection.query(statement));
  } catch {
    // The account has it; what has been done of it counts all the same.
  } finally {
    done.push({ kind: ddl.kind, table: ddl.table, phase: account.phase, endedAt: account.milliseconds });
    await connection.end();
  }
  await reload();
}

/** Stops the primary of the target's first shard for a while. */
export async function freezeTarget(keyspace: TargetKeyspace, ms: number): Promise<void> {
  const pid = lab.target.tablets.find((tablet) => tablet.keyspace === keyspace)?.pid;
  if (pid === undefined) return;
  process.kill(pid, 'SIGSTOP');
  await sleep(ms);
  process.kill(pid, 'SIGCONT');
}

/** Removes all that a run has made, on both sides, and its fence. */
export async function removeEverything({ tables, ddl, keyspace }: Scenario): Promise<void> {
  const names = new Set([...tables.map(({ name }) => name), ...ddl.flatMap((event) => event.ddl.leaves)]);
  for (const name of names) await sql('source', 'load', '0', `drop table if exists ${id(name)}`);
  await vtctldclient(
    'source',
    'SetShardTabletControl',
    '--remove',
    `--denied-tables=${tables.map(({ name }) => name).join(',')}`,
    'load/0',
    'primary',
  );
  await vtctldclient('source', 'RefreshStateByShard', 'load/0');
  await reload();
  await emptyTarget(keyspace);
}

/** Tables of all shards of a target keyspace. */
export async function targetTables(keyspace: TargetKeyspace): Promise<string[]> {
  return (await Promise.all(targets[keyspace].shards.map((shard) => tablesOf('target', keyspace, shard)))).flat();
}
