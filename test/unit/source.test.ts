import { create, toBinary } from '@bufbuild/protobuf';
import { beforeEach, describe, expect, it } from 'vitest';
import { schemaDriftGaps } from '../../src/activities/step/proof.js';
import { Step } from '../../src/activities/step/step.js';
import { sourceOf } from '../../src/effects/source/open-source.js';
import type { MigrationRef } from '../../src/migration/plan/reference.js';
import { ExternalVitessClusterSchema } from '../../src/vitess/wire/topodata_pb.js';
import { KeyspaceSchema } from '../../src/vitess/wire/vschema_pb.js';
import { Hooks } from '../../src/hooks/hooks.js';
import { buildClients } from '../../src/worker.js';
import { FakeCluster, topoRoot } from '../support/fakes/cluster.js';
import { FakeVtgate } from '../support/fakes/vtgate.js';
import { fakeConfig, fakeMount } from '../support/fakes/world.js';
import { samplePlan } from '../support/workflow/samples.js';

/** A source with two shards, as one step of a migration sees it. */

const table = (columns: string) => `CREATE TABLE \`corder\` (\n  ${columns},\n  PRIMARY KEY (\`id\`)\n)`;
const before = table('`id` bigint NOT NULL');
const after = table('`id` bigint NOT NULL,\n  `note` varchar(10) DEFAULT NULL');
const ref: MigrationRef = { id: { keyspace: 'commerce', workflow: 'wf' }, runId: 'run-1' };
const { target: planTarget, source: planSource, tables } = samplePlan();
const plan = samplePlan({
  target: planTarget,
  source: {
    ...planSource,
    shards: [
      { name: '-80', keyRange: '-80' },
      { name: '80-', keyRange: '80-' },
    ],
  },
  tables: tables.filter(({ name }) => name === 'corder'),
});

let source: FakeCluster;
let step: Step;

const mysqlOf = (cluster: FakeCluster, keyspace: string, shard: string) => {
  const found = cluster.shardsOf(keyspace).find((each) => each.shard === shard);
  if (found === undefined) throw new Error(`there is no shard ${keyspace}/${shard}`);
  return found.tablet.mysql;
};

function change(shard: string): void {
  const mysql = mysqlOf(source, 'load', shard);
  mysql.dropTable('corder');
  mysql.createTable(after);
}

beforeEach(async () => {
  const nothing = () => {
    throw new Error('nothing is copied here');
  };
  const keyspace = (name: string, shards: string[]) => ({ name, shards, vschema: create(KeyspaceSchema) });
  source = new FakeCluster(fakeMount.topoServer, 'ext', [keyspace('load', ['-80', '80-'])], 100, nothing);
  const target = new FakeCluster(fakeConfig.topoServer, 'zone1', [keyspace('commerce', ['0'])], 200, nothing);
  for (const { tablet } of [...source.shards, ...target.shards]) tablet.mysql.createTable(before);
  const { topoType, topoServer: server, topoRoot: root } = fakeMount;
  const mount = create(ExternalVitessClusterSchema, { topoConfig: { topoType, server, root } });
  target.etcd.write(`${topoRoot}/ExternalClusters/vitess/ext1`, toBinary(ExternalVitessClusterSchema, mount));
  const { clients } = buildClients(fakeConfig, {
    openKv: (address, cluster) => (cluster === 'target' ? target : source).etcd.open(address, cluster),
    openHooks: () => new Hooks({ urls: [] }),
    openTablets: () => ({
      client: (_host, port) => {
        const found = [...source.shards, ...target.shards].find((each) => each.port === port);
        if (found === undefined) throw new Error(`there is no tablet at port ${port}`);
        return found.tablet.client();
      },
    }),
    openSqlClient: (_options, aim) => new FakeVtgate(target).client(aim),
  });
  step = new Step(clients, ref);
  await step.journals.begin(ref.runId, 'ext1.load');
  await step.journals.writeDefinitions(ref.runId, { corder: before });
});

describe('the definitions of a source with several shards', () => {
  const drift = async () => schemaDriftGaps(step, plan, await sourceOf(step.clients, plan));

  it('unchanged, are no gap', async () => {
    expect(await drift()).toEqual([]);
  });

  it.each(['-80', '80-'])('changed on shard %s alone, hold Complete back', async (shard) => {
    change(shard);
    expect(await drift()).toMatchObject([
      { code: 'SCHEMA_DRIFT', place: { cluster: 'ext1', keyspace: 'load', shard, table: 'corder' } },
    ]);
  });

  it('dropped on the second shard alone, hold Complete back', async () => {
    mysqlOf(source, 'load', '80-').dropTable('corder');
    expect(await drift()).toMatchObject([{ code: 'SCHEMA_DRIFT', place: { shard: '80-' } }]);
  });
});

describe('a source opened for a step', () => {
  it('gives positions, sizes and definitions of every shard', async () => {
    const opened = await sourceOf(step.clients, plan);
    expect(opened.shards).toEqual(['-80', '80-']);
    expect(Object.keys(await opened.definitions(['corder', 'gone']))).toEqual(['-80', '80-']);
    const positions = await Promise.all(opened.shards.map((shard) => opened.position(shard)));
    expect(new Set(positions).size).toBe(2);
  });

  it('denies and allows tables under its lock, and enforces that after a refresh', async () => {
    const opened = await sourceOf(step.clients, plan);
    await opened.withLock('test', (locked) => locked.deny('80-', ['corder']));
    await opened.refresh('80-');
    expect(await opened.deniedTables('80-')).toEqual(['corder']);
    expect(await opened.deniedTables('-80')).toEqual([]);
    expect(source.shards.map(({ tablet }) => tablet.denied)).toEqual([[], ['corder']]);
    await opened.withLock('test', (locked) => locked.allow('80-', ['corder']));
    expect(await opened.deniedTables('80-')).toEqual([]);
  });

  it('is refused without its mount record', async () => {
    const other = { ...plan, source: { ...plan.source, mount: 'ext2' } };
    await expect(sourceOf(step.clients, other)).rejects.toMatchObject({ code: 'MOUNT_NOT_FOUND' });
  });
});
