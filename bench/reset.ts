import type { RowDataPacket } from 'mysql2/promise';
import { customerVSchema } from '../lab/data.js';
import type { Lab } from '../lab/lab.js';

/** Makes a target keyspace as it was before a run, the peer's left-over denied tables included. */
export async function emptyTarget(lab: Lab, keyspace: string, sharded: object = customerVSchema): Promise<void> {
  const shards = lab.target.spec.keyspaces.find((each) => each.name === keyspace)?.shards ?? [];
  for (const shard of shards) {
    const connection = await lab.target.mysql(keyspace, shard);
    const [tables] = await connection.query<RowDataPacket[]>(
      'select table_name as name from information_schema.tables where table_schema = database()',
    );
    const names = tables.map((row) => String(row['name']));
    if (names.length > 0) await connection.query(`drop table ${names.map((name) => `\`${name}\``).join(', ')}`);
    await connection.end();
    if (names.length > 0)
      await lab.target.vtctldclient(
        'SetShardTabletControl',
        '--denied-tables',
        names.join(','),
        '--remove',
        `${keyspace}/${shard}`,
        'primary',
      );
    await lab.target.vtctldclient('RefreshStateByShard', `${keyspace}/${shard}`);
    await lab.target.vtctldclient('ReloadSchemaShard', '--include-primary', `${keyspace}/${shard}`);
  }
  await lab.target.vtctldclient(
    'ApplyVSchema',
    '--vschema',
    JSON.stringify(keyspace === 'customer' ? sharded : { tables: {} }),
    keyspace,
  );
}
