import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { quoteName } from '../../src/migration/quote.js';
import type { Clients } from '../../src/vitess/clients.js';
import { readTableSizes } from '../../src/vitess/tablet/table-sizes.js';
import type { Tablet } from '../../src/vitess/tablet/tablet.js';
import { OnDDLAction, VReplicationWorkflowType } from '../../src/vitess/wire/binlogdata_pb.js';
import { TabletSelectionPreference } from '../../src/vitess/wire/tabletmanagerdata_pb.js';
import { TabletType } from '../../src/vitess/wire/topodata_pb.js';
import { buildClients } from '../../src/worker.js';
import { emptyTarget, lab, sql, vtctldclient } from '../support/lab.js';

const [host = '', port = ''] = (lab.environment['VTMIGRATE_VTGATE'] ?? '').split(':');
const built = buildClients({ topoServer: lab.target.topoServer, topoRoot: lab.target.topoRoot, vtgate: { host, port: Number(port) }, vtgateUser: undefined, vtgatePassword: undefined, taskQueue: 'unused' });
const clients: Clients = built.clients;
let tablet: Tablet;

beforeAll(async () => {
  await emptyTarget('commerce');
  tablet = await clients.primary(clients.target, 'commerce', '0');
});
afterAll(async () => {
  await emptyTarget('commerce');
  await built.close();
});

describe('schema and queries', () => {
  const strange = ['plain', 'two words', 'a.b', 'dash-ed', 'sélect', '表', 'select', "quo'te", 'dou"ble', 'dollar$', '_vtx'];

  test.each(strange)('a table named %s is created, seen, measured, read and dropped', async (name) => {
    await tablet.applySchema(`create table ${quoteName(name)} (id bigint primary key, v varchar(20))`);
    await tablet.query(`insert into ${quoteName(name)} values (1, 'x'), (2, null)`);
    const [found] = await tablet.tables([name]);
    expect(found).toMatchObject({ name, primaryKey: ['id'] });
    expect(await tablet.query(`select id, v from ${quoteName(name)} order by id`)).toEqual([{ id: '1', v: 'x' }, { id: '2', v: null }]);
    // Stored statistics, which tables with accented letters have to do with, come when MySQL sees fit.
    await tablet.query(`analyze no_write_to_binlog table ${quoteName(name)}`);
    await expect.poll(async () => (await readTableSizes(tablet, [name])).get(name)?.rows, { timeout: 10_000 }).toBe(2n);
    expect((await readTableSizes(tablet, [name])).get(name)?.bytes).toBeGreaterThan(0n);
    await tablet.query(`drop table if exists ${quoteName(name)}`, { disableForeignKeyChecks: true, reloadSchema: true });
    expect(await tablet.tables([name])).toEqual([]);
  });

  test('a table that is there already is refused with a code', async () => {
    await tablet.applySchema('create table twice (id int primary key)');
    await expect(tablet.applySchema('create table twice (id int primary key)')).rejects.toMatchObject({ place: { cluster: 'target', keyspace: 'commerce', shard: '0', tablet: tablet.alias } });
    await tablet.query('drop table twice');
  });

  test('a tablet that is not there is named in the error', async () => {
    const { Tablet: TabletClass } = await import('../../src/vitess/tablet/tablet.js');
    const { TabletConnections } = await import('../../src/vitess/tablet/transport.js');
    const record = await clients.target.primary('commerce', '0');
    const gone = new TabletClass({ ...record, portMap: { grpc: 1 } }, 'target', new TabletConnections());
    await expect(gone.primaryPosition()).rejects.toMatchObject({ code: 'TABLET_UNREACHABLE', place: { tablet: tablet.alias } });
  });
});

describe('streams', () => {
  const workflow = `c${randomUUID().slice(0, 8)}`;
  const request = {
    workflow,
    binlogSource: [{ keyspace: 'load', shard: '0', filter: { rules: [{ match: 'customer', filter: 'select * from customer' }] }, onDdl: OnDDLAction.STOP, externalCluster: 'nomount', stopAfterCopy: true }],
    cells: ['c1', 'c2'],
    tabletTypes: [TabletType.REPLICA, TabletType.PRIMARY],
    tabletSelectionPreference: TabletSelectionPreference.INORDER,
    workflowType: VReplicationWorkflowType.Migrate,
    deferSecondaryKeys: true,
    options: '{}',
  };

  test('the row is the one vtctldclient writes, and changing the state changes nothing else', async () => {
    await tablet.createStreams(request);
    const row = async () => (await sql('target', 'commerce', '0', `select cast(cell as char) cell, cast(tablet_types as char) types, cast(state as char) state, cast(source as char) source, workflow_type, defer_secondary_keys from _vt.vreplication where workflow = '${workflow}'`))[0];
    const source = 'keyspace:"load" shard:"0" filter:{rules:{match:"customer" filter:"select * from customer"}} on_ddl:STOP stop_after_copy:true external_cluster:"nomount"';
    expect(await row()).toEqual({ cell: 'c1,c2', types: 'in_order:replica,primary', state: 'Stopped', source, workflow_type: 3, defer_secondary_keys: 1 });
    await tablet.setStreamState(workflow, 'Stopped');
    expect(await row()).toEqual({ cell: 'c1,c2', types: 'in_order:replica,primary', state: 'Stopped', source, workflow_type: 3, defer_secondary_keys: 1 });
  });

  test('it is read back, and vtctldclient reads it too', async () => {
    const [stream] = await tablet.streams(workflow);
    expect(stream).toMatchObject({ sourceKeyspace: 'load', sourceShard: '0', externalCluster: 'nomount', state: 'Stopped', position: '' });
    expect(await tablet.streams('another')).toEqual([]);
    const shown = await vtctldclient('target', 'Workflow', '--keyspace', 'commerce', 'list');
    expect(shown.stdout).toContain(workflow);
  });

  test('a stream that cannot start says so', async () => {
    await expect(tablet.setStreamState(workflow, 'Running')).rejects.toMatchObject({ message: expect.stringContaining('nomount') as string });
  });

  test('a position is a GTID set, and one that never comes is an error in time', async () => {
    expect(await tablet.primaryPosition()).toMatch(/^MySQL56\/[0-9a-f-]+:/);
    const [stream] = await tablet.streams(workflow);
    await expect(tablet.waitForPosition(stream?.id ?? 0, 'MySQL56/00000000-0000-0000-0000-000000000001:1-5', 300)).rejects.toMatchObject({ code: 'TABLET_UNREACHABLE' });
  });

  test('a VDiff is created once, listed, shown and deleted', async () => {
    const uuid = randomUUID();
    expect(await tablet.vdiffs(workflow, 'commerce')).toEqual([]);
    expect(await tablet.showVDiff(workflow, 'commerce', uuid)).toEqual([]);
    await tablet.createVDiff(workflow, 'commerce', uuid, { pickerOptions: { tabletTypes: 'primary', sourceCell: 'c1', targetCell: 'zone1' }, coreOptions: { autoStart: false }, reportOptions: { format: 'json' } });
    await expect(tablet.createVDiff(workflow, 'commerce', uuid, {})).rejects.toMatchObject({ message: expect.stringContaining('already exists') as string });
    expect(await tablet.vdiffs(workflow, 'commerce')).toEqual([uuid]);
    expect((await tablet.showVDiff(workflow, 'commerce', uuid))[0]).toMatchObject({ vdiff_state: expect.any(String) as string });
    await tablet.deleteVDiffs(workflow, 'commerce');
    expect(await tablet.vdiffs(workflow, 'commerce')).toEqual([]);
  });

  test('deleting the streams twice is fine', async () => {
    await tablet.deleteStreams(workflow);
    await tablet.deleteStreams(workflow);
    expect(await tablet.streams(workflow)).toEqual([]);
  });
});
