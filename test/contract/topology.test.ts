import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { Etcd3 } from 'etcd3';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { EtcdKv } from '../../src/vitess/topology/etcd.js';
import { allowTables, deniedTables, denyTables } from '../../src/vitess/topology/shard-record.js';
import { withKeyspaceLock } from '../../src/vitess/topology/lock.js';
import { Mounts } from '../../src/vitess/topology/mounts.js';
import { Topology } from '../../src/vitess/topology/topology.js';
import { KeyspaceSchema, TableSchema } from '../../src/vitess/wire/vschema_pb.js';
import { ShardSchema } from '../../src/vitess/wire/topodata_pb.js';
import { lab, vtctldclient } from '../support/lab/lab.js';
import { kvContract } from './suites/kv.js';

const kv = new EtcdKv(lab.target.topoServer, 'target');
const open = () => kv;
const topology = new Topology('target', lab.target.topoServer, lab.target.topoRoot, open);
afterAll(() => kv.close());

kvContract('a real etcd', () => ({
  kv,
  nowhere: new EtcdKv('127.0.0.1:1', 'ext9'),
  topoRoot: lab.target.topoRoot,
  other: () => new EtcdKv(lab.target.topoServer, 'target'),
  dieHolding: async (dir, contents) => {
    const holder = spawn('tsx', ['test/support/lab/lock-holder.ts', lab.target.topoServer, dir, contents], {
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    await once(holder.stdout, 'data');
    // The whole group: tsx is a parent of the process that holds the lock.
    process.kill(-(holder.pid ?? 0), 'SIGKILL');
  },
  revoke: async (dir) => {
    const etcd = new Etcd3({ hosts: `http://${lab.target.topoServer}` });
    const [oldest] = (await etcd.getAll().prefix(`${dir}/locks/`).sort('Create', 'Ascend').exec()).kvs;
    await etcd.leaseClient.leaseRevoke({ ID: oldest?.lease ?? '' });
    etcd.close();
  },
}));

describe('the records', () => {
  test('cells, keyspaces, shards and tablets are those vtctldclient shows', async () => {
    expect(await topology.cells()).toEqual(['zone1']);
    expect((await topology.keyspaces()).sort()).toEqual(['commerce', 'customer']);
    expect((await topology.servingShards('customer')).map(({ name, keyRange }) => [name, keyRange])).toEqual([
      ['-80', '-80'],
      ['80-', '80-'],
    ]);
    expect((await topology.servingShards('commerce')).map(({ name, keyRange }) => [name, keyRange])).toEqual([
      ['0', ''],
    ]);
    const [tablet] = await topology.tablets('commerce', '0');
    expect(tablet?.portMap['grpc']).toBe(lab.target.tablets[0]?.grpcPort);
    await expect(topology.requireKeyspace('nope')).rejects.toMatchObject({
      code: 'KEYSPACE_NOT_FOUND',
      message: expect.stringContaining('commerce, customer') as string,
    });
  });

  test('a cell whose server is gone keeps nobody from the others', async () => {
    const nowhere = new EtcdKv('127.0.0.1:1', 'target');
    const both = new Topology('target', lab.target.topoServer, lab.target.topoRoot, (server) =>
      server === '127.0.0.1:1' ? nowhere : kv,
    );
    expect(await both.cellsAway()).toEqual([]);
    await vtctldclient('target', 'AddCellInfo', '--root', '/vitess/zone9', '--server-address', '127.0.0.1:1', 'zone9');
    onTestFinished(async () => {
      await vtctldclient('target', 'DeleteCellInfo', '--force', 'zone9');
      nowhere.close();
    });
    const zone9 = [{ cell: 'zone9', why: expect.stringContaining('does not answer') as string }];
    expect(await both.cellsAway()).toEqual(zone9);
    expect(await both.tablets('commerce', '0')).toHaveLength(1);
    expect(await withKeyspaceLock(both, 'commerce', 'test', (lock) => both.publishVSchema(lock))).toEqual(zone9);
  });

  test('a write keeps the fields it does not know', async () => {
    const name = `unknown${randomUUID().slice(0, 8)}`;
    const path = `${lab.target.topoRoot}/keyspaces/${name}/VSchema`;
    // Field 6 of vschema.Keyspace is not in our subset.
    const unknown = Buffer.from([0x32, 0x03, 0x0a, 0x01, 0x78]);
    await kv.put(
      path,
      Buffer.concat([toBinary(KeyspaceSchema, create(KeyspaceSchema, { sharded: true })), unknown]),
      '0',
    );
    await withKeyspaceLock(topology, name, 'test', (lock) =>
      topology.updateVSchema(lock, (vschema) => {
        vschema.tables['t'] = create(TableSchema);
        return true;
      }),
    );
    const entry = await kv.get(path);
    expect(Buffer.from(entry?.value ?? []).includes(unknown)).toBe(true);
    expect(Object.keys(fromBinary(KeyspaceSchema, entry?.value ?? new Uint8Array()).tables)).toEqual(['t']);
    await kv.delete(path, entry?.revision ?? '');
  });

  test('two writers of one record lose nothing', async () => {
    const name = `race${randomUUID().slice(0, 8)}`;
    // Under one lock: another program might write without it.
    await withKeyspaceLock(topology, name, 'test', (lock) =>
      Promise.all(
        ['a', 'b', 'c', 'd'].map((table) =>
          topology.updateVSchema(lock, (vschema) => {
            vschema.tables[table] = create(TableSchema);
            return true;
          }),
        ),
      ),
    );
    expect(Object.keys((await topology.vschema(name)).tables).sort()).toEqual(['a', 'b', 'c', 'd']);
    const path = `${lab.target.topoRoot}/keyspaces/${name}/VSchema`;
    await kv.delete(path, (await kv.get(path))?.revision ?? '');
  });

  test('denied tables are those vtctldclient shows, and leave no trace', async () => {
    const shard = async () =>
      JSON.parse((await vtctldclient('target', 'GetShard', 'commerce/0')).stdout) as {
        shard: { tablet_controls: { denied_tables: string[] }[] };
      };
    await withKeyspaceLock(topology, 'commerce', 'test', async (lock) => {
      await denyTables(lock, topology, '0', ['t1', 't 2']);
      await denyTables(lock, topology, '0', ['t1', 't3']);
    });
    expect((await shard()).shard.tablet_controls[0]?.denied_tables).toEqual(['t1', 't 2', 't3']);
    await withKeyspaceLock(topology, 'commerce', 'test', (lock) =>
      allowTables(lock, topology, '0', ['t1', 't 2', 't3', 'other']),
    );
    expect((await shard()).shard.tablet_controls).toEqual([]);
    expect(deniedTables(create(ShardSchema))).toEqual([]);
  });
});

describe('mounts', () => {
  test('a mount is the one vtctldclient writes, and the other way round', async () => {
    const mounts = new Mounts(topology);
    const config = { topoType: 'etcd2', topoServer: lab.source.topoServer, topoRoot: '/vitess/global' };
    expect(await mounts.add('ours', config)).toBe(true);
    expect(await mounts.add('ours', { ...config, topoRoot: '/other' })).toBe(false);
    const shown = await vtctldclient('target', 'Mount', 'show', '--name', 'ours');
    expect(JSON.parse(shown.stdout)).toMatchObject({
      topo_type: 'etcd2',
      topo_server: lab.source.topoServer,
      topo_root: '/vitess/global',
      name: 'ours',
    });
    await vtctldclient(
      'target',
      'Mount',
      'register',
      '--name',
      'theirs',
      '--topo-type',
      'etcd2',
      '--topo-server',
      'h:1',
      '--topo-root',
      '/r',
    );
    expect(await mounts.get('theirs')).toEqual({ topoType: 'etcd2', topoServer: 'h:1', topoRoot: '/r' });
    expect(await mounts.list()).toEqual(expect.arrayContaining(['ours', 'theirs']));
    for (const name of ['ours', 'theirs']) expect(await mounts.remove(name)).toBe(true);
    expect(await mounts.remove('ours')).toBe(false);
  });
});

describe('locks', () => {
  test('vtctldclient waits for ours, and says that the keyspace is locked', async () => {
    await withKeyspaceLock(topology, 'commerce', 'vtmigrate test', async () => {
      const blocked = await vtctldclient(
        'target',
        '--lock-timeout',
        '1s',
        'SetKeyspaceDurabilityPolicy',
        '--durability-policy',
        'none',
        'commerce',
      );
      expect(blocked.code).not.toBe(0);
      expect(blocked.stderr).toMatch(/deadline exceeded|lock/i);
    });
    const free = await vtctldclient(
      'target',
      '--lock-timeout',
      '5s',
      'SetKeyspaceDurabilityPolicy',
      '--durability-policy',
      'none',
      'commerce',
    );
    expect(free.stderr).not.toMatch(/deadline exceeded/i);
  });
});
