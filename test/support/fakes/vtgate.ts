import type { SqlPool } from '../../../src/vitess/vtgate/vtgate.js';
import type { FakeCluster } from './cluster.js';
import { unquote } from './sql.js';

/** A vtgate that answers the statements the program sends, and gives tests a table's rows on the same terms. */
export class FakeVtgate implements SqlPool {
  constructor(private readonly cluster: FakeCluster) {}

  async query({ sql }: { sql: string }): Promise<unknown> {
    await Promise.resolve();
    if (sql === 'select 1') return [[{ '1': '1' }]];
    const match = /^select \* from (`.+`|[^`.]+)\.(`.+`|[^`.]+) limit 1$/.exec(sql);
    if (match === null) throw new Error(`the fake vtgate does not know the statement ${sql}`);
    const [, keyspace = '', table = ''] = match.map(unquote);
    return [[...this.rows(keyspace, table)].slice(0, 1)];
  }

  end(): Promise<void> {
    return Promise.resolve();
  }

  /** Every row of a table by its key. @throws Error as an application gets it */
  rows(keyspace: string, table: string): Map<string, string> {
    const serving = this.cluster.servingVSchema().keyspaces[keyspace];
    if (serving === undefined) throw new Error(`VT05003: unknown database '${keyspace}' in vschema`);
    if (serving.tables[table] === undefined && serving.sharded)
      throw new Error(`VT05004: table '${table}' does not exist`);
    const shards = this.cluster.shardsOf(keyspace);
    const perShard = shards.map(({ shard, tablet }) => {
      if (tablet.denied.includes(table))
        throw new Error(
          `target: ${keyspace}.${shard}.primary: vttablet: rpc error: code = FailedPrecondition ` +
            'desc = disallowed due to rule: enforce denied tables',
        );
      return [...tablet.mysql.table(table).rows];
    });
    return new Map(perShard.flat());
  }
}
