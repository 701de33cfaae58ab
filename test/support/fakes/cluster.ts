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
  readonly etcd = new FakeEtcd();
  readonly shards: FakeShard[] = [];

  /** @param firstPort the ports, and the uids, of its tablets count from here */
  constructor(
    readonly server: string,
    private readonly cell: string,
    keyspaces: readonly KeyspaceSpec[],
    firstPort: number,
    findSource: FindSource,
  ) {
    this.etcd.write(
      `${topoRoot}/cells/${cell}/CellInfo`,
      toBinary(CellInfoSchema, create(CellInfoSchema, { serverAddress: server, root: `/vitess/${cell}` })),
    );
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

  shardsOf(keyspace: string): FakeShard[] {
    return this.shards.filter((shard) => shard.keyspace === keyspace);
  }

  private get servingPath(): string {
    return `/vitess/${this.cell}/SrvVSchema`;
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
    const name = `${this.cell}-${String(port).padStart(10, '0')}`;
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
    this.shards.push({ keyspace, shard, port, tablet: new FakeTablet(name, mysql, readRecord, findSource) });
  }
}
