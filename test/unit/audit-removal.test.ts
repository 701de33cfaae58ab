import { create } from '@bufbuild/protobuf';
import { beforeEach, describe, expect, it } from 'vitest';
import { Removal } from '../../src/activities/audit/remove.js';
import { readSurvey } from '../../src/activities/audit/survey.js';
import { JournalStore } from '../../src/effects/journal.js';
import { judge, leftBehind } from '../../src/migration/audit/judge.js';
import { named } from '../../src/migration/audit/removal.js';
import type { Found } from '../../src/migration/audit/residue.js';
import type { RunState } from '../../src/migration/audit/survey.js';
import type { Clients } from '../../src/vitess/clients.js';
import { listLocks, withKeyspaceLock } from '../../src/vitess/topology/lock.js';
import { deniedTables, denyTables } from '../../src/vitess/topology/shard-record.js';
import { BinlogSourceSchema, type BinlogSource } from '../../src/vitess/wire/binlogdata_pb.js';
import { buildClients } from '../../src/worker.js';
import { topoRoot } from '../support/fakes/cluster.js';
import { fakeConfig, fakeMount, World } from '../support/fakes/world.js';

const id = { keyspace: 'commerce', workflow: 'wf' };
const ended: RunState[] = [{ workflow: 'wf', running: false, state: 'its workflow is terminated' }];
const seen = { wf: 'r1' };

let world: World;
let clients: Clients;

beforeEach(async () => {
  world = new World();
  ({ clients } = buildClients(fakeConfig, world.connectors()));
  await clients.mounts.add('ext1', fakeMount);
});

const look = async () => judge(await readSurvey(clients, 'commerce'), ended);
const residueNames = async () =>
  leftBehind(await look())
    .map(({ name }) => name)
    .sort();
const find = async (...names: string[]): Promise<Found[]> => named(await look(), names);
const remove = (things: Found[], runs = ended) =>
  new Removal(clients, 'commerce', things, runs, seen, () => undefined).run();
const onTarget = () => clients.primary(clients.target, 'commerce', '0');
const mysql = () => world.mysqlOf(world.target, 'commerce', '0');
const targetTablet = () => {
  const [shard] = world.target.shardsOf('commerce');
  if (shard === undefined) throw new Error('commerce has no shard');
  return shard.tablet;
};

async function deny(cluster: 'target' | 'source', keyspace: string, tables: string[]): Promise<void> {
  const topology = cluster === 'target' ? clients.target : await clients.source('ext1');
  await withKeyspaceLock(topology, keyspace, 'test', (lock) => denyTables(lock, topology, '0', tables));
  await (await clients.primary(topology, keyspace, '0')).refreshState();
}

const createTable = async (name: string) =>
  (await onTarget()).applySchema(`CREATE TABLE \`${name}\` (\n  \`id\` bigint NOT NULL,\n  PRIMARY KEY (\`id\`)\n)`);

function streamFrom(table: string): BinlogSource {
  return create(BinlogSourceSchema, {
    keyspace: 'load',
    shard: '0',
    externalCluster: 'ext1',
    filter: { rules: [{ match: table, filter: `select * from ${table}` }] },
  });
}

/** A migration that has made everything it can make, and that no workflow runs. */
async function plantOrphan(): Promise<void> {
  await new JournalStore(clients.target, id).begin('r1', 'ext1.load', {
    createdTables: { '0': ['customer'] },
    deniedTables: { '0': ['customer'] },
    fencedTables: { '0': ['customer', 'order line'] },
    streams: true,
  });
  await createTable('customer');
  await deny('target', 'commerce', ['customer']);
  await deny('source', 'load', ['customer', 'order line']);
  await (await onTarget()).createStreams({ workflow: 'wf', binlogSource: [streamFrom('customer')] });
  await (await onTarget()).createVDiff('wf', 'commerce', 'u-1', {});
}

/** One of each kind that no migration owns. */
async function plantUnowned(): Promise<void> {
  await deny('target', 'commerce', ['order line']);
  await createTable('stray');
  targetTablet().vreplication.orphans.set(9, ['corder']);
  const lock = { Action: 'vdiff', HostName: 'h', UserName: 'vitess', Time: '2020-01-01T00:00:00Z' };
  world.target.etcd.write(
    `${topoRoot}/internal/named_locks/commerce/gone/locks/4711`,
    Buffer.from(JSON.stringify(lock)),
  );
}

const everything = [
  'copy-state:commerce/0/9',
  'denied:commerce/0/customer',
  'denied:commerce/0/order line',
  'fence:ext1/load/0/customer',
  'fence:ext1/load/0/order line',
  'journal:wf',
  'lock:commerce/gone',
  'stream:commerce/0/wf',
  'table:commerce/0/customer',
  'table:commerce/0/stray',
  'vdiff:commerce/0/u-1',
];

describe('removing residue', () => {
  it('of every kind at once leaves the clusters as they were', async () => {
    const before = world.snapshot();
    await plantOrphan();
    await plantUnowned();
    expect(await residueNames()).toEqual(everything);
    await remove(await find(...everything));
    expect(await residueNames()).toEqual([]);
    expect(world.snapshot()).toEqual(before);
  });

  it('that is gone already counts as removed', async () => {
    await plantUnowned();
    const things = await find('denied:commerce/0/order line', 'lock:commerce/gone', 'table:commerce/0/stray');
    expect(things).toHaveLength(3);
    await remove(things);
    await remove(things);
    expect(await residueNames()).toEqual(['copy-state:commerce/0/9']);
  });

  it('takes down one entry of a fence and leaves the others in the journal', async () => {
    await plantOrphan();
    await remove(await find('fence:ext1/load/0/customer'));
    expect((await new JournalStore(clients.target, id).require('r1')).fencedTables).toEqual({ '0': ['order line'] });
    expect(world.source.shardsOf('load')[0]?.tablet.denied).toEqual(['order line']);
  });

  it('removes a dead lock and leaves the one that waits behind it', async () => {
    await plantUnowned();
    const waiting = `${topoRoot}/internal/named_locks/commerce/gone/locks/4712`;
    world.target.etcd.write(waiting, Buffer.from(JSON.stringify({ Action: 'vdiff', Time: new Date().toISOString() })));
    await remove(await find('lock:commerce/gone'));
    expect(world.target.etcd.below(`${topoRoot}/internal/named_locks/commerce/gone/`).map(([key]) => key)).toEqual([
      waiting,
    ]);
  });
});

describe('a table', () => {
  it('that gets a row at the last moment keeps its name and the row', async () => {
    await createTable('stray');
    const things = await find('table:commerce/0/stray');
    const target = mysql();
    const rename = target.renameTable.bind(target);
    target.renameTable = (from, to) => {
      if (from === 'stray') target.write('stray', '1', 'late');
      rename(from, to);
    };
    await expect(remove(things)).rejects.toMatchObject({
      code: 'NOT_REMOVABLE',
      message: expect.stringMatching(/rows have been written to table `?stray`? of shard 0 meanwhile/) as string,
    });
    expect([...mysql().tables.keys()]).toEqual(['stray']);
    expect(mysql().table('stray').rows.size).toBe(1);
  });

  it('that an interrupted attempt has set aside gets its name back, and is judged again', async () => {
    await createTable('stray');
    const things = await find('table:commerce/0/stray');
    mysql().renameTable('stray', '_vtmigrate_stray');
    await remove(things);
    expect([...mysql().tables.keys()]).toEqual([]);

    await createTable('stray');
    mysql().renameTable('stray', '_vtmigrate_stray');
    mysql().write('_vtmigrate_stray', '1', 'a row');
    await remove(things);
    expect([...mysql().tables.keys()]).toEqual(['stray']);
  });
});

describe('what has become live since Temporal was asked', () => {
  it('is refused when its journal belongs to another run', async () => {
    await plantOrphan();
    const things = await find('denied:commerce/0/customer');
    const journals = new JournalStore(clients.target, id);
    const { deniedTables: held } = await journals.require('r1');
    await journals.remove('r1');
    await journals.begin('r2', 'ext1.load', { deniedTables: held });
    await expect(remove(things)).rejects.toMatchObject({
      code: 'NOT_REMOVABLE',
      message: expect.stringMatching(/denied:commerce\/0\/customer is not residue/) as string,
    });
    expect(deniedTables(await clients.target.shard('commerce', '0'))).toEqual(['customer']);
  });

  it('is refused when it had no owner before', async () => {
    await plantUnowned();
    const things = await find('denied:commerce/0/order line');
    await new JournalStore(clients.target, { keyspace: 'commerce', workflow: 'new' }).begin('r9', 'ext1.load', {
      deniedTables: { '0': ['order line'] },
    });
    await expect(remove(things)).rejects.toMatchObject({ code: 'NOT_REMOVABLE' });
    expect(deniedTables(await clients.target.shard('commerce', '0'))).toEqual(['order line']);
  });
});

it('of a migration in lanes is removed under the named locks of all lanes', async () => {
  const workflows = ['wf', 'wf-lane2'];
  await new JournalStore(clients.target, id).begin('r1', 'ext1.load', { streams: true, workflows });
  for (const workflow of workflows)
    await (await onTarget()).createStreams({ workflow, binlogSource: [streamFrom('customer')], cells: ['ext'] });
  const things = await find(...(await residueNames()));
  const held: Promise<(string | null)[]>[] = [];
  const noteLocks = () => {
    held.push(listLocks(clients.target, 'commerce').then((locks) => locks.map(({ workflow }) => workflow).sort()));
  };
  await new Removal(clients, 'commerce', things, ended, seen, noteLocks).run();
  expect(await Promise.all(held)).toContainEqual(['wf', 'wf-lane2', null].sort());
  expect(await residueNames()).toEqual([]);
});
