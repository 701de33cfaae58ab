import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  CellInfoSchema,
  ShardSchema,
  TabletSchema,
  TabletType,
  type Shard,
} from '../../../src/vitess/wire/topodata_pb.js';
import {
  KeyspaceSchema,
  SrvVSchemaSchema,
  type Keyspace,
  type SrvVSchema,
} from '../../../src/vitess/wire/vschema_pb.js';
import { FakeEtcd } from './etcd.js';
import { FakeMysql } from './mysql.js';
import { hurried, type Pace } from './pace.js';
import { FakeTablet } from './tablet.js';
import type { FindSource } from './vreplication.js';

export const topoRoot = '/vitess/global';

export interface KeyspaceSpec {
  name: string;
  shards: string[];
  vschema: Keyspace;
}

export interface FakeShard {
  keyspace: string;
  shard: string;
  tablet: FakeTablet;
  /** Stands for the port of its tablet manager. */
  port: number;
}

/** A Vitess cluster with one cell and a primary for each shard: its topology, tablets and serving VSchema. */
export class FakeCluster {
  readonly etcd: FakeEtcd;
  readonly shards: FakeShard[] = [];
  /** Tablets that are no primaries. */
  readonly replicas: FakeShard[] = [];
  /** The topology servers of further cells, by their addresses. */
  readonly cellServers = new Map<string, FakeEtcd>();

  /** @param firstPort the ports, and the uids, of its tablets count from here */
  constructor(
    readonly server: string,
    private readonly cell: string,
    keyspaces: readonly KeyspaceSpec[],
    firstPort: number,
    findSource: FindSource,
    pace: Pace = hurried,
  ) {
    this.etcd = new FakeEtcd(pace);
    this.addCellInfo(cell, server);
    for (const { name, vschema, shards } of keyspaces) {
      this.etcd.write(`${topoRoot}/keyspaces/${name}/Keyspace`, new Uint8Array());
      this.etcd.write(`${topoRoot}/keyspaces/${name}/VSchema`, toBinary(KeyspaceSchema, vschema));
      for (const shard of shards) this.addShard(name, shard, firstPort + this.shards.length, findSource);
    }
    const srv = create(SrvVSchemaSchema, {
      keyspaces: Object.fromEntries(keyspaces.map(({ name, vschema }) => [name, vschema])),
    });
    this.etcd.write(this.servingPath, toBinary(SrvVSchemaSchema, srv));
  }

  /** What the vtgates of the cell go by. */
  servingVSchema(): SrvVSchema {
    return fromBinary(SrvVSchemaSchema, this.etcd.read(this.servingPath)?.value ?? new Uint8Array());
  }

  /** Adds a cell with a topology server of its own, whose vtgates go by what those of the first cell go by. */
  addCell(cell: string): void {
    const serverAddress = `${cell}:2379`;
    const etcd = new FakeEtcd(this.etcd.pace);
    this.cellServers.set(serverAddress, etcd);
    this.addCellInfo(cell, serverAddress);
    etcd.write(`/vitess/${cell}/SrvVSchema`, this.etcd.read(this.servingPath)?.value ?? new Uint8Array());
  }

  /** As `vtctldclient RebuildVSchemaGraph --cells <cell>`. */
  rebuildVSchemaGraph(cell: string): void {
    const etcd = this.cellServers.get(`${cell}:2379`) ?? this.etcd;
    const path = `/vitess/${cell}/SrvVSchema`;
    const srv = fromBinary(SrvVSchemaSchema, etcd.read(path)?.value ?? new Uint8Array());
    for (const name of Object.keys(srv.keyspaces)) {
      const vschema = this.etcd.read(`${topoRoot}/keyspaces/${name}/VSchema`)?.value ?? new Uint8Array();
      srv.keyspaces[name] = fromBinary(KeyspaceSchema, vschema);
    }
    etcd.write(path, toBinary(SrvVSchemaSchema, srv));
  }

  /** Adds a replica to a shard, in the first cell or another one. */
  addReplica(keyspace: string, shard: string, port: number, cell = this.cell): void {
    const primary = this.shardsOf(keyspace).find((each) => each.shard === shard);
    if (primary === undefined) throw new Error(`there is no shard ${keyspace}/${shard}`);
    const name = nameOf(cell, port);
    const alias = { cell, uid: port };
    const record = { alias, hostname: 'fake', portMap: { grpc: port }, keyspace, shard, type: TabletType.REPLICA };
    const etcd = this.cellServers.get(`${cell}:2379`) ?? this.etcd;
    etcd.write(`/vitess/${cell}/tablets/${name}/Tablet`, toBinary(TabletSchema, create(TabletSchema, record)));
    this.replicas.push({ keyspace, shard, port, tablet: primary.tablet.replica(name) });
  }

  shardsOf(keyspace: string): FakeShard[] {
    return this.shards.filter((shard) => shard.keyspace === keyspace);
  }

  private get servingPath(): string {
    return `/vitess/${this.cell}/SrvVSchema`;
  }

  private addCellInfo(cell: string, serverAddress: string): void {
    const info = create(CellInfoSchema, { serverAddress, root: `/vitess/${cell}` });
    this.etcd.write(`${topoRoot}/cells/${cell}/CellInfo`, toBinary(CellInfoSchema, info));
  }

  private addShard(keyspace: string, shard: string, port: number, findSource: FindSource): void {
    const [start = '', end = ''] = shard.split('-');
    const keyRange = shard.includes('-')
      ? { start: Buffer.from(start, 'hex'), end: Buffer.from(end, 'hex') }
      : undefined;
    const alias = { cell: this.cell, uid: port };
    const path = `${topoRoot}/keyspaces/${keyspace}/shards/${shard}/Shard`;
    const record = create(ShardSchema, {
      primaryAlias: alias,
      isPrimaryServing: true,
      ...(keyRange === undefined ? {} : { keyRange }),
    });
    this.etcd.write(path, toBinary(ShardSchema, record));
    const name = nameOf(this.cell, port);
    const tablet = create(TabletSchema, {
      alias,
      hostname: 'fake',
      portMap: { grpc: port },
      keyspace,
      shard,
      type: TabletType.PRIMARY,
      ...(keyRange === undefined ? {} : { keyRange }),
    });
    this.etcd.write(`/vitess/${this.cell}/tablets/${name}/Tablet`, toBinary(TabletSchema, tablet));
    const readRecord = (): Shard => fromBinary(ShardSchema, this.etcd.read(path)?.value ?? new Uint8Array());
    const mysql = new FakeMysql(`00000000-0000-0000-0000-${String(port).padStart(12, '0')}`);
    this.shards.push({
      keyspace,
      shard,
      port,
      tablet: new FakeTablet(name, mysql, readRecord, findSource, this.etcd.pace),
    });
  }
}

function nameOf(cell: string, port: number): string {
  return `${cell}-${String(port).padStart(10, '0')}`;
}
