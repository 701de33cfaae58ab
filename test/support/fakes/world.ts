import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import type { Config } from '../../../src/config/config.js';
import type { HookEvent } from '../../../src/migration/proof/fence-hook.js';
import { ExternalVitessClusterSchema } from '../../../src/vitess/wire/topodata_pb.js';
import { KeyspaceSchema } from '../../../src/vitess/wire/vschema_pb.js';
import type { Connectors } from '../../../src/worker.js';
import { FakeCluster, topoRoot } from './cluster.js';
import type { FakeEtcd } from './etcd.js';
import type { FakeMysql } from './mysql.js';
import { hurried, type Pace } from './pace.js';
import { FakeVtgate } from './vtgate.js';
import type { FindSource } from './vreplication.js';

const sourceServer = 'source:2379';
const targetServer = 'target:2379';

/** How the source of a world is mounted: the `mount` of a migration's input. */
export const fakeMount = { topoType: 'etcd2', topoServer: sourceServer, topoRoot };

/** The one command that the worker of a world may call. */
export const fakeHook = 'switch-router';

/** The configuration of a worker on the target of a world. */
export const fakeConfig: Config = {
  topoServer: targetServer,
  topoRoot,
  vtgate: { host: 'vtgate', port: 3306 },
  vtgateUser: undefined,
  vtgatePassword: undefined,
  taskQueue: 'unused',
};

/** The tables of the source, with the number of their rows. */
const sample = { customer: 7, 'order line': 5, empty_one: 0 };
export const sampleTables = Object.keys(sample).sort();

/**
 * Two clusters as those of the lab: a source with keyspace `load`, a target with `commerce` (unsharded) and
 * `customer` (two shards, or those that are asked for).
 */
export class World {
  readonly source: FakeCluster;
  readonly target: FakeCluster;
  readonly vtgate: FakeVtgate;
  /** What the hook has been told. */
  readonly hookCalls: HookEvent[] = [];
  /** Every row that an application has written to the source and been told so, by table and key. */
  readonly acknowledged = new Map<string, Map<string, string>>();

  /** @param shards of the target keyspace `customer` */
  constructor(pace: Pace = hurried, shards = ['-80', '80-']) {
    this.source = new FakeCluster(
      sourceServer,
      'ext',
      [{ name: 'load', shards: ['0'], vschema: create(KeyspaceSchema) }],
      100,
      () => {
        throw new Error('nothing is copied to the source');
      },
      pace,
    );
    const byKey = { columnVindexes: [{ column: 'id', name: 'xxhash' }] };
    const customer = create(KeyspaceSchema, {
      sharded: true,
      vindexes: { xxhash: { type: 'xxhash' } },
      tables: Object.fromEntries(sampleTables.map((table) => [table, byKey])),
    });
    const findSource: FindSource = ({ externalCluster, keyspace, shard }) =>
      this.mountedMysql(externalCluster, keyspace, shard);
    this.target = new FakeCluster(
      targetServer,
      'zone1',
      [
        { name: 'commerce', shards: ['0'], vschema: create(KeyspaceSchema) },
        { name: 'customer', shards, vschema: customer },
      ],
      200,
      findSource,
      pace,
    );
    this.vtgate = new FakeVtgate(this.target);
    for (const [table, rows] of Object.entries(sample)) this.fill(table, rows);
  }

  /** The connectors of a program that works in this world. */
  connectors(): Connectors {
    return {
      openKv: (server, cluster) => this.etcdAt(server).open(server, cluster),
      openTablets: () => ({ client: (_host, port) => this.tabletAt(port).client() }),
      openSqlClient: (_options, target) => this.vtgate.client(target),
      openHooks: () => ({
        refusal: (hook) => (hook === fakeHook ? null : `the worker has no ${hook}`),
        call: (_hook, event) => {
          this.hookCalls.push(event);
          return Promise.resolve();
        },
      }),
    };
  }

  get sourceMysql(): FakeMysql {
    return this.mysqlOf(this.source, 'load', '0');
  }

  mysqlOf(cluster: FakeCluster, keyspace: string, shard: string): FakeMysql {
    const found = cluster.shardsOf(keyspace).find((each) => each.shard === shard);
    if (found === undefined) throw new Error(`there is no shard ${keyspace}/${shard}`);
    return found.tablet.mysql;
  }

  /** Writes a row as an application of the source does. False when it is refused. */
  write(table: string, key: string, value: string): boolean {
    const [shard] = this.source.shardsOf('load');
    if (shard === undefined || shard.tablet.denied.includes(table) || !shard.tablet.mysql.tables.has(table))
      return false;
    shard.tablet.mysql.write(table, key, value);
    this.acknowledged.get(table)?.set(key, value);
    return true;
  }

  /** Inserts and changes rows of the source, one each so many milliseconds, until the answer is called. */
  startWriters(everyMs: number): () => void {
    let count = 0;
    const timer = setInterval(() => {
      const table = sampleTables[++count % sampleTables.length] ?? '';
      this.write(table, String(100 + (count % 40)), `written ${count}`);
    }, everyMs);
    return () => clearInterval(timer);
  }

  /** Mounts the source beforehand, so that nothing at all may be left. */
  mount(): void {
    const { topoType, topoServer: server, topoRoot: root } = fakeMount;
    const record = create(ExternalVitessClusterSchema, { topoConfig: { topoType, server, root } });
    this.target.etcd.write(`${topoRoot}/ExternalClusters/vitess/ext1`, toBinary(ExternalVitessClusterSchema, record));
  }

  /** Everything a migration might leave behind in the target, and in the source, as plain data to compare. */
  snapshot(): Record<string, string> {
    const all: Record<string, string> = {};
    for (const [name, cluster] of Object.entries({ source: this.source, target: this.target })) {
      for (const etcd of [cluster.etcd, ...cluster.cellServers.values()])
        for (const [key, { value }] of etcd.below('/')) all[`${name} ${key}`] = Buffer.from(value).toString('hex');
      for (const { keyspace, shard, tablet } of cluster.shards) {
        const place = `${name} ${keyspace}/${shard}`;
        all[`${place} tables`] = [...tablet.mysql.tables]
          .map(([table, { rows }]) => `${table}: ${rows.size} rows`)
          .sort()
          .join(', ');
        all[`${place} streams`] = tablet.vreplication.streams.map((of) => `${of.workflow} ${of.state}`).join(', ');
        all[`${place} VDiffs`] = tablet.vdiff.vdiffs.map(({ workflow }) => workflow).join(', ');
        all[`${place} denied tables`] = tablet.denied.join(', ');
      }
    }
    return all;
  }

  /** Adds a table to the source. */
  fill(table: string, rows: number): void {
    this.sourceMysql.createTable(`CREATE TABLE \`${table}\` (\n  \`id\` bigint NOT NULL,\n  PRIMARY KEY (\`id\`)\n)`);
    this.acknowledged.set(table, new Map());
    for (let id = 1; id <= rows; id++) this.write(table, String(id), `${table} ${id}`);
  }

  private etcdAt(server: string): FakeEtcd {
    return this.source.cellServers.get(server) ?? this.target.cellServers.get(server) ?? this.clusterAt(server).etcd;
  }

  private clusterAt(server: string): FakeCluster {
    const found = [this.source, this.target].find((cluster) => cluster.server === server);
    if (found === undefined) throw new Error(`there is no cluster at ${server}`);
    return found;
  }

  private tabletAt(port: number) {
    const { source, target } = this;
    const all = [...source.shards, ...target.shards, ...source.replicas, ...target.replicas];
    const found = all.find((each) => each.port === port);
    if (found === undefined) throw new Error(`there is no tablet at port ${port}`);
    return found.tablet;
  }

  /** As a target tablet finds the source: through the mount record. */
  private mountedMysql(mount: string, keyspace: string, shard: string): FakeMysql {
    const record = this.target.etcd.read(`${topoRoot}/ExternalClusters/vitess/${mount}`);
    if (record === undefined) throw new ConnectError(`there is no vitess cluster named ${mount}`, Code.Unknown);
    const server = fromBinary(ExternalVitessClusterSchema, record.value).topoConfig?.server ?? '';
    return this.mysqlOf(this.clusterAt(server), keyspace, shard);
  }
}
