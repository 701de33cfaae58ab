import { create } from '@bufbuild/protobuf';
import { WorkflowFailedError, type ApplicationFailure } from '@temporalio/client';
import type { Connection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { customerVSchema } from '../../lab/data.js';
import { describeFinding, type CheckName, type Finding } from '../../src/migration/preflight/finding.js';
import { EtcdKv } from '../../src/vitess/topology/etcd.js';
import { absent } from '../../src/vitess/topology/kv.js';
import { withKeyspaceLock } from '../../src/vitess/topology/lock.js';
import { Topology } from '../../src/vitess/topology/topology.js';
import type { Tablet } from '../../src/vitess/wire/topodata_pb.js';
import { VindexSchema } from '../../src/vitess/wire/vschema_pb.js';
import { Program, resultOf, until } from '../support/lab/program.js';
import { statusOf } from '../support/status.js';
import { snapshot } from '../support/lab/snapshot.js';
import { changeTablet, ghostOf, registerGhost, removeGhost } from '../support/lab/tablet-record.js';
import { emptyTarget, lab, mysqlOf, sourceMount as mount, sql, vtctldclient } from '../support/lab/lab.js';

const base = { source: 'ext1.load', target: 'commerce.pre', tables: ['customer'] };
const kv = { source: new EtcdKv(lab.source.topoServer, 'source'), target: new EtcdKv(lab.target.topoServer, 'target') };
const account = lab.mysqlAccount.user;
let program: Program;
let admin: { source: Connection; target: Connection };
let blocker: Connection;

beforeAll(async () => {
  program = await Program.start();
  await program.client.workflow.execute('mount', {
    taskQueue: program.taskQueue,
    workflowId: `mount-${program.taskQueue}`,
    args: [{ action: 'mount', name: 'ext1', config: mount }],
  });
  for (const keyspace of ['commerce', 'customer'] as const) await emptyTarget(keyspace);
  // Opened before any privilege is taken away: a connection keeps those it had when it was made.
  admin = { source: await mysqlOf('source', 'load', '0'), target: await mysqlOf('target', 'commerce', '0') };
  blocker = await mysqlOf('source', 'load', '0');
});
afterAll(async () => {
  await program.stop();
  for (const keyspace of ['commerce', 'customer'] as const) await emptyTarget(keyspace);
  for (const connection of [admin.source, admin.target, blocker]) await connection.end();
  for (const each of Object.values(kv)) each.close();
});

/** Everything a dry run finds. It must change nothing. */
async function findings(input: { target?: string; [field: string]: unknown } = {}): Promise<Finding[]> {
  const keyspace = (input.target ?? base.target).startsWith('customer') ? 'customer' : 'commerce';
  const before = await snapshot(keyspace);
  const result = await resultOf(await program.migrate({ ...base, ...input, dryRun: true }));
  expect(await snapshot(keyspace)).toEqual(before);
  if (result.outcome !== 'planned') throw new Error(result.outcome);
  return result.findings;
}

/** A change to real servers that makes a check fail, and how it is taken back. */
interface Case {
  check: CheckName;
  what: string;
  input?: { target?: string; [field: string]: unknown };
  spoil: () => Promise<unknown>;
  mend: () => Promise<unknown>;
  says: RegExp;
}

/** A table that Vitess's garbage collector holds until 2099. */
const heldTable = '_vt_hld_aaaabbbbccccddddeeeeffff00001111_20991231235959_';
const onSource = (statement: string) => () => admin.source.query(statement);
const onTarget = (statement: string) => () => admin.target.query(statement);
/** A table of the source for one case, gone afterwards. */
const withTable = (
  check: CheckName,
  what: string,
  says: RegExp,
  statements: string,
  input: Record<string, unknown> = {},
): Case => ({
  check,
  what,
  says,
  input: { tables: ['odd'], ...input },
  spoil: onSource(statements),
  mend: onSource(
    'set foreign_key_checks = 0; drop view if exists odd_view; ' +
      `drop table if exists odd, odd_parent, _odd_old, _odd_gho, ${heldTable}; set foreign_key_checks = 1`,
  ),
});
/** A table that the target has already. */
const withTargetTable = (check: CheckName, what: string, says: RegExp, columns: string): Case => ({
  check,
  what,
  says,
  spoil: onTarget(`create table customer (${columns})`),
  mend: onTarget('drop table customer'),
});
const variable = (
  side: 'source' | 'target',
  check: CheckName,
  name: string,
  bad: string,
  good: string,
  says: RegExp,
): Case => ({
  check,
  what: `${name} = ${bad} on the ${side}`,
  says,
  spoil: () => admin[side].query(`set global ${name} = ${bad}`),
  mend: () => admin[side].query(`set global ${name} = ${good}`),
});
const privilege = (side: 'source' | 'target', check: CheckName, name: string, says: RegExp): Case => ({
  check,
  what: `without ${name} on the ${side}`,
  says,
  spoil: () => admin[side].query(`revoke ${name} on *.* from ${account}`),
  mend: () => admin[side].query(`grant ${name} on *.* to ${account} with grant option`),
});

const customerColumns =
  'id bigint not null auto_increment primary key, name varchar(120) not null, email varchar(160) not null, preferences json, created datetime not null, unique key email (email)';

const settings: Case[] = [
  variable('source', 'gtid-mode', 'gtid_mode', 'ON_PERMISSIVE', 'ON', /gtid_mode is ON_PERMISSIVE, not ON/),
  variable('source', 'binlog-format', 'binlog_format', 'MIXED', 'ROW', /binlog_format is MIXED/),
  variable('source', 'binlog-row-image', 'binlog_row_image', 'MINIMAL', 'FULL', /binlog_row_image is MINIMAL/),
  variable(
    'source',
    'binlog-retention',
    'binlog_expire_logs_seconds',
    '60',
    '2592000',
    /kept for 60 s; the copy may need them for 7200 s/,
  ),
  {
    check: 'on-ddl',
    what: 'on-ddl EXEC',
    input: { onDdl: 'EXEC' },
    says: /with on-ddl EXEC, statements of the source about triggers, .* are also run on the target/,
    spoil: () => Promise.resolve(),
    mend: () => Promise.resolve(),
  },
  variable(
    'target',
    'sql-mode',
    'sql_mode',
    "'ANSI_QUOTES,STRICT_TRANS_TABLES'",
    'default',
    /-ONLY_FULL_GROUP_BY.*\+ANSI_QUOTES/,
  ),
  variable(
    'target',
    'charset',
    'character_set_server',
    'latin1',
    'utf8mb4',
    /character_set_server is latin1 in the target and utf8mb4 in the source/,
  ),
  privilege(
    'source',
    'source-stream',
    'REPLICATION SLAVE',
    /no stream can be opened on this tablet .*REPLICATION SLAVE/,
  ),
  privilege('source', 'source-privileges', 'LOCK TABLES', new RegExp(`account ${account}.*lacks LOCK TABLES`)),
  privilege('source', 'not-readable', 'PROCESS', /open transactions could not be read .*PROCESS/),
  privilege('target', 'target-permissions', 'INSERT', /does not have INSERT permission on _vt\.vreplication/),
  {
    check: 'source-privileges-unknown',
    what: 'a source that cannot be written',
    says: /privileges of the account for streams could not be read/,
    spoil: onSource('set global super_read_only = 1'),
    mend: onSource('set global super_read_only = 0; set global read_only = 0'),
  },
];

const tables: Case[] = [
  withTable(
    'no-primary-key',
    'a table without a key',
    /odd has neither a primary key nor/,
    'create table odd (a int, b int not null, unique key (a))',
  ),
  withTable(
    'unique-key-only',
    'a table with a unique key only',
    /odd has no primary key; .*unique key u/,
    'create table odd (a int not null, unique key u (a))',
  ),
  withTable(
    'foreign-key',
    'a foreign key within the tables',
    /foreign key fk of table odd references odd_parent; both are moved/,
    'create table odd_parent (id bigint primary key); create table odd (id bigint primary key, c bigint, constraint fk foreign key (c) references odd_parent (id))',
    { tables: ['odd', 'odd_parent'] },
  ),
  withTable(
    'foreign-key-outside',
    'a foreign key to a table that stays',
    /references odd_parent, which is not moved/,
    'create table odd_parent (id bigint primary key); create table odd (id bigint primary key, c bigint, constraint fk foreign key (c) references odd_parent (id))',
  ),
  withTable(
    'foreign-key-cascade',
    'a foreign key that cascades',
    /with CASCADE and SET NULL/,
    'create table odd_parent (id bigint primary key); create table odd (id bigint primary key, c bigint, constraint fk foreign key (c) references odd_parent (id) on update cascade on delete set null)',
    { tables: ['odd', 'odd_parent'] },
  ),
  withTable(
    'trigger',
    'a trigger',
    /odd has triggers, which are not copied: odd_trigger/,
    'create table odd (id bigint primary key); create trigger odd_trigger before insert on odd for each row set new.id = new.id + 1',
  ),
  withTable(
    'engine',
    'another engine',
    /odd uses the engine MyISAM/,
    'create table odd (id bigint primary key) engine = MyISAM',
  ),
  withTable(
    'generated-column',
    'a generated column',
    /odd has generated columns: g/,
    'create table odd (id bigint primary key, g bigint generated always as (id + 1) virtual)',
  ),
  withTable(
    'float-column',
    'a FLOAT column',
    /odd has FLOAT columns, of which the copy keeps six digits: f, g/,
    'create table odd (id bigint primary key, f float not null, g float(7, 3) unsigned, d double, r float(53))',
  ),
  withTable(
    'float-key',
    'a FLOAT column in the primary key',
    /odd has a key with FLOAT columns, which the copy rounds: f/,
    'create table odd (id bigint, f float, g float, primary key (id, f))',
  ),
  withTable(
    'internal-table',
    "a name of Vitess's garbage collector",
    /is the name of an internal table of Vitess/,
    `create table ${heldTable} (id bigint primary key)`,
    { tables: [heldTable] },
  ),
  withTable(
    'internal-tables-left-out',
    "all tables, with one of Vitess's garbage collector",
    /internal tables are not moved: _odd_old, _vt_hld_/,
    `create table odd (id bigint primary key); create table _odd_old like odd; create table ${heldTable} like odd`,
    { tables: undefined, all: true },
  ),
  withTable(
    'working-table',
    'a table that gh-ost works on',
    /_odd_gho looks like a working table of gh-ost for odd/,
    'create table odd (id bigint primary key); create table _odd_gho like odd',
  ),
  withTable(
    'view',
    'a view',
    /views are not copied: odd_view/,
    'create table odd (id bigint primary key); create view odd_view as select * from odd',
    { tables: undefined, all: true },
  ),
  withTargetTable(
    'target-table-incompatible',
    'a target table that lacks a column',
    /cannot take the source's rows: email is missing, extra is only in the target, NOT NULL/,
    'id bigint primary key, name varchar(120) not null, preferences json, created datetime not null, extra int not null',
  ),
  withTargetTable(
    'target-table-differs',
    'a target table of other types',
    /`name` is varchar\(20\), not varchar\(120\), email has collation latin1_bin/,
    customerColumns
      .replace('varchar(120)', 'varchar(20)')
      .replace('email varchar(160)', 'email varchar(160) collate latin1_bin'),
  ),
];

/** Tables and vindexes of a sharded target. */
const customer = { target: 'customer.pre' };
const applyVSchema = (cluster: 'source' | 'target', keyspace: string, vschema: object) => async () => {
  const applied = await vtctldclient(cluster, 'ApplyVSchema', '--vschema', JSON.stringify(vschema), keyspace);
  if (applied.code !== 0) throw new Error(applied.stderr);
};
const mendVSchema = applyVSchema('target', 'customer', customerVSchema);
const withEntry = (table: string, entry: object, vindexes: object = {}) => ({
  ...customerVSchema,
  vindexes: { ...customerVSchema.vindexes, ...vindexes },
  tables: { ...customerVSchema.tables, [table]: entry },
});
const sharded: Case[] = [
  {
    check: 'auto-increment',
    what: 'auto_increment without a sequence',
    input: customer,
    says: /column id of table customer is AUTO_INCREMENT/,
    spoil: () => Promise.resolve(),
    mend: () => Promise.resolve(),
  },
  {
    check: 'vindex-column',
    what: 'a vindex on a column that is not there',
    input: { ...customer, tables: ['corder'] },
    says: /corder has no column nope, which its primary vindex xxhash takes/,
    spoil: applyVSchema(
      'target',
      'customer',
      withEntry('corder', { column_vindexes: [{ column: 'nope', name: 'xxhash' }] }),
    ),
    mend: mendVSchema,
  },
  {
    check: 'vindex-unknown',
    what: 'a vindex of a type Vitess has not',
    input: customer,
    says: /is of type homemade, which Vitess 24 does not have/,
    // ApplyVSchema would not write such a VSchema; a vtctld with a vindex of its own would.
    spoil: () => {
      const { target } = topologies();
      return withKeyspaceLock(target, 'customer', 'test', (lock) =>
        target.updateVSchema(
          lock,
          (vschema) => ((vschema.vindexes['xxhash'] = create(VindexSchema, { type: 'homemade' })), true),
        ),
      );
    },
    mend: mendVSchema,
  },
  {
    check: 'vindex-differs',
    what: 'a source that is sharded by another column',
    input: { ...customer, tables: ['corder'] },
    says: /corder is sharded by xxhash\(id\) in the source and by xxhash\(customer_id\) in the target/,
    spoil: applyVSchema('source', 'load', withEntry('corder', { column_vindexes: [{ column: 'id', name: 'xxhash' }] })),
    mend: applyVSchema('source', 'load', { tables: {} }),
  },
  {
    ...withTable(
      'foreign-key-sharded',
      'a foreign key into a sharded target',
      /a sharded target checks it within each shard only/,
      'create table odd_parent (id bigint primary key); create table odd (id bigint primary key, c bigint, constraint fk foreign key (c) references odd_parent (id))',
    ),
    input: { ...customer, tables: ['odd', 'odd_parent'] },
  },
];

function topologies() {
  return {
    source: new Topology('source', lab.source.topoServer, lab.source.topoRoot, () => kv.source),
    target: new Topology('target', lab.target.topoServer, lab.target.topoRoot, () => kv.target),
  };
}

async function removeKey(side: 'source' | 'target', key: string): Promise<void> {
  const entry = await kv[side].get(key);
  if (entry !== undefined) await kv[side].delete(key, entry.revision);
}
const [sourceTablet, targetTablet] = [lab.source.tablets[0], lab.target.tablets[0]];
const changing = (side: 'source' | 'target', change: (tablet: Tablet) => void, back: (tablet: Tablet) => void) => {
  const alias = (side === 'source' ? sourceTablet : targetTablet)?.alias ?? '';
  return { spoil: () => changeTablet(side, alias, change), mend: () => changeTablet(side, alias, back) };
};
/** A replica that is registered and does not run. */
const haunt = {
  spoil: () => registerGhost('source', { keyspace: 'load', shard: '0', type: 'REPLICA' }),
  mend: () => removeGhost('source'),
};
const journal = (workflow: string) => {
  const key = `${lab.target.topoRoot}/vtmigrate/commerce/${workflow}`;
  const contents = {
    version: 1,
    runId: 'another',
    source: 'ext7.load',
    createdTables: { '0': ['customer'] },
    deniedTables: {},
    vschemaTables: [],
    streams: true,
    forward: false,
  };
  return {
    spoil: () => kv.target.put(key, Buffer.from(JSON.stringify(contents)), absent),
    mend: () => removeKey('target', key),
  };
};

const surroundings: Case[] = [
  {
    check: 'source-tablet',
    what: 'no healthy tablet of the chosen type',
    input: { tabletTypes: ['REPLICA'] },
    says: new RegExp(`is healthy: ${ghostOf('source')} \\(REPLICA\\): the tablet does not answer StreamHealth`),
    ...haunt,
  },
  {
    check: 'unhealthy-tablet',
    what: 'one of two tablets that is not healthy',
    says: /tablet is not healthy: the tablet does not answer/,
    ...haunt,
  },
  {
    check: 'vdiff-tablet',
    what: 'a target without a tablet that VDiff is to read',
    input: { vdiffTabletTypes: ['RDONLY'] },
    says: /no tablet of type RDONLY, which VDiff is to read \(cluster target, keyspace commerce, shard 0\)/,
    spoil: () => registerGhost('source', { keyspace: 'load', shard: '0', type: 'RDONLY' }),
    mend: () => removeGhost('source'),
  },
  {
    check: 'version-unknown',
    what: 'a tablet without an HTTP port',
    says: /version of vttablet could not be read .*no HTTP port/,
    ...changing(
      'source',
      (record) => delete record.portMap['vt'],
      (record) => (record.portMap['vt'] = sourceTablet?.port ?? 0),
    ),
  },
  {
    check: 'source-address',
    what: 'a source on localhost, seen from another host',
    says: /registered on 127\.0\.0\.1, which means its own machine to this primary on 127\.1/,
    ...changing(
      'target',
      (record) => (record.hostname = '127.1'),
      (record) => (record.hostname = '127.0.0.1'),
    ),
  },
  {
    check: 'migration-name',
    what: "another run's journal of this name",
    says: /commerce\.pre belongs to the migration of ext7\.load with run ID another/,
    ...journal('pre'),
  },
  {
    check: 'other-workflow',
    what: 'a migration of ours with the same tables',
    says: /the workflow commerce\.second has the same tables: customer/,
    ...journal('second'),
  },
  {
    check: 'other-workflow',
    what: "a workflow of Vitess's own with the same tables",
    says: /the workflow theirs has the same tables: customer/,
    spoil: () =>
      vtctldclient(
        'target',
        'Migrate',
        '--workflow',
        'theirs',
        '--target-keyspace',
        'commerce',
        'create',
        '--source-keyspace',
        'load',
        '--mount-name',
        'ext1',
        '--tables',
        'customer',
        '--cells',
        'ext',
        '--auto-start=false',
      ),
    mend: async () => {
      await vtctldclient('target', 'Workflow', '--keyspace', 'commerce', 'delete', '--workflow', 'theirs');
      await vtctldclient(
        'target',
        'SetShardTabletControl',
        '--denied-tables',
        'customer',
        '--remove',
        'commerce/0',
        'primary',
      );
      await emptyTarget('commerce');
    },
  },
  {
    check: 'table-denied',
    what: 'a denied table that was left over',
    says: /customer is in the denied tables already/,
    spoil: () =>
      vtctldclient('target', 'SetShardTabletControl', '--denied-tables', 'customer', 'commerce/0', 'primary'),
    mend: () =>
      vtctldclient(
        'target',
        'SetShardTabletControl',
        '--denied-tables',
        'customer',
        '--remove',
        'commerce/0',
        'primary',
      ),
  },
  {
    check: 'routing-rule',
    what: 'a routing rule away from a table',
    says: /a routing rule sends commerce\.customer to customer\.customer/,
    spoil: () =>
      vtctldclient(
        'target',
        'ApplyRoutingRules',
        '--rules',
        JSON.stringify({ rules: [{ from_table: 'commerce.customer', to_tables: ['customer.customer'] }] }),
      ),
    mend: () => vtctldclient('target', 'ApplyRoutingRules', '--rules', '{"rules":[]}'),
  },
  {
    check: 'routing-rule',
    what: 'a keyspace routing rule',
    says: /a keyspace routing rule sends commerce to customer/,
    spoil: () =>
      vtctldclient(
        'target',
        'ApplyKeyspaceRoutingRules',
        '--rules',
        JSON.stringify({ rules: [{ from_keyspace: 'commerce', to_keyspace: 'customer' }] }),
      ),
    mend: () => vtctldclient('target', 'ApplyKeyspaceRoutingRules', '--rules', '{"rules":[]}'),
  },
  {
    check: 'ambiguous-name',
    what: 'a table of the same name in another keyspace',
    says: /keyspace customer has tables of the same names: customer/,
    spoil: () => Promise.resolve(),
    mend: () => Promise.resolve(),
  },
  {
    check: 'disk-unknown',
    what: 'a MySQL that vttablet does not manage',
    says: /does not know how full MySQL's disk is; the copy adds about \d+ MiB/,
    spoil: () => Promise.resolve(),
    mend: () => Promise.resolve(),
  },
];

describe.each([
  { group: 'settings and privileges', cases: settings },
  { group: 'tables', cases: tables },
  { group: 'a sharded target', cases: sharded },
  { group: 'what surrounds the migration', cases: surroundings },
])('preflight sees, with nothing changed: $group', ({ cases }) => {
  test.each(cases)('$check: $what', async ({ check, input, spoil, mend, says }) => {
    let found: Finding[];
    try {
      await spoil();
      found = await findings(input);
    } finally {
      await mend();
    }
    expect(found.filter((each) => each.check === check).map(describeFinding)).toEqual(
      expect.arrayContaining([expect.stringMatching(says)]),
    );
  });
});

test('lock-held: the holder of a lock is named', async () => {
  const lease = await kv.target.lock(
    `${lab.target.topoRoot}/keyspaces/commerce`,
    JSON.stringify({ Action: 'Reshard', HostName: 'h', UserName: 'somebody', Time: 'noon' }),
    5_000,
  );
  const found = await findings().finally(() => lease.release());
  expect(found.filter(({ check }) => check === 'lock-held').map(({ message }) => message)).toEqual([
    'keyspaces/commerce is locked by Reshard of somebody@h since noon',
  ]);
});

test('throttler: a rule that holds streams back', async () => {
  const update = async (...flags: string[]) => {
    const done = await vtctldclient('target', 'UpdateThrottlerConfig', ...flags, 'commerce');
    if (done.code !== 0) throw new Error(done.stderr);
  };
  await update(
    '--enable',
    '--throttle-app',
    'vreplication',
    '--throttle-app-ratio',
    '0.5',
    '--throttle-app-duration',
    '10m',
  );
  try {
    await expect
      .poll(async () => (await findings()).filter(({ check }) => check === 'throttler').map(({ message }) => message), {
        timeout: 300_000,
        interval: 1_000,
      })
      .toEqual(['the throttler holds back vreplication for 50 % of the time']);
  } finally {
    await update('--unthrottle-app', 'vreplication', '--disable');
  }
});

test('long-transaction: one with locked rows', async () => {
  await blocker.query('begin; update corder set qty = qty where id = 1');
  try {
    await new Promise((resolve) => setTimeout(resolve, 31_000));
    const [found] = (await findings()).filter(({ check }) => check === 'long-transaction');
    expect(found).toMatchObject({
      severity: 'warning',
      place: { cluster: 'ext1', tablet: sourceTablet?.alias },
      message: expect.stringMatching(/has been open for 3\d s with rows locked/) as string,
    });
  } finally {
    await blocker.query('rollback');
  }
}, 90_000);

describe('what preflight decides', () => {
  beforeAll(() => sql('source', 'load', '0', 'create table odd (a int); insert into odd values (1), (2)'));
  afterAll(() => sql('source', 'load', '0', 'drop table odd'));
  const odd = { ...base, tables: ['odd'] };

  async function refusal(input: Record<string, unknown>): Promise<ApplicationFailure> {
    const before = await snapshot('commerce');
    const error: unknown = await (await program.migrate(input)).result().catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(WorkflowFailedError);
    expect(await snapshot('commerce')).toEqual(before);
    return (error as WorkflowFailedError).cause as ApplicationFailure;
  }

  test('a warning stops until it is accepted by name, and then stays in the status', async () => {
    const failure = await refusal(odd);
    expect(failure.type).toBe('PREFLIGHT_REFUSED');
    expect(failure.message).toMatch(
      /one thing is in the way; nothing has been changed:\n {2}- warning no-primary-key: .*-accept no-primary-key/s,
    );
    const handle = await program.migrate({ ...odd, accept: ['no-primary-key'] });
    await until(handle, ({ phase }) => phase === 'replicating');
    expect((await statusOf(handle)).findings).toMatchObject([
      { check: 'no-primary-key', severity: 'warning' },
      { check: 'checksum-whole', severity: 'notice' },
      { check: 'disk-unknown', severity: 'notice' },
    ]);
    expect((await program.cli('Workflow', 'Show', 'commerce.pre')).stdout).toMatch(
      /Accepted warnings of preflight:\n {2}- no-primary-key: table odd has neither/,
    );
    await handle.executeUpdate('cancel');
  });

  test('tablet-answers: without it there is no plan, not even for a dry run', async () => {
    const port = changing(
      'target',
      (record) => (record.portMap['grpc'] = 1),
      (record) => (record.portMap['grpc'] = targetTablet?.grpcPort ?? 0),
    );
    await port.spoil();
    const failure = await refusal({ ...base, source: 'ext9.load', dryRun: true }).finally(port.mend);
    expect(failure.type).toBe('PREFLIGHT_REFUSED');
    for (const says of [
      /error mount-answers: no external cluster is mounted as ext9/,
      /error tablet-answers: the tablet does not answer ExecuteFetchAsDba .*keyspace commerce, shard 0/,
    ])
      expect(failure.message).toMatch(says);
  });

  test('errors and warnings of both sides are listed at once', async () => {
    await admin.source.query('set global binlog_row_image = MINIMAL');
    await admin.target.query('create table odd (b int)');
    try {
      const failure = await refusal({ ...odd, tables: ['odd', 'nope'] });
      expect(failure.message).toMatch(/^6 things are in the way/);
      for (const says of [
        /error binlog-row-image/,
        /error source-stream: .*minimal binlog_row_image/,
        /error table-exists: table nope/,
        /error target-table-incompatible: .*a is missing/,
        /warning no-primary-key/,
        /warning target-table-differs/,
      ])
        expect(failure.message).toMatch(says);
    } finally {
      await admin.source.query('set global binlog_row_image = FULL');
      await admin.target.query('drop table odd');
    }
  });

  test('a dry run on the command line prints everything, and fails when Create would', async () => {
    const flags = ['Migrate', '-tables', 'odd,corder', '-source', 'ext1.load', '-dry_run'];
    const refused = await program.cli(...flags, 'Create', 'commerce.pre');
    expect(refused.code).toBe(1);
    for (const says of [
      /create tables: {5}odd, corder/,
      /corder: select \* from corder/,
      /CREATE TABLE `odd` \(\n {4}`a` int DEFAULT NULL\n/,
      /\/vtmigrate\/commerce\/pre \(the journal, /,
      /Preflight: 0 errors, 1 warning, 3 notices:/,
      /warning no-primary-key: table odd/,
      /Create would be refused: 1 finding in the way. Warnings are passed with -accept no-primary-key/,
    ])
      expect(refused.stdout).toMatch(says);
    const accepted = await program.cli(...flags, '-accept', 'no-primary-key', 'Create', 'commerce.pre');
    expect(accepted).toMatchObject({ code: 0, stdout: expect.not.stringContaining('would be refused') as string });
  });

  test.each([
    { accept: 'nonsense', says: /accept\.0 names no check: "nonsense"/ },
    { accept: 'gtid-mode', says: /accept\.0 names gtid-mode: an error cannot be accepted/ },
  ])('$accept cannot be accepted', async ({ accept, says }) => {
    const answer = await program.cli(
      'Migrate',
      '-tables',
      'odd',
      '-source',
      'ext1.load',
      '-accept',
      accept,
      'Create',
      'commerce.pre',
    );
    expect(answer.code).not.toBe(0);
    expect(answer.stderr).toMatch(says);
  });

  test('the sample goes through without accepting anything', async () => {
    for (const target of ['commerce.pre', 'customer.pre']) {
      const found = await findings({ target, tables: undefined, all: true, exclude: ['odd'] });
      expect(found.filter(({ severity }) => severity !== 'notice')).toEqual([]);
    }
  });
});
