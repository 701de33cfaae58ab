import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise';
import { inject } from 'vitest';
import { customerVSchema } from '../../../lab/data.js';
import type { LabData } from '../../../lab/describe.js';
import { tryLock } from '../../../lab/lock.js';

/**
 * The lab of this process: files run side by side, two at a time, in processes with a lab of their own. The lock ends
 * with the process.
 */
async function takeLab(labs: readonly LabData[]): Promise<LabData> {
  for (;;) {
    for (const each of labs) if ((await tryLock(`tests on ${each.temporal.address}`)) !== undefined) return each;
    await sleep(200);
  }
}

// eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- a project without lab-setup.ts provides none
const labs = inject('labs') ?? [];

/**
 * The servers the tests run against, as `lab-setup.ts` started them, or as `own-lab.ts` has where
 * a test file has servers of its own to harm.
 */
export const lab = labs.length === 0 ? ({} as LabData) : await takeLab(labs);

/** How the source is mounted: the `mount` of a migration's input. */
export const sourceMount = {
  topoType: 'etcd2',
  get topoServer(): string {
    return lab.source.topoServer;
  },
  get topoRoot(): string {
    return lab.source.topoRoot;
  },
};

export interface Answer {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end. */
export function run(program: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<Answer> {
  return new Promise((resolve) => {
    execFile(
      program,
      args,
      { env: { ...process.env, ...lab.environment, ...env }, maxBuffer: 1 << 28 },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 127, stdout, stderr });
      },
    );
  });
}

/** Vitess's own client against one of the two clusters. */
export function vtctldclient(cluster: 'source' | 'target', ...args: string[]): Promise<Answer> {
  const { topoServer, topoRoot } = lab[cluster];
  return run(lab.programs.vtctldclient, [
    '--server',
    'internal',
    '--topo-implementation',
    'etcd2',
    '--topo-global-server-address',
    topoServer,
    '--topo-global-root',
    topoRoot,
    ...args,
  ]);
}

/** The MySQL of a shard's primary, past Vitess. */
export function mysqlOf(cluster: 'source' | 'target', keyspace: string, shard: string): Promise<Connection> {
  const tablet = lab[cluster].tablets.find(
    (each) => each.keyspace === keyspace && each.shard === shard && each.type === 'primary',
  );
  if (tablet === undefined) throw new Error(`the lab has no ${keyspace}/${shard}`);
  return createConnection({
    socketPath: tablet.mysql.socket,
    ...lab.mysqlAccount,
    database: tablet.mysql.database,
    multipleStatements: true,
  });
}

/** A vtgate as an application uses it, without its limit on rows. */
export async function vtgateOf(cluster: 'source' | 'target'): Promise<Connection> {
  const address = lab[cluster].vtgate;
  if (address === undefined) throw new Error(`the lab has no vtgate for ${cluster}`);
  const connection = await createConnection({ host: address.host, port: address.port, user: 'test' });
  await connection.query("set workload = 'olap'");
  return connection;
}

/** Runs statements on a shard's MySQL and gives the rows of the last one. */
export async function sql(
  cluster: 'source' | 'target',
  keyspace: string,
  shard: string,
  statement: string,
): Promise<RowDataPacket[]> {
  const connection = await mysqlOf(cluster, keyspace, shard);
  try {
    const [rows] = await connection.query<RowDataPacket[]>(statement);
    return rows;
  } finally {
    await connection.end();
  }
}

/** Takes down a fence that a migration has left around tables of the source. */
export async function allowOnSource(tables: readonly string[]): Promise<void> {
  await vtctldclient(
    'source',
    'SetShardTabletControl',
    '--remove',
    `--denied-tables=${tables.join(',')}`,
    'load/0',
    'primary',
  );
  await vtctldclient('source', 'RefreshStateByShard', 'load/0');
}

/** Names of the tables in a shard's database. */
export async function tablesOf(cluster: 'source' | 'target', keyspace: string, shard: string): Promise<string[]> {
  const rows = await sql(
    cluster,
    keyspace,
    shard,
    'select table_name as name from information_schema.tables where table_schema = database() order by 1',
  );
  return rows.map((row) => String(row['name']));
}

export const targets = {
  commerce: { shards: ['0'], vschema: { tables: {} } },
  customer: { shards: ['-80', '80-'], vschema: customerVSchema },
} as const;
export type TargetKeyspace = keyof typeof targets;

/** Empties a target keyspace: drops its tables and gives it the VSchema it began with. */
export async function emptyTarget(keyspace: TargetKeyspace): Promise<void> {
  for (const shard of targets[keyspace].shards) {
    for (const table of await tablesOf('target', keyspace, shard)) {
      await sql('target', keyspace, shard, `set foreign_key_checks = 0; drop table \`${table.replaceAll('`', '``')}\``);
    }
  }
  const applied = await vtctldclient(
    'target',
    'ApplyVSchema',
    '--vschema',
    JSON.stringify(targets[keyspace].vschema),
    keyspace,
  );
  if (applied.code !== 0) throw new Error(applied.stderr);
}
