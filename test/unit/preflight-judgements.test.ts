import { describe, expect, it } from 'vitest';
import type { VSchemaFacts } from '../../src/migration/plan/facts.js';
import { judgeDisk, judgePrivileges, judgeThrottler } from '../../src/migration/preflight/capacity.js';
import { judgeLocks, judgeNames, judgeRouting, judgeWorkflows } from '../../src/migration/preflight/conflicts.js';
import type { CandidateFacts, ColumnFacts, ServerFacts, TableFacts } from '../../src/migration/preflight/facts.js';
import { describeFinding, type Finding } from '../../src/migration/problem/finding.js';
import { judgeAddresses, judgeCandidates } from '../../src/migration/preflight/reachability.js';
import {
  judgeCollations,
  judgeSourceServers,
  judgeTransactions,
  judgeVersions,
} from '../../src/migration/preflight/servers.js';
import { judgeTables, judgeTargetTable } from '../../src/migration/preflight/tables.js';
import { topologyWrites } from '../../src/migration/preflight/topology-writes.js';
import { judgeVindexes } from '../../src/migration/preflight/vindexes.js';
import { samplePlan } from '../support/workflow/samples.js';

const place = { cluster: 'ext1', keyspace: 'load', shard: '0', tablet: 'ext-0000000100' };
const target = { cluster: 'target', keyspace: 'commerce' };

/** `check: message`, without place and remedy. */
function said(findings: readonly Finding[]): string[] {
  for (const each of findings) expect(each.remedy, describeFinding(each)).not.toBe('');
  return findings.map(({ check, message }) => `${check}: ${message}`);
}

const good = {
  version: '8.4.3',
  gtid_mode: 'ON',
  log_bin: 'ON',
  log_replica_updates: 'ON',
  binlog_format: 'ROW',
  binlog_row_image: 'FULL',
  binlog_expire_logs_seconds: '2592000',
  sql_mode: 'A,B',
  character_set_server: 'utf8mb4',
  collation_server: 'utf8mb4_0900_ai_ci',
};
const server = (changes: Record<string, string> = {}, vitess?: string): ServerFacts => ({
  place,
  variables: { ...good, ...changes },
  ...(vitess === undefined ? {} : { vitess }),
});
const small = { bytes: 0, shards: 1 };

describe('source servers', () => {
  it.each([
    { changes: {}, says: [] },
    { changes: { gtid_mode: 'OFF' }, says: ['gtid-mode: gtid_mode is OFF, not ON'] },
    {
      changes: { log_bin: 'OFF', log_replica_updates: 'OFF' },
      says: ['binary-log: log_bin is OFF, not ON', 'binary-log: log_replica_updates is OFF, not ON'],
    },
    { changes: { binlog_format: 'STATEMENT' }, says: ['binlog-format: binlog_format is STATEMENT, not ROW'] },
    { changes: { binlog_row_image: 'noblob' }, says: ['binlog-row-image: binlog_row_image is noblob, not FULL'] },
    { changes: { binlog_row_image: 'full' }, says: [] },
    { changes: { binlog_expire_logs_seconds: '0' }, says: [] },
    { changes: { binlog_expire_logs_seconds: '60', binlog_expire_logs_auto_purge: 'OFF' }, says: [] },
    {
      changes: { binlog_expire_logs_seconds: '7199' },
      says: [
        'binlog-retention: binary logs are kept for 7199 s; the copy may need them for 7200 s (twice its estimated time, and at least 7200 s)',
      ],
    },
    { changes: { binlog_expire_logs_seconds: '7200' }, says: [] },
  ])('$changes', ({ changes, says }) => {
    expect(said(judgeSourceServers([server(changes)], small))).toEqual(says);
  });

  it('a variable this MySQL does not have is not judged', () => {
    expect(judgeSourceServers([{ place, variables: {} }], small)).toEqual([]);
  });

  it('binary logs are needed for twice the time of the copy, shared by the source shards', () => {
    const bytes = 5 * 1024 * 1024 * 100_000;
    expect(
      said(judgeSourceServers([server({ binlog_expire_logs_seconds: '99999' })], { bytes, shards: 2 }))[0],
    ).toContain('for 100000 s');
    expect(judgeSourceServers([server({ binlog_expire_logs_seconds: '100000' })], { bytes, shards: 2 })).toEqual([]);
  });
});

describe('versions and modes of both sides', () => {
  it.each([
    { from: server(), to: server(), says: [] },
    {
      from: server({ version: '8.4.3' }),
      to: server({ version: '8.0.36-log' }),
      says: ['mysql-version: MySQL 8.0.36-log of the target is older than 8.4 of the source'],
    },
    { from: server({ version: '8.0.36' }), to: server({ version: '10.0.1' }), says: [] },
    { from: server({}, '24.0.1'), to: server({}, ''), says: [] },
    {
      from: server({}, '22.0.1'),
      to: server({}, '24.0.0'),
      says: ['vitess-version: vttablet is 22.0.1; vtmigrate is tried with 24'],
    },
    {
      from: server(),
      to: server({ sql_mode: 'B,C' }),
      says: ["sql-mode: sql_mode of the target differs from the source's: -A, +C"],
    },
    { from: server(), to: server({ sql_mode: 'B,A' }), says: [] },
    {
      from: server(),
      to: server({ collation_server: 'latin1_bin' }),
      says: ['charset: collation_server is latin1_bin in the target and utf8mb4_0900_ai_ci in the source'],
    },
  ])('%#', ({ from, to, says }) => {
    expect(said(judgeVersions([from], [to]))).toEqual(says);
  });

  it('nothing is compared with a source that nobody could read', () => {
    expect(judgeVersions([], [server({ version: '5.7.1' })])).toEqual([]);
  });

  it('collations the target does not know are named once for each table', () => {
    const columns = ['utf8mb4_bin', 'odd_ci', 'odd_ci', ''].map((collation) => ({ table: 't', collation }));
    expect(said(judgeCollations(columns, [{ place: target, collations: ['utf8mb4_bin'] }]))).toEqual([
      "collation: collation odd_ci of table t is not known to the target's MySQL",
    ]);
  });

  it('transactions of half a minute are long', () => {
    const open = (seconds: number) => ({ place, id: '7', seconds, thread: '12' });
    expect(judgeTransactions([open(29)])).toEqual([]);
    expect(said(judgeTransactions([open(30)]))).toEqual([
      'long-transaction: transaction 7 of connection 12 has been open for 30 s with rows locked',
    ]);
  });
});

const column = (name: string, changes: Partial<ColumnFacts> = {}): ColumnFacts => ({
  name,
  type: 'bigint',
  nullable: false,
  hasDefault: false,
  collation: '',
  generated: false,
  autoIncrement: false,
  ...changes,
});
const primary = { name: 'PRIMARY', columns: ['id'], notNull: true };
const table = (changes: Partial<TableFacts> = {}): TableFacts => ({
  name: 't',
  engine: 'InnoDB',
  columns: [column('id')],
  uniqueKeys: [primary],
  foreignKeys: [],
  triggers: [],
  ...changes,
});
const unsharded: VSchemaFacts = { sharded: false, vindexes: {}, tables: {} };
const sharded = (entry: Partial<VSchemaFacts['tables'][string]> = {}, type = 'xxhash'): VSchemaFacts => ({
  sharded: true,
  vindexes: { v: { type, params: {} } },
  tables: { t: { type: '', columnVindexes: [{ name: 'v', columns: ['id'] }], ...entry } },
});
const judge = (tables: TableFacts[], vschema = unsharded, views: string[] = []) =>
  judgeTables({ tables, views, source: place, target: { sharded: vschema.sharded, vschema, place: target } });
const reference = (changes: object = {}) => ({
  name: 'fk',
  references: 'p',
  onUpdate: 'RESTRICT',
  onDelete: 'NO ACTION',
  ...changes,
});

describe('tables of the source', () => {
  it.each([
    { what: 'nothing odd', tables: [table()], says: [] },
    {
      what: 'no key',
      tables: [table({ uniqueKeys: [] })],
      says: ['no-primary-key: table t has neither a primary key nor a unique key without NULLs'],
    },
    {
      what: 'a key with NULLs',
      tables: [table({ uniqueKeys: [{ name: 'u', columns: ['a'], notNull: false }] })],
      says: ['no-primary-key: table t has neither a primary key nor a unique key without NULLs'],
    },
    {
      what: 'a unique key',
      tables: [table({ uniqueKeys: [{ name: 'u', columns: ['a'], notNull: true }] })],
      says: ['unique-key-only: table t has no primary key; its rows are told apart by the unique key u'],
    },
    {
      what: 'a foreign key within',
      tables: [table({ foreignKeys: [reference({ references: 't' })] })],
      says: ['foreign-key: foreign key fk of table t references t; both are moved'],
    },
    {
      what: 'a foreign key outside that cascades',
      tables: [table({ foreignKeys: [reference({ onDelete: 'CASCADE', onUpdate: 'CASCADE' })] })],
      says: [
        'foreign-key-outside: foreign key fk of table t references p, which is not moved',
        'foreign-key-cascade: foreign key fk of table t references p with CASCADE; MySQL may leave what it changes that way out of the binary log',
      ],
    },
    {
      what: 'a trigger',
      tables: [table({ triggers: ['a', 'b'] })],
      says: ['trigger: table t has triggers, which are not copied: a, b'],
    },
    {
      what: 'an engine',
      tables: [table({ engine: 'ROCKSDB' })],
      says: ['engine: table t is of engine ROCKSDB: it cannot be read at one moment in time'],
    },
    {
      what: 'generated columns',
      tables: [table({ columns: Array.from({ length: 10 }, (_, i) => column(`c${i}`, { generated: true })) })],
      says: ['generated-column: table t has generated columns: c0, c1, c2, c3, c4, c5, c6, c7 and 2 more'],
    },
    {
      what: 'auto_increment, unsharded',
      tables: [table({ columns: [column('id', { autoIncrement: true })] })],
      says: [],
    },
    { what: 'views', tables: [], views: ['v', 'w'], says: ['view: views are not copied: v, w'] },
  ])('$what', ({ tables, views = [], says }) => {
    expect(said(judge(tables, unsharded, views))).toEqual(says);
  });

  it.each([
    {
      entry: {},
      says: ['auto-increment: column id of table t is AUTO_INCREMENT: each shard of the target would count for itself'],
    },
    { entry: { autoIncrement: { column: 'id', sequence: 's' } }, says: [] },
    { entry: { type: 'reference' }, says: [] },
  ])('auto_increment into a sharded target, with $entry', ({ entry, says }) => {
    expect(said(judge([table({ columns: [column('id', { autoIncrement: true })] })], sharded(entry)))).toEqual(says);
  });

  it('a foreign key into a sharded target holds within a shard only', () => {
    expect(said(judge([table({ foreignKeys: [reference({ references: 't' })] })], sharded()))).toEqual([
      'foreign-key-sharded: foreign key fk of table t references t; a sharded target checks it within each shard only',
    ]);
  });
});

describe('a table that the target has already', () => {
  const compare = (from: Partial<TableFacts>, to: Partial<TableFacts>) =>
    said(judgeTargetTable(table(from), table(to), target)).map((text) =>
      text.replace(/table t of the target (cannot take the source's rows|differs from the source's)/, '…'),
    );

  it.each([
    { what: 'the same', from: {}, to: {}, says: [] },
    { what: 'the same in other case', from: { columns: [column('ID')] }, to: {}, says: [] },
    {
      what: 'a missing column',
      from: { columns: [column('id'), column('a')] },
      to: {},
      says: ['target-table-incompatible: …: a is missing'],
    },
    {
      what: 'a missing generated column',
      from: { columns: [column('id'), column('a', { generated: true })] },
      to: {},
      says: ['target-table-differs: …: a, generated in the source, is missing'],
    },
    {
      what: 'a column that must be filled',
      from: {},
      to: { columns: [column('id'), column('a')] },
      says: ['target-table-incompatible: …: a is only in the target, NOT NULL and without a default'],
    },
    {
      what: 'a column that need not be filled',
      from: {},
      to: { columns: [column('id'), column('a', { nullable: true }), column('b', { hasDefault: true })] },
      says: ['target-table-differs: …: a is only in the target, b is only in the target'],
    },
    {
      what: 'generated in the target',
      from: { columns: [column('a')] },
      to: { columns: [column('a', { generated: true })] },
      says: ['target-table-incompatible: …: a is generated'],
    },
    {
      what: 'generated in the source',
      from: { columns: [column('a', { generated: true })] },
      to: { columns: [column('a')] },
      says: ['target-table-incompatible: …: a is not generated'],
    },
    {
      what: 'type, collation, NULL',
      from: { columns: [column('id', { nullable: true, collation: 'x' })] },
      to: { columns: [column('id', { type: 'int' })] },
      says: ['target-table-differs: …: id is int, not bigint, id has collation none, not x, id is NOT NULL'],
    },
    {
      what: 'keys',
      from: { uniqueKeys: [primary] },
      to: { uniqueKeys: [{ name: 'u', columns: ['id', 'select'], notNull: true }] },
      says: [
        'target-table-differs: …: the primary key on id is missing, a unique key on id, `select` is only in the target',
      ],
    },
    {
      what: 'triggers',
      from: {},
      to: { triggers: ['x'] },
      says: ['target-table-differs: …: the target has triggers, which copied rows would fire: x'],
    },
  ])('$what', ({ from, to, says }) => {
    expect(compare(from, to)).toEqual(says);
  });
});

describe('vindexes', () => {
  const judged = (to: VSchemaFacts, from = unsharded, tables = [table()]) =>
    said(judgeVindexes(tables, from, to, target));

  it.each([
    { what: 'an unsharded target', to: unsharded, says: [] },
    { what: 'one that fits', to: sharded(), says: [] },
    {
      what: 'a reference table',
      to: sharded({ type: 'reference', columnVindexes: [{ name: 'v', columns: ['x'] }] }),
      says: [],
    },
    {
      what: 'a column that is not there',
      to: sharded({ columnVindexes: [{ name: 'v', columns: ['ID', 'x'] }] }),
      says: ['vindex-column: table t has no column x, which its primary vindex v takes'],
    },
    {
      what: 'an unknown type',
      to: sharded({}, 'mine'),
      says: ['vindex-unknown: vindex v of table t is of type mine, which Vitess 24 does not have'],
    },
    { what: 'a lookup, which the plan refuses', to: sharded({}, 'consistent_lookup_unique'), says: [] },
    { what: 'the same in a sharded source', to: sharded(), from: sharded(), says: [] },
    {
      what: 'another type in a sharded source',
      to: sharded(),
      from: sharded({}, 'hash'),
      says: ['vindex-differs: table t is sharded by hash(id) in the source and by xxhash(id) in the target'],
    },
    {
      what: 'another column in a sharded source',
      to: sharded(),
      from: sharded({ columnVindexes: [{ name: 'v', columns: ['b'] }] }),
      says: ['vindex-differs: table t is sharded by xxhash(b) in the source and by xxhash(id) in the target'],
    },
    { what: 'a table the sharded source does not know', to: sharded(), from: { ...sharded(), tables: {} }, says: [] },
  ])('$what', ({ to, from, says }) => {
    expect(judged(to, from)).toEqual(says);
  });

  it.each(['constructor', '__proto__'])('a table called %s is no surprise', (name) => {
    expect(judged(sharded(), sharded(), [table({ name })])).toEqual([]);
  });
});

describe('source tablets', () => {
  const candidate = (changes: Partial<CandidateFacts> = {}): CandidateFacts => ({
    place,
    hostname: 'h',
    type: 'REPLICA',
    unhealthy: '',
    streamError: '',
    ...changes,
  });
  const other = { ...place, tablet: 'ext-0000000101' };

  it.each([
    { what: 'none at all, which is for the plan to say', candidates: [], says: [] },
    { what: 'healthy', candidates: [candidate()], says: [] },
    {
      what: 'one of two',
      candidates: [candidate(), candidate({ place: other, unhealthy: 'it does not serve' })],
      says: ['unhealthy-tablet: tablet is not healthy: it does not serve'],
    },
    {
      what: 'none of two',
      candidates: [candidate({ unhealthy: 'a' }), candidate({ place: other, unhealthy: 'b' })],
      says: [
        'source-tablet: no tablet of the chosen types in the chosen cells is healthy: ext-0000000100 (REPLICA): a; ext-0000000101 (REPLICA): b',
      ],
    },
    {
      what: 'of one shard of two',
      candidates: [candidate({ unhealthy: 'a' }), candidate({ place: { ...other, shard: '1' } })],
      says: [
        'source-tablet: no tablet of the chosen types in the chosen cells is healthy: ext-0000000100 (REPLICA): a',
      ],
    },
    {
      what: 'no stream',
      candidates: [candidate({ streamError: 'Access denied' })],
      says: ['source-stream: no stream can be opened on this tablet (Access denied)'],
    },
  ])('$what', ({ candidates, says }) => {
    const found = judgeCandidates(candidates);
    expect(said(found)).toEqual(says);
    for (const each of found.filter(({ check }) => check === 'source-tablet'))
      expect(each.place.tablet).toBeUndefined();
  });

  it.each([
    {
      host: 'db7',
      topoServer: 'localhost:2379',
      tablet: '10.0.0.1',
      says: [
        "source-address: the mount's topology server is localhost:2379, which to this primary on db7 is its own machine",
      ],
    },
    {
      host: 'db7',
      topoServer: 'etcd:2379,127.0.0.2:2379',
      tablet: '::1',
      says: [
        "source-address: the mount's topology server is etcd:2379,127.0.0.2:2379, which to this primary on db7 is its own machine",
        'source-address: source tablet ext-0000000100 is registered on ::1, which to this primary on db7 is its own machine',
      ],
    },
    { host: '127.0.0.1', topoServer: 'localhost:2379', tablet: '127.0.0.1', says: [] },
    { host: 'db7', topoServer: 'etcd:2379', tablet: 'db8', says: [] },
  ])('seen from $host, etcd on $topoServer, tablet on $tablet', ({ host, topoServer, tablet, says }) => {
    expect(
      said(judgeAddresses([{ place: target, hostname: host }], { topoServer, tablets: [{ hostname: tablet, place }] })),
    ).toEqual(says);
  });
});

describe('what surrounds the migration', () => {
  const rules = (from: string, ...to: string[]) => ({ tables: [{ from, to }], keyspaces: [] });

  it.each([
    { facts: rules('commerce.t', 'other.t'), says: ['routing-rule: a routing rule sends commerce.t to other.t'] },
    {
      facts: rules('commerce.t@replica', 'other.t'),
      says: ['routing-rule: a routing rule sends commerce.t@replica to other.t'],
    },
    { facts: rules('commerce.t'), says: ['routing-rule: a routing rule sends commerce.t to nowhere'] },
    { facts: rules('commerce.t', 'commerce.t'), says: [] },
    { facts: rules('t', 'other.t'), says: [] },
    { facts: rules('commerce.u', 'other.u'), says: [] },
    {
      facts: { tables: [], keyspaces: [{ from: 'commerce@rdonly', to: 'other' }] },
      says: ['routing-rule: a keyspace routing rule sends commerce@rdonly to other'],
    },
    {
      facts: {
        tables: [],
        keyspaces: [
          { from: 'commerce', to: 'commerce' },
          { from: 'x', to: 'y' },
        ],
      },
      says: [],
    },
  ])('rules $facts', ({ facts, says }) => {
    expect(said(judgeRouting(facts, ['t'], 'commerce', target))).toEqual(says);
  });

  it.each([
    { theirs: ['u'], says: [] },
    { theirs: ['u', 't'], says: ['other-workflow: the workflow w has the same tables: t'] },
    { theirs: ['/.*'], says: ['other-workflow: the workflow w has the same tables: all of them'] },
  ])('another workflow with $theirs', ({ theirs, says }) => {
    expect(said(judgeWorkflows([{ place: target, workflow: 'w', tables: theirs }], ['s', 't']))).toEqual(says);
  });

  it('locks and names', () => {
    expect(said(judgeLocks([{ place: target, path: 'keyspaces/commerce', holder: 'a of b@c since d' }]))).toEqual([
      'lock-held: keyspaces/commerce is locked by a of b@c since d',
    ]);
    expect(said(judgeNames(['t', 'a b'], { x: ['t', 'a b', 'c'], y: ['c'] }, target))).toEqual([
      'ambiguous-name: keyspace x has tables of the same names: t, `a b`',
    ]);
  });

  it.each([
    {
      used: undefined,
      says: [
        "disk-unknown: the tablet does not know how full MySQL's disk is; the copy adds about 3 MiB to this shard, keys and binary logs not counted",
      ],
    },
    { used: 0.79, says: [] },
    {
      used: 0.8,
      says: [
        "disk-full: MySQL's disk is 80 % full; the copy adds about 3 MiB to this shard, keys and binary logs not counted",
      ],
    },
  ])('a disk used to $used', ({ used, says }) => {
    expect(said(judgeDisk(target, used, 3 * 1024 * 1024 - 5))).toEqual(says);
  });

  it('throttler rules that are for streams, or for this workflow', () => {
    const apps = { vreplication: 1, 'wf:vcopier': 0.25, 'online-ddl': 1, 'other:vplayer': 1 };
    expect(said(judgeThrottler(target, apps, 'wf'))).toEqual([
      'throttler: the throttler holds back vreplication for 100 % of the time',
      'throttler: the throttler holds back wf:vcopier for 25 % of the time',
    ]);
  });

  it('privileges that are missing, unless they cannot be told', () => {
    expect(judgePrivileges(place, 'u', undefined)).toEqual([]);
    expect(judgePrivileges(place, 'u', ['SELECT', 'LOCK TABLES', 'REPLICATION SLAVE', 'FILE'])).toEqual([]);
    expect(said(judgePrivileges(place, 'u', ['LOCK TABLES']))).toEqual([
      "source-privileges: the account u, with which the source's tablets read for streams, lacks SELECT, REPLICATION SLAVE",
    ]);
  });
});

describe('the keys that a migration writes', () => {
  const roots = { target: '/g', cells: { zone1: '/z1', zone2: '/z2' }, source: '/s' };

  it('of the target, and of the source only for a fence', () => {
    const plan = samplePlan();
    const lines = topologyWrites(plan, roots, false).map((line) => line.split(' ')[0]);
    expect(lines).toEqual([
      '/g/internal/named_locks/commerce/wf/locks/…',
      '/g/keyspaces/commerce/locks/…',
      '/g/vtmigrate/commerce/wf',
      '/g/keyspaces/commerce/shards/0/Shard',
      '/g/keyspaces/commerce/VSchema',
      '/z1/SrvVSchema',
      '/z2/SrvVSchema',
    ]);
    expect(topologyWrites(plan, roots, true).at(-1)).toBe(
      'in ext1: /s/keyspaces/load/shards/0/Shard (denied tables: from Complete on)',
    );
    expect(topologyWrites({ ...plan, missingInVSchema: [] }, roots, false).join()).not.toContain(
      '/g/keyspaces/commerce/VSchema',
    );
  });
});
