import type { Cluster } from '../lab/cluster.js';

/** Rows that one statement makes. */
const batch = 50_000;

/** How many tables, and how many rows all of them have together. */
export interface Shape {
  tables: number;
  rows: number;
}

export function tableNames({ tables }: Shape): string[] {
  return Array.from({ length: tables }, (_, n) => `t${String(n + 1).padStart(4, '0')}`);
}

/** The VSchema of these tables in a sharded keyspace. */
export function shardedVSchema(shape: Shape): object {
  const byId = { column_vindexes: [{ column: 'id', name: 'xxhash' }] };
  return {
    sharded: true,
    vindexes: { xxhash: { type: 'xxhash' } },
    tables: Object.fromEntries(tableNames(shape).map((name) => [name, byId])),
  };
}

/** Makes tables of the same size in the source, with a secondary key and rows of about 100 bytes. */
export async function loadShape(source: Cluster, shape: Shape): Promise<void> {
  const connection = await source.mysql('load', '0');
  await connection.query(`set session cte_max_recursion_depth = ${batch}`);
  const each = Math.round(shape.rows / shape.tables);
  for (const name of tableNames(shape)) {
    await connection.query(
      `create table ${name}
         (id bigint not null primary key, owner bigint not null, note varchar(80) not null, key owner (owner))`,
    );
    for (let first = 1; first <= each; first += batch)
      await connection.query(
        `insert into ${name} with recursive numbers (n) as
           (select ${first} union all select n + 1 from numbers where n < ${Math.min(first + batch - 1, each)})
         select n, n % 1000, concat('row ', n, repeat('.', 60)) from numbers`,
      );
    await connection.query(`analyze no_write_to_binlog table ${name}`);
  }
  await connection.end();
  const reload = await source.vtctldclient('ReloadSchemaShard', '--include-primary', 'load/0');
  if (reload.code !== 0) throw new Error(reload.stderr);
}
