import type { SqlClient } from '../../../src/vitess/vtgate/sql-client.js';
import type { FakeCluster } from './cluster.js';
import { unquote } from './sql.js';

/** A vtgate that answers the statements the program sends, and gives tests a table's rows on the same terms. */
export class FakeVtgate {
  constructor(private readonly cluster: FakeCluster) {}

  /** @param target as in `openSqlClient` */
  client(target = ''): SqlClient {
    return { query: ({ sql }) => Promise.resolve().then(() => this.answer(sql, target)), end: () => Promise.resolve() };
  }

  private answer(sql: string, target: string): unknown {
    if (sql === 'select 1') return [[{ '1': '1' }]];
    const read = /^select \/\*vt\+ ALLOW_SCATTER \*\/ 1 from (`.+`|[^`.]+)\.(`.+`|[^`.]+) limit 1$/.exec(sql);
    if (read !== null) {
      const [, keyspace = '', table = ''] = read.map(unquote);
      return [[...this.rows(keyspace, table)].slice(0, 1).map(() => ({ '1': 1 }))];
    }
    const write = /^delete from (`.+`|[^`]+) where 1 = 0$/.exec(sql);
    const [, keyspace = '', shard] = /^(.+):(.+)@primary$/.exec(target) ?? [];
    if (write === null) throw new Error(`the fake vtgate does not know the statement ${sql}`);
    this.tableOn(keyspace, unquote(write[1] ?? ''), shard);
    return [{ affectedRows: 0 }];
  }

  /** Every row of a table by its key. @throws Error as an application gets it */
  rows(keyspace: string, table: string): Map<string, string> {
    const serving = this.cluster.servingVSchema().keyspaces[keyspace];
    if (serving === undefined) throw new Error(`VT05003: unknown database '${keyspace}' in vschema`);
    if (serving.tables[table] === undefined && serving.sharded)
      throw new Error(`VT05004: table '${table}' does not exist`);
    return new Map(this.tableOn(keyspace, table).flatMap(({ rows }) => [...rows]));
  }

  /** The table on a shard, or on each. @throws Error as an application gets it */
  private tableOn(keyspace: string, table: string, only?: string): { rows: Map<string, string> }[] {
    const shards = this.cluster.shardsOf(keyspace).filter(({ shard }) => only === undefined || shard === only);
    if (shards.length === 0) throw new Error(`no healthy tablet available for 'keyspace:"${keyspace}"'`);
    return shards.map(({ shard, tablet }) => {
      if (tablet.denied.includes(table))
        throw new Error(
          `target: ${keyspace}.${shard}.primary: vttablet: rpc error: code = FailedPrecondition ` +
            'desc = disallowed due to rule: enforce denied tables',
        );
      return tablet.mysql.table(table);
    });
  }
}
