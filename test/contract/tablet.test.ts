import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Config } from '../../src/config/config.js';
import { quoteName, quoteString } from '../../src/migration/sql/quote.js';
import type { Clients } from '../../src/vitess/clients.js';
import type { TabletHandle } from '../../src/vitess/tablet/tablet-handle.js';
import { OnDDLAction, VReplicationWorkflowType } from '../../src/vitess/wire/binlogdata_pb.js';
import { TabletSelectionPreference } from '../../src/vitess/wire/tabletmanagerdata_pb.js';
import { TabletType } from '../../src/vitess/wire/topodata_pb.js';
import { TabletConnections } from '../../src/vitess/tablet/transport.js';
import { buildClients, realConnectors } from '../../src/worker.js';
import { emptyTarget, lab, sourceMount, sql, vtctldclient } from '../support/lab/lab.js';
import { clustersContract } from './suites/tablet.js';

const [host = '', port = ''] = (lab.environment['VTMIGRATE_VTGATE'] ?? '').split(':');
const config: Config = {
  topoServer: lab.target.topoServer,
  topoRoot: lab.target.topoRoot,
  vtgate: { host, port: Number(port) },
  vtgateUser: undefined,
  vtgatePassword: undefined,
  taskQueue: 'unused',
};
const built = buildClients(config);
const clients: Clients = built.clients;
let tablet: TabletHandle;

beforeAll(async () => {
  await emptyTarget('commerce');
  tablet = await clients.primary(clients.target, 'commerce', '0');
});
afterAll(async () => {
  await emptyTarget('commerce');
  await built.close();
});

describe('schema and queries', () => {
  const query = (statement: string) => sql('target', 'commerce', '0', statement);
  const strange = [
    'plain',
    'two words',
    'a.b',
    'dash-ed',
    'sélect',
    '表',
    'select',
    "quo'te",
    'dou"ble',
    'dollar$',
    '_vtx',
  ];

  test.each(strange)('a table named %s is created, seen, measured, read and dropped', async (name) => {
    const columns = 'id bigint primary key, v varchar(20), constraint odd check (id > 0)';
    await tablet.applySchema(`create table ${quoteName(name)} (${columns})`);
    expect(await tablet.constraints()).toEqual([{ table: name, name: 'odd', type: 'CHECK' }]);
    expect(await tablet.nonEmptyTables([name])).toEqual([]);
    await query(`insert into ${quoteName(name)} values (1, 'x'), (2, null)`);
    expect(await tablet.nonEmptyTables([name])).toEqual([name]);
    const held = (['null', 'text', 'empty'] as const).map((kind) => tablet.holds(name, 'v', kind));
    expect(await Promise.all(held)).toEqual([true, true, false]);
    expect(await tablet.holds(name, 'id', 'negative')).toBe(false);
    const [found] = await tablet.tables([name]);
    expect(found).toMatchObject({ name });
    const [details] = await tablet.tableDetails([name]);
    expect(details).toMatchObject({ name, uniqueKeys: [{ name: 'PRIMARY', columns: ['id'] }] });
    expect(await tablet.tableNames()).toContain(name);
    // Stored statistics, which tables with accented letters have to do with, come when MySQL sees fit.
    await query(`analyze no_write_to_binlog table ${quoteName(name)}`);
    await expect.poll(async () => (await tablet.sizes([name])).get(name)?.rows, { timeout: 300_000 }).toBe(2n);
    expect((await tablet.sizes([name])).get(name)?.bytes).toBeGreaterThan(0n);
    await tablet.dropTable(name);
    expect(await tablet.tables([name])).toEqual([]);
  });
});

test('tables that are created at once get the session that Vitess gives them', async () => {
  const query = (statement: string) => sql('target', 'commerce', '0', statement);
  const definitions = [
    "create table made1 (id bigint auto_increment primary key, d datetime not null default '0000-00-00 00:00:00')",
    'create table made2 (id bigint primary key, constraint fk_made foreign key (id) references missing (id))',
    "create table made3 (v varchar(9) comment ';\n-- `it''s`') /*!50100 partition by key (v) partitions 2 */",
  ];
  const names = ['made1', 'made2', 'made3'];
  const invisibleKey = (value: string) => query(`set global sql_generate_invisible_primary_key = ${value}`);
  onTestFinished(async () => {
    await invisibleKey('off');
    for (const name of names) await tablet.dropTable(name);
  });
  for (const definition of definitions) await tablet.applySchema(definition);
  const before = await tablet.tables(names);
  for (const name of names) await tablet.dropTable(name);
  await invisibleKey('on');
  await tablet.createTables(definitions, { keyless: true });
  expect(await tablet.tables(names)).toEqual(before);
  expect(before).toHaveLength(3);
});

test('tables are waited for that a call creates which its caller has given up', async () => {
  const name = 'late';
  onTestFinished(() => tablet.dropTable(name));
  const given = tablet.createTables(['do sleep(3)', `create table ${name} (id bigint primary key)`]);
  await vi.waitFor(async () => {
    const waiting = "select 1 from information_schema.processlist where info like 'do sleep%'";
    expect(await sql('target', 'commerce', '0', waiting)).not.toEqual([]);
  });
  await tablet.awaitCreation();
  expect(await tablet.tableNames()).toContain(name);
  await given;
});

test('a stream of changes ends with the call, long before its deadline', async () => {
  const query = (statement: string) => sql('target', 'commerce', '0', statement);
  const write = () => query('insert into changing values ()');
  // MySQL sees that nobody reads any more when it has something to send.
  const dumps = async () =>
    query("select id from information_schema.processlist where command = 'Binlog Dump GTID' order by id");
  await query('create table changing (id bigint auto_increment primary key)');
  onTestFinished(() => query('drop table changing').then(() => undefined));
  const before = await dumps();
  const from = await tablet.primaryPosition();
  await write();
  expect(await tablet.changedTables(['changing'], from, await tablet.primaryPosition(), 3_600_000)).toEqual([
    'changing',
  ]);
  const written = async () => (await write(), dumps());
  await vi.waitFor(async () => expect(await written()).toEqual(before), { timeout: 120_000, interval: 500 });
});

describe('streams', () => {
  const workflow = `c${randomUUID().slice(0, 8)}`;
  const request = {
    workflow,
    binlogSource: [
      {
        keyspace: 'load',
        shard: '0',
        filter: { rules: [{ match: 'customer', filter: 'select * from customer' }] },
        onDdl: OnDDLAction.STOP,
        externalCluster: 'nomount',
        stopAfterCopy: true,
      },
    ],
    cells: ['c1', 'c2'],
    tabletTypes: [TabletType.REPLICA, TabletType.PRIMARY],
    tabletSelectionPreference: TabletSelectionPreference.INORDER,
    workflowType: VReplicationWorkflowType.Migrate,
    deferSecondaryKeys: true,
    options: '{}',
  };

  test('the row is the one vtctldclient writes, and changing the state changes nothing else', async () => {
    await tablet.createStreams(request);
    const row = async () =>
      (
        await sql(
          'target',
          'commerce',
          '0',
          [
            'select cast(cell as char) cell, cast(tablet_types as char) types, cast(state as char) state,',
            'cast(source as char) source, workflow_type, defer_secondary_keys',
            `from _vt.vreplication where workflow = '${workflow}'`,
          ].join(' '),
        )
      )[0];
    const source =
      'keyspace:"load" shard:"0" filter:{rules:{match:"customer" filter:"select * from customer"}} ' +
      'on_ddl:STOP stop_after_copy:true external_cluster:"nomount"';
    expect(await row()).toEqual({
      cell: 'c1,c2',
      types: 'in_order:replica,primary',
      state: 'Stopped',
      source,
      workflow_type: 3,
      defer_secondary_keys: 1,
    });
    await tablet.setStreamState([workflow], 'Stopped');
    expect(await row()).toEqual({
      cell: 'c1,c2',
      types: 'in_order:replica,primary',
      state: 'Stopped',
      source,
      workflow_type: 3,
      defer_secondary_keys: 1,
    });
  });

  test('vtctldclient lists it', async () => {
    const shown = await vtctldclient('target', 'Workflow', '--keyspace', 'commerce', 'list');
    expect(shown.stdout).toContain(workflow);
    await tablet.deleteStreams([workflow]);
  });
});

clustersContract('real clusters', () => {
  const gone = buildClients(config, {
    ...realConnectors,
    openTablets: () => ({ client: (host, _port, cluster) => new TabletConnections().client(host, 1, cluster) }),
  });
  const execute = (side: 'source' | 'target', statement: string) =>
    sql(side, side === 'source' ? 'load' : 'commerce', '0', statement);
  return Promise.resolve({
    clients,
    silent: gone.clients,
    mount: sourceMount,
    orphan: async (stream, table) => {
      await execute(
        'target',
        `insert into _vt.copy_state (vrepl_id, table_name, lastpk) values (${stream}, ${quoteString(table)}, '')`,
      );
    },
    write: async (side, table, id, v) => {
      await execute(
        side,
        v === null
          ? `delete from ${quoteName(table)} where id = ${id}`
          : `replace into ${quoteName(table)} values (${id}, ${quoteString(v)})`,
      );
    },
    rows: async (side, table) =>
      Object.fromEntries(
        (await execute(side, `select id, v from ${quoteName(table)}`)).map((row) => [
          String(row['id']),
          String(row['v']),
        ]),
      ),
  });
});
