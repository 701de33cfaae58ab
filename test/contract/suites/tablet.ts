import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { agreeOnTable, type ChecksumTable } from '../../../src/migration/checksum/columns.js';
import { addChecksums } from '../../../src/migration/checksum/scope.js';
import { containsPosition } from '../../../src/migration/proof/position.js';
import { streamOptionsOf, type StreamOptions } from '../../../src/migration/input/stream-options.js';
import { quoteName } from '../../../src/migration/sql/quote.js';
import type { Clients } from '../../../src/vitess/clients.js';
import type { TabletHandle } from '../../../src/vitess/tablet/tablet-handle.js';
import type { MountConfig } from '../../../src/vitess/topology/mount-config.js';
import { allowTables, denyTables } from '../../../src/vitess/topology/shard-record.js';
import { withKeyspaceLock } from '../../../src/vitess/topology/lock.js';
import { OnDDLAction, VReplicationWorkflowType } from '../../../src/vitess/wire/binlogdata_pb.js';
import { TabletSelectionPreference } from '../../../src/vitess/wire/tabletmanagerdata_pb.js';
import { TabletType } from '../../../src/vitess/wire/topodata_pb.js';

type Side = 'source' | 'target';

/**
 * Two clusters under test, source `load` and target `commerce`, each with one shard `0`, and the
 * target's `customer`, which is sharded; and what tests do to their MySQL from outside.
 */
export interface ClustersUnderTest {
  clients: Clients;
  /** Clients of the same clusters whose tablets do not answer. */
  silent: Clients;
  mount: MountConfig;
  /** Leaves copy state of a table in the target's `commerce/0` for a stream that does not exist. */
  orphan: (stream: number, table: string) => Promise<void>;
  /** Writes a row (or, with null, deletes it) into a table with the columns `id` and `v`. */
  write: (side: Side, table: string, id: number, v: string | null) => Promise<void>;
  /** The rows of a table in `commerce/0` or `load/0` by their `id`. */
  rows: (side: Side, table: string) => Promise<Record<string, string>>;
}

/** What the code relies on in tablets and vtgate. */
export function clustersContract(name: string, open: () => Promise<ClustersUnderTest>): void {
  const waiting = { timeout: 300_000, interval: 100 };
  const mountName = `m${randomUUID().slice(0, 8)}`;
  let under: ClustersUnderTest;
  let clients: Clients;
  let tablet: TabletHandle;
  let source: TabletHandle;
  let table = '';

  const ddl = (of = table) => `create table ${quoteName(of)} (id bigint not null primary key, v varchar(60))`;

  beforeAll(async () => {
    under = await open();
    ({ clients } = under);
    tablet = await clients.primary(clients.target, 'commerce', '0');
    source = await clients.primary(clients.external('ext1', under.mount), 'load', '0');
    await clients.mounts.add(mountName, under.mount);
  });
  afterAll(() => clients.mounts.remove(mountName));
  beforeEach(() => {
    table = `t ${randomUUID().slice(0, 8)}`;
  });
  afterEach(async () => {
    for (const each of [tablet, source]) await each.dropTable(table);
  });

  describe(`schema and queries of ${name}`, () => {
    test('a table is created, seen with its key, asked for rows, measured and dropped', async () => {
      await tablet.applySchema(ddl());
      expect(await tablet.tables([table])).toMatchObject([
        { name: table, ddl: expect.stringMatching(/create table/i) as string },
      ]);
      expect(await tablet.tableDetails([table, 'no such table'])).toMatchObject([
        { name: table, engine: 'InnoDB', uniqueKeys: [{ name: 'PRIMARY', columns: ['id'], notNull: true }] },
      ]);
      expect(await tablet.tableNames()).toContain(table);
      expect(await tablet.views()).not.toContain(table);
      expect(await tablet.nonEmptyTables([table])).toEqual([]);
      for (const id of [1, 2]) await under.write('target', table, id, 'x');
      expect(await tablet.nonEmptyTables([table])).toEqual([table]);
      await expect.poll(async () => (await tablet.sizes([table])).get(table)?.rows, waiting).toBe(2n);
      for (let i = 0; i < 2; i++) await tablet.dropTable(table);
      expect(await tablet.tables([table])).toEqual([]);
      expect(await tablet.tableNames()).not.toContain(table);
      await expect(tablet.nonEmptyTables([table])).rejects.toMatchObject({ code: 'TABLET_CALL_FAILED' });
    });

    test('the names of tables are those GetSchema gives, in the same order', async () => {
      await tablet.applySchema(ddl());
      expect(await tablet.tableNames()).toEqual((await tablet.tables()).map((each) => each.name));
    });

    test('of many tables those with rows are found, in the order given', async () => {
      const full = `${table} union all select`;
      await tablet.applySchema(ddl());
      await tablet.applySchema(ddl(full));
      await under.write('target', full, 1, null);
      expect(await tablet.nonEmptyTables([full, table])).toEqual([]);
      await under.write('target', full, 1, 'x');
      expect(await tablet.nonEmptyTables([])).toEqual([]);
      expect(await tablet.nonEmptyTables([table, full])).toEqual([full]);
      // More than one call asks about, with each table many times.
      const many = Array.from({ length: 250 }, (_, n) => (n % 50 === 0 ? full : table));
      expect(await tablet.nonEmptyTables(many)).toEqual([full, full, full, full, full]);
      await tablet.dropTable(full);
      await expect(tablet.nonEmptyTables([table, full])).rejects.toMatchObject({ code: 'TABLET_CALL_FAILED' });
    });

    test('a definition makes the same table on the other side', async () => {
      await source.applySchema(ddl());
      const [made] = await source.tables([table]);
      await tablet.applySchema(made?.ddl ?? '');
      expect((await tablet.tables([table]))[0]?.ddl).toBe(made?.ddl);
    });

    test('a table that is there already is refused, and stays as it is', async () => {
      await tablet.applySchema(ddl());
      await under.write('target', table, 1, 'x');
      await expect(tablet.applySchema(ddl())).rejects.toMatchObject({
        code: 'TABLET_CALL_FAILED',
        place: { cluster: 'target', keyspace: 'commerce', shard: '0', tablet: tablet.alias },
      });
      expect(await under.rows('target', table)).toEqual({ '1': 'x' });
    });

    test('of many tables that are created at once, those are made that come before one that is refused', async () => {
      const others = ['a', "b; c'd"].map((more) => `${table} ${more}`);
      onTestFinished(async () => {
        for (const each of others) await tablet.dropTable(each);
      });
      const [first = '', last = ''] = others;
      await tablet.createTables([ddl(first)]);
      await tablet.dropTable(first);
      await tablet.applySchema(ddl());
      await expect(tablet.createTables([first, table, last].map(ddl))).rejects.toMatchObject({
        code: 'TABLET_CALL_FAILED',
        what: expect.stringMatching(/already exists/) as string,
      });
      expect((await tablet.tables([first, table, last])).map(({ name }) => name)).toEqual([table, first]);
      await tablet.createTables([ddl(last)], { keyless: true });
      await tablet.awaitCreation();
      await tablet.reloadSchema();
      expect(await tablet.tables([last])).toHaveLength(1);
    });

    test('a table is renamed with its rows, but not over another one', async () => {
      await tablet.applySchema(ddl());
      await under.write('target', table, 1, 'x');
      await tablet.renameTables([[table, `${table} old`]], { load: true });
      expect(await tablet.tableNames()).not.toContain(table);
      expect(await under.rows('target', `${table} old`)).toEqual({ '1': 'x' });
      await tablet.applySchema(ddl());
      await expect(tablet.renameTables([[table, `${table} old`]])).rejects.toMatchObject({
        code: 'TABLET_CALL_FAILED',
      });
      await tablet.dropTable(`${table} old`);
    });

    test('many tables are dropped at once, those that are there', async () => {
      const parent = `${table} parent`;
      const names = [parent, `${table} to`, `${table}, a"'b`, table];
      onTestFinished(() => tablet.dropTables(names));
      await tablet.createTables([
        ...names.slice(0, 3).map(ddl),
        `create table ${quoteName(table)} (id bigint primary key, foreign key (id) references ${quoteName(parent)} (id))`,
      ]);
      await tablet.reloadSchema();
      // Twice: the answer of an earlier call may be lost.
      for (let i = 0; i < 2; i++) await tablet.dropTables([...names, 'no such table']);
      await tablet.dropTables([]);
      await tablet.reloadSchema();
      for (const name of names) expect(await tablet.tableNames()).not.toContain(name);
    });

    test('many tables are renamed at once, all of them or none', async () => {
      const [other, taken] = [`${table} to`, `${table} taken`];
      onTestFinished(() => tablet.dropTables([other, taken, `${table} old`, `${other} old`]));
      await tablet.createTables([table, other, taken].map((name) => ddl(name)));
      await under.write('target', table, 1, 'x');
      const there = async () => (await tablet.tableNames()).filter((name) => name.startsWith(table));
      const before = await there();
      for (const [from, to] of [
        [other, taken],
        ['no such table', `${other} old`],
      ] as const)
        await expect(
          tablet.renameTables([
            [table, `${table} old`],
            [from, to],
          ]),
        ).rejects.toMatchObject({ code: 'TABLET_CALL_FAILED' });
      expect(await there()).toEqual(before);
      await tablet.renameTables([
        [table, `${table} old`],
        [other, `${other} old`],
      ]);
      await tablet.renameTables([]);
      await tablet.reloadSchema();
      expect(await there()).toEqual([`${table} old`, taken, `${other} old`].sort());
      expect(await under.rows('target', `${table} old`)).toEqual({ '1': 'x' });
    });

    test('a tablet that does not answer is named in the error', async () => {
      const silent = await under.silent.primary(under.silent.target, 'commerce', '0');
      await expect(silent.primaryPosition()).rejects.toMatchObject({
        code: 'TABLET_UNREACHABLE',
        place: { tablet: tablet.alias },
      });
    });
  });

  describe(`checksums of ${name}`, () => {
    const all = { range: { after: null, upTo: null } };
    const timeout = 10_000;

    async function described(of: TabletHandle): Promise<ChecksumTable> {
      const [facts] = await of.tableDetails([table]);
      const agreed = facts === undefined ? 'no table' : agreeOnTable(facts, [facts]);
      if (typeof agreed === 'string') throw new Error(agreed);
      return agreed;
    }

    test('equal rows have equal checksums on both sides, and their parts add up', async () => {
      for (const each of [tablet, source]) await each.applySchema(ddl());
      const of = await described(tablet);
      expect(await tablet.checksum(of, all, timeout)).toEqual({ rows: 0, sum: '0', tooLong: 0 });
      for (let id = 1; id <= 5; id++) await under.write('target', table, id, `v${id}`);
      for (let id = 5; id >= 1; id--) await under.write('source', table, id, `v${id}`);
      const whole = await tablet.checksum(of, all, timeout);
      expect(whole).toMatchObject({ rows: 5, tooLong: 0 });
      expect(await source.checksum(of, all, timeout)).toEqual(whole);
      const parts = [
        { range: { after: null, upTo: ['2'] } },
        { range: { after: ['2'], upTo: ['3'] } },
        { range: { after: ['3'], upTo: null } },
      ];
      const read = await Promise.all(parts.map((part) => tablet.checksum(of, part, timeout)));
      expect(read.map(({ rows }) => rows)).toEqual([2, 1, 2]);
      expect(addChecksums(read)).toEqual({ rows: 5, sum: whole.sum });
      await under.write('target', table, 3, 'other');
      expect((await tablet.checksum(of, all, timeout)).sum).not.toBe(whole.sum);
    });

    test('single rows are chosen by their keys, and a range is cut after some rows', async () => {
      await tablet.applySchema(ddl());
      const of = await described(tablet);
      for (let id = 1; id <= 5; id++) await under.write('target', table, id, 'v');
      const [second, fourth] = await tablet.rowChecksums(of, { keys: [['4'], ['2'], ['9']] }, 10, timeout);
      expect([second?.key, fourth?.key]).toEqual([['2'], ['4']]);
      const pair = await tablet.checksum(of, { keys: [['4'], ['2']] }, timeout);
      expect(pair).toMatchObject({ rows: 2, sum: String(BigInt(second?.sum ?? 0) + BigInt(fourth?.sum ?? 0)) });
      expect(await tablet.boundary(of, all.range, 3, timeout)).toEqual(['3']);
      expect(await tablet.boundary(of, { after: ['3'], upTo: null }, 2, timeout)).toEqual(['5']);
      expect(await tablet.boundary(of, all.range, 6, timeout)).toBeUndefined();
    });

    test('what has happened to rows is told by their keys', async () => {
      await source.applySchema(ddl());
      const of = await described(source);
      const limits = { keys: 1_000, timeoutMs: timeout };
      const from = await source.primaryPosition();
      for (const id of [1, 2]) await under.write('source', table, id, 'v');
      const to = await source.primaryPosition();
      expect(await source.hasExecuted(to, 1)).toBe(true);
      const changes = await source.changes([of], from, to, limits);
      expect([...new Set(changes.rows.get(table)?.flat())].sort()).toEqual(['1', '2']);
      expect(containsPosition(changes.reached, to)).toBe(true);
      expect(await source.changes([of], to, to, limits)).toEqual({ reached: to, rows: new Map(), statements: [] });
    });
  });

  describe(`the server of ${name}`, () => {
    test('a tablet that serves is healthy, streams, and may write streams', async () => {
      expect(await tablet.health()).toBe('');
      await tablet.openStream();
      expect(await tablet.permissions()).toMatchObject({ ok: true, error: '' });
      expect(await tablet.throttledApps()).toEqual({});
      expect(tablet.type).toBe('PRIMARY');
      expect(tablet.place).toMatchObject({ cluster: 'target', keyspace: 'commerce', shard: '0', tablet: tablet.alias });
    });

    test('its variables, collations and time zones are known, and what the account of its streams may do', async () => {
      const version = expect.stringMatching(/^\d+\.\d+/) as string;
      expect(await tablet.variables(['version', 'no_such_variable'])).toEqual({ version });
      expect(await tablet.collations()).toContain('utf8mb4_0900_ai_ci');
      expect(await tablet.convertsFrom('Nowhere/At_all')).toBe(false);
      const { user } = await tablet.permissions();
      expect(await tablet.grants(user)).toEqual(expect.arrayContaining(['SELECT', 'REPLICATION SLAVE']));
    });

    test('nothing is open where nothing writes', async () => {
      await expect.poll(() => tablet.openTransactions(), waiting).toEqual(new Set());
      await expect.poll(() => tablet.lockingTransactions(), waiting).toEqual([]);
    });

    test('a primary replicates from nobody', async () => {
      expect(await tablet.replication()).toBeUndefined();
    });
  });

  describe(`denied tables of ${name}`, () => {
    const deny = (tables: string[]) =>
      withKeyspaceLock(clients.target, 'commerce', 'test', (lock) => denyTables(lock, clients.target, '0', tables));
    const allow = (tables: string[]) =>
      withKeyspaceLock(clients.target, 'commerce', 'test', (lock) => allowTables(lock, clients.target, '0', tables));

    test('they hold for the tables that exist when the tablet reads its record, until it reads it again', async () => {
      const later = `${table} later`;
      const trial = clients.vtgate.trial('commerce');
      onTestFinished(() => trial.close());
      const readable = (each: string) => expect.poll(() => trial.read(each), waiting).toBeUndefined();
      const refused = async (answer: Promise<string | undefined>) =>
        expect(await answer).toContain('rule: enforce denied tables');
      await tablet.applySchema(ddl());
      await readable(table);
      await deny([table, later]);
      await readable(table);
      await tablet.refreshState();
      await tablet.applySchema(ddl(later));
      await readable(later);
      // A vtgate takes a minute to give up on a denied table.
      await Promise.all([refused(trial.read(table)), refused(trial.write(table, '0'))]);
      await tablet.refreshState();
      await allow([table, later]);
      await refused(trial.read(later));
      await tablet.refreshState();
      await readable(table);
      await readable(later);
      await tablet.dropTable(later);
    });
  });

  describe(`vtgate of ${name}`, () => {
    test('an unsharded keyspace serves tables its VSchema does not list, a sharded one does not', async () => {
      const [commerce, customer, missing] = ['commerce', 'customer', 'no_such_keyspace'].map((each) =>
        clients.vtgate.trial(each),
      );
      await tablet.applySchema(ddl());
      await expect.poll(() => commerce?.read(table), waiting).toBeUndefined();
      expect(await customer?.read(table)).toMatch(/not found|does not exist/);
      expect(await missing?.read(table)).toMatch(/unknown database/);
      for (const each of [commerce, customer, missing]) await each?.close();
    });

    test('a write that is tried leaves nothing in the logs of MySQL', async () => {
      const trial = clients.vtgate.trial('commerce');
      onTestFinished(() => trial.close());
      await tablet.applySchema(ddl());
      await under.write('target', table, 1, 'x');
      await expect.poll(() => trial.read(table), waiting).toBeUndefined();
      const before = await tablet.primaryPosition();
      expect(await trial.write(table, '0')).toBeUndefined();
      expect(await tablet.primaryPosition()).toBe(before);
      expect(await under.rows('target', table)).toEqual({ '1': 'x' });
      await under.write('target', table, 2, 'y');
      expect(await tablet.primaryPosition()).not.toBe(before);
    });

    test('a write is tried on the shard that is named', async () => {
      const trial = clients.vtgate.trial('commerce');
      onTestFinished(() => trial.close());
      await tablet.applySchema(ddl());
      expect(await trial.write(table, '80-')).toMatch(/no healthy tablet/);
      expect(await trial.write(`${table} missing`, '0')).toMatch(/exist/);
    });
  });

  describe(`changes since a position in ${name}`, () => {
    test('the tables are named that were written to, also when they were renamed since', async () => {
      await source.applySchema(ddl());
      const from = await source.primaryPosition();
      expect(await source.changedTables([table], from, from, 30_000)).toEqual([]);
      await under.write('source', table, 1, 'x');
      const to = await source.primaryPosition();
      expect(await source.changedTables([table, 'customer'], from, to, 30_000)).toEqual([table]);
      expect(await source.changedTables(['customer'], from, to, 30_000)).toEqual([]);
    });

    test('a position that does not come is an error in time', async () => {
      const never = 'MySQL56/00000000-0000-0000-0000-0000000000ff:1-5';
      await expect(
        source.changedTables(['customer'], await source.primaryPosition(), never, 500),
      ).rejects.toMatchObject({ code: 'TABLET_UNREACHABLE' });
    });
  });

  describe(`streams of ${name}`, () => {
    let workflow = '';
    beforeEach(() => {
      workflow = `c${randomUUID().slice(0, 8)}`;
    });
    afterEach(async () => {
      await tablet.deleteVDiffs([workflow], 'commerce');
      await tablet.deleteStreams([workflow]);
    });

    const request = (externalCluster: string, stopAfterCopy = false) => ({
      workflow,
      binlogSource: [
        {
          keyspace: 'load',
          shard: '0',
          filter: { rules: [{ match: table, filter: `select * from ${quoteName(table)}` }] },
          onDdl: OnDDLAction.IGNORE,
          externalCluster,
          stopAfterCopy,
        },
      ],
      cells: ['ext'],
      tabletTypes: [TabletType.PRIMARY],
      tabletSelectionPreference: TabletSelectionPreference.INORDER,
      workflowType: VReplicationWorkflowType.Migrate,
      deferSecondaryKeys: true,
      options: '{}',
    });
    /** A table with two rows in the source, empty in the target, and a stream that has not been started. */
    const prepare = async (externalCluster = mountName, stopAfterCopy = false) => {
      await source.applySchema(ddl());
      await tablet.applySchema(ddl());
      for (const id of [1, 2]) await under.write('source', table, id, `v${id}`);
      await tablet.createStreams(request(externalCluster, stopAfterCopy));
    };
    const stream = async () => (await tablet.streams([workflow]))[0];
    const copying = async () => {
      const id = (await stream())?.id ?? 0;
      return (await tablet.copyState([id])).get(id);
    };
    const copied = async () => {
      await tablet.setStreamState([workflow], 'Running');
      await expect
        .poll(stream, waiting)
        .toMatchObject({ state: 'Running', position: expect.stringMatching(/^MySQL56\//) as string });
      expect(await copying()).toEqual([]);
    };

    test('one that has been created stands still, with nothing copied', async () => {
      await prepare();
      expect(await stream()).toMatchObject({
        sourceKeyspace: 'load',
        sourceShard: '0',
        externalCluster: mountName,
        state: 'Stopped',
        message: '',
        position: '',
      });
      expect(await tablet.streams(['another'])).toEqual([]);
      expect(await copying()).toEqual([]);
      expect(await under.rows('target', table)).toEqual({});
      const common = {
        workflow,
        shard: '0',
        tablet: tablet.alias,
        type: 'Migrate',
        cells: ['ext'],
        options: {
          tabletTypes: ['PRIMARY'],
          tabletTypesInPreferenceOrder: true,
          autoStart: true,
          stopAfterCopy: false,
          deferSecondaryKeys: true,
          onDdl: 'IGNORE',
          configOverrides: {},
        },
        streams: [{ matches: [table], stopPosition: '', throttledBy: '' }],
      };
      // All of them, or one: the same reading.
      expect((await tablet.workflows()).filter((other) => other.workflow === workflow)).toMatchObject([common]);
      expect(await tablet.workflows([workflow])).toMatchObject([common]);
      expect(await tablet.workflows(['another'])).toEqual([]);
      expect(await tablet.copyState([])).toEqual(new Map());
    });

    test('a second call to create it makes a second stream', async () => {
      await prepare();
      await tablet.createStreams(request(mountName));
      expect(new Set((await tablet.streams([workflow])).map(({ id }) => id)).size).toBe(2);
    });

    test('those of several workflows are read, stopped and deleted together, and no others', async () => {
      await prepare();
      const names = [workflow, `${workflow}-lane2`];
      for (const n of [2, 3]) await tablet.createStreams({ ...request(mountName), workflow: `${workflow}-lane${n}` });
      const states = async (of: string[]) =>
        (await tablet.streams(of)).map((each) => [each.workflow, each.state, each.message]);
      expect((await tablet.workflows([...names].reverse())).map((each) => each.workflow)).toEqual(names);
      expect(await tablet.workflows([])).toEqual([]);
      await tablet.setStreamState(names, 'Stopped', 'for lunch');
      expect(await states(names)).toEqual(names.map((each) => [each, 'Stopped', 'for lunch']));
      expect(await states([`${workflow}-lane3`])).toEqual([[`${workflow}-lane3`, 'Stopped', '']]);
      await tablet.deleteStreams(names);
      expect(await tablet.streams(names)).toEqual([]);
      expect(await states([`${workflow}-lane3`])).toHaveLength(1);
      await tablet.deleteStreams([`${workflow}-lane3`]);
    });

    test('started, it copies, then follows, and can be waited for', async () => {
      await prepare();
      await copied();
      expect(await under.rows('target', table)).toEqual({ '1': 'v1', '2': 'v2' });
      const age = await tablet.messageAge((await stream())?.id ?? 0);
      expect(age).toBeGreaterThanOrEqual(0);
      expect(age).toBeLessThan(600);
      expect(await tablet.messageAge(999_999)).toBe(0);
      await under.write('source', table, 3, 'v3');
      await under.write('source', table, 1, 'changed');
      await under.write('source', table, 2, null);
      await tablet.waitForPosition((await stream())?.id ?? 0, await source.primaryPosition(), 30_000);
      expect(await under.rows('target', table)).toEqual({ '1': 'changed', '3': 'v3' });
    });

    test('stopped, it keeps its place and its message; started, it goes on from there', async () => {
      await prepare();
      await copied();
      await tablet.setStreamState([workflow], 'Stopped', 'for lunch');
      expect(await stream()).toMatchObject({ state: 'Stopped', message: 'for lunch' });
      const before = (await stream())?.position ?? '';
      await under.write('source', table, 3, 'v3');
      await expect(
        tablet.waitForPosition((await stream())?.id ?? 0, await source.primaryPosition(), 3_000),
      ).rejects.toMatchObject({ message: expect.stringMatching(/stopped|time|deadline/i) as string });
      expect(await stream()).toMatchObject({ position: before });
      await tablet.setStreamState([workflow], 'Running', '');
      await tablet.waitForPosition((await stream())?.id ?? 0, await source.primaryPosition(), 30_000);
      expect(await under.rows('target', table)).toMatchObject({ '3': 'v3' });
    });

    test('where a stream reads can be changed, and it goes on; a stopped one stays stopped', async () => {
      await prepare();
      await copied();
      const options = async () => (await tablet.workflows([workflow])).map((each) => [each.cells, each.options]);
      const [made] = await tablet.workflows([workflow]);
      const reading: StreamOptions = {
        ...(made?.options ?? streamOptionsOf()),
        onDdl: 'EXEC_IGNORE',
        tabletTypes: ['PRIMARY'],
        tabletTypesInPreferenceOrder: false,
      };
      await tablet.setStreamOptions([workflow], ['ext', 'zone2'], reading);
      expect(await options()).toEqual([[['ext', 'zone2'], reading]]);
      expect((await stream())?.state).toBe('Running');
      await under.write('source', table, 3, 'v3');
      await tablet.waitForPosition((await stream())?.id ?? 0, await source.primaryPosition(), 30_000);
      expect(await under.rows('target', table)).toMatchObject({ '3': 'v3' });
      await tablet.setStreamState([workflow], 'Stopped');
      const inOrder: StreamOptions = {
        ...reading,
        tabletTypes: ['REPLICA', 'PRIMARY'],
        tabletTypesInPreferenceOrder: true,
      };
      await tablet.setStreamOptions([workflow], ['ext'], inOrder);
      expect(await options()).toEqual([[['ext'], inOrder]]);
      expect((await stream())?.state).toBe('Stopped');
    });

    test('config overrides are replaced as a whole, and the stream goes on', async () => {
      await prepare();
      await copied();
      const overrides = async () => (await tablet.workflows([workflow])).map((each) => each.options.configOverrides);
      expect(await overrides()).toEqual([{}]);
      await tablet.setConfigOverrides(workflow, {
        'vreplication-experimental-flags': '3',
        'vreplication-net-read-timeout': '301',
      });
      await tablet.setConfigOverrides(workflow, { 'vreplication-experimental-flags': '1' });
      expect(await overrides()).toEqual([{ 'vreplication-experimental-flags': '1' }]);
      await tablet.setStreamState([workflow], 'Stopped');
      await tablet.setStreamState([workflow], 'Running', '');
      expect(await overrides()).toEqual([{ 'vreplication-experimental-flags': '1' }]);
      await under.write('source', table, 3, 'v3');
      await tablet.waitForPosition((await stream())?.id ?? 0, await source.primaryPosition(), 30_000);
      expect(await under.rows('target', table)).toMatchObject({ '3': 'v3' });
    });

    test('a table leaves a stopped stream, which goes on with the other one from its place', async () => {
      const other = `${table} "} rules:{`;
      for (const each of [source, tablet]) await each.applySchema(ddl(other));
      onTestFinished(async () => {
        for (const each of [source, tablet]) await each.dropTable(other);
      });
      await source.applySchema(ddl());
      await tablet.applySchema(ddl());
      await under.write('source', table, 1, 'v1');
      await under.write('source', other, 1, 'o1');
      const both = request(mountName);
      for (const { filter } of both.binlogSource)
        filter.rules.push({ match: other, filter: `select * from ${quoteName(other)}` });
      await tablet.createStreams(both);
      await copied();
      await tablet.setStreamState([workflow], 'Stopped');
      const { id = 0, position = '' } = (await stream()) ?? {};
      // Twice: an earlier attempt may have ended after it.
      for (let i = 0; i < 2; i++) {
        await tablet.removeRules([workflow], [other, 'no such table']);
        await tablet.deleteTableCopyState([id], [other]);
        expect(await tablet.deferredKeys([id], [other])).toEqual([]);
        await tablet.deleteDeferredKeys([id], [other]);
      }
      expect(await stream()).toMatchObject({
        id,
        position,
        state: 'Stopped',
        matches: [table],
        externalCluster: mountName,
      });
      expect(await under.rows('target', other)).toEqual({ '1': 'o1' });
      await tablet.emptyTable(other);
      expect(await under.rows('target', other)).toEqual({});
      await source.dropTable(other);
      await under.write('source', table, 2, 'v2');
      await tablet.setStreamState([workflow], 'Running', '');
      await tablet.waitForPosition(id, await source.primaryPosition(), 30_000);
      expect(await under.rows('target', table)).toEqual({ '1': 'v1', '2': 'v2' });
    });

    test('started twice, it is the same as once', async () => {
      await prepare();
      await copied();
      await tablet.setStreamState([workflow], 'Running');
      expect(await stream()).toMatchObject({ state: 'Running' });
      expect(await under.rows('target', table)).toEqual({ '1': 'v1', '2': 'v2' });
    });

    test('one that is to stop after the copy does so', async () => {
      await prepare(mountName, true);
      await tablet.setStreamState([workflow], 'Running');
      await expect
        .poll(stream, waiting)
        .toMatchObject({ state: 'Stopped', message: expect.stringMatching(/stopped after copy/i) as string });
      expect(await copying()).toEqual([]);
    });

    test('without its mount a stream cannot start, says Running all the same, and has no position', async () => {
      await prepare('nomount');
      await expect(tablet.setStreamState([workflow], 'Running')).rejects.toMatchObject({
        message: expect.stringContaining('nomount') as string,
      });
      expect(await stream()).toMatchObject({ state: 'Running', position: '' });
    });

    test('a position that does not come is an error in time; so is a stream that is not there', async () => {
      await prepare();
      await copied();
      await expect(
        tablet.waitForPosition((await stream())?.id ?? 0, 'MySQL56/00000000-0000-0000-0000-000000000001:1-5', 300),
      ).rejects.toMatchObject({ code: 'TABLET_UNREACHABLE' });
      await expect(tablet.waitForPosition(999_999, await source.primaryPosition(), 5_000)).rejects.toMatchObject({
        code: 'TABLET_CALL_FAILED',
      });
    });

    test('deleted, they are gone with their copy state, and can be deleted and stopped again', async () => {
      await prepare();
      await tablet.setStreamState([workflow], 'Running');
      const id = (await stream())?.id ?? 0;
      for (let i = 0; i < 2; i++) await tablet.deleteStreams([workflow]);
      await tablet.setStreamState([workflow], 'Stopped');
      expect(await tablet.streams([workflow])).toEqual([]);
      expect(await tablet.copyState([id])).toEqual(new Map([[id, []]]));
      expect((await tablet.orphanedCopyState()).filter((each) => each.stream === String(id))).toEqual([]);
    });

    test('copy state of a stream that is gone is found, and can be deleted twice', async () => {
      const orphans = async () => (await tablet.orphanedCopyState()).filter(({ stream: id }) => id === '987654');
      await under.orphan(987_654, table);
      expect(await orphans()).toEqual([{ stream: '987654', tables: [table] }]);
      for (let i = 0; i < 2; i++) await tablet.deleteCopyState('987654');
      expect(await orphans()).toEqual([]);
    });

    test('clearing the position to stop at leaves a stream that has none as it is', async () => {
      await prepare();
      await copied();
      await tablet.clearStopPosition([workflow]);
      expect(await stream()).toMatchObject({ state: 'Running', stopPosition: '' });
    });

    describe('VDiff', () => {
      const options = {
        pickerOptions: { tabletTypes: 'primary', sourceCell: 'ext', targetCell: 'zone1' },
        coreOptions: { maxRows: 1_000n, samplePct: 100n, timeoutSeconds: 30n, maxExtraRowsToCompare: 1_000n },
        reportOptions: { format: 'json', maxSampleRows: 10n },
      };
      const listed = () => tablet.vdiffs(workflow, 'commerce');
      const create = async (more: { autoStart?: boolean } = {}) => {
        const uuid = randomUUID();
        await tablet.createVDiff(workflow, 'commerce', uuid, {
          ...options,
          coreOptions: { ...options.coreOptions, ...more },
        });
        return uuid;
      };
      const completed = async (uuid: string) => {
        await expect
          .poll(async () => (await tablet.showVDiff(workflow, 'commerce', uuid))[0], waiting)
          .toMatchObject({ vdiff_state: 'completed', table_name: table, table_state: 'completed' });
        const [row] = await tablet.showVDiff(workflow, 'commerce', uuid);
        return { row, report: JSON.parse(row?.['report'] ?? '{}') as Record<string, unknown> };
      };

      test('compares every row, with the stream running again afterwards', async () => {
        await prepare();
        await copied();
        const first = await create();
        const { row, report } = await completed(first);
        expect(row).toMatchObject({ rows_compared: '2', has_mismatch: '0', last_error: '' });
        expect(report).toMatchObject({ ProcessedRows: 2, MismatchedRows: 0, ExtraRowsSource: 0, ExtraRowsTarget: 0 });
        await expect.poll(stream, waiting).toMatchObject({ state: 'Running', message: '' });
        await under.write('target', table, 1, 'wrong');
        const second = await create();
        expect(await listed()).toMatchObject([{ underWay: true }, { underWay: false }]);
        const found = await completed(second);
        expect(found).toMatchObject({ row: { has_mismatch: '1' }, report: { ProcessedRows: 2, MismatchedRows: 1 } });
        expect(await listed()).toEqual([second, first].map((uuid) => ({ uuid, underWay: false })));
      });

      test('a UUID exists once; an unknown one shows nothing; one that is stopped has no table yet', async () => {
        await prepare();
        const uuid = await create({ autoStart: false });
        await expect(tablet.createVDiff(workflow, 'commerce', uuid, options)).rejects.toMatchObject({
          message: expect.stringContaining('already exists') as string,
        });
        expect(await listed()).toMatchObject([{ uuid }]);
        expect(await tablet.showVDiff(workflow, 'commerce', randomUUID())).toEqual([]);
        expect(await tablet.showVDiff(workflow, 'commerce', uuid)).toMatchObject([
          { vdiff_state: 'stopped', table_name: null, report: null },
        ]);
      });

      test('deleting them all may be done twice, and the stream runs', async () => {
        await prepare();
        await copied();
        await create();
        for (let i = 0; i < 2; i++) await tablet.deleteVDiffs([workflow], 'commerce');
        expect(await listed()).toEqual([]);
        await expect.poll(stream, waiting).toMatchObject({ state: 'Running', message: '' });
      });

      test('a stream that another program has stopped before runs afterwards, and moves', async () => {
        await prepare();
        await copied();
        await tablet.setStreamState([workflow], 'Stopped', 'by another program');
        await completed(await create());
        await expect.poll(stream, waiting).toMatchObject({ state: 'Running', message: '' });
        await under.write('source', table, 3, 'later');
        const { id = 0 } = (await stream()) ?? {};
        await tablet.waitForPosition(id, await source.primaryPosition(), 30_000);
        expect(await under.rows('target', table)).toMatchObject({ '3': 'later' });
      });

      test('one that holds no stream is deleted, and a stream that is stopped stays so', async () => {
        await prepare();
        await copied();
        await create({ autoStart: false });
        await tablet.setStreamState([workflow], 'Stopped', 'for vdiff');
        await tablet.deleteVDiffs([workflow], 'commerce');
        expect(await stream()).toMatchObject({ state: 'Stopped', message: 'for vdiff' });
      });

      test('its records outlive the streams', async () => {
        await prepare();
        const uuid = await create({ autoStart: false });
        await tablet.deleteStreams([workflow]);
        expect(await listed()).toMatchObject([{ uuid }]);
        const records = async () => (await tablet.vdiffRows('commerce')).filter(({ id }) => id === uuid);
        expect(await records()).toEqual([{ id: uuid, workflow, state: 'stopped' }]);
        expect((await tablet.vdiffRows('another')).filter(({ id }) => id === uuid)).toEqual([]);
        for (let i = 0; i < 2; i++) await tablet.deleteVDiffRows(uuid);
        expect(await records()).toEqual([]);
        expect(await listed()).toEqual([]);
      });
    });
  });
}
