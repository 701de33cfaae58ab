import { afterAll, beforeAll, expect, test } from 'vitest';
import { customerVSchema } from '../../lab/data.js';
import { describeFinding, type CheckName } from '../../src/migration/preflight/finding.js';
import { emptyTarget, sourceMount as mount, sql, vtctldclient } from '../support/lab/lab.js';
import { Program, resultOf } from '../support/lab/program.js';
import { snapshot } from '../support/lab/snapshot.js';

/** What preflight finds of the rows: how they are compared, and what of them a stream does not carry. */
let program: Program;

beforeAll(async () => {
  for (const keyspace of ['commerce', 'customer'] as const) await emptyTarget(keyspace);
  program = await Program.start();
});
afterAll(async () => {
  await program.stop();
  for (const keyspace of ['commerce', 'customer'] as const) await emptyTarget(keyspace);
});

const onSource = (statement: string) => () => sql('source', 'load', '0', statement);
const onTarget = (statement: string) => () => sql('target', 'commerce', '0', statement);
const useVSchema = (vschema: object) => async () => {
  const applied = await vtctldclient('target', 'ApplyVSchema', '--vschema', JSON.stringify(vschema), 'customer');
  if (applied.code !== 0) throw new Error(applied.stderr);
};

/** A change to real servers that makes a check fail, and how it is taken back. */
interface Case {
  check: CheckName;
  what: string;
  tables: string[];
  options?: object;
  keyspace?: 'commerce' | 'customer';
  spoil: () => Promise<unknown>;
  mend: () => Promise<unknown>;
  says: RegExp;
}

/** A table of the source for one case, gone afterwards. */
const withTable = (check: CheckName, what: string, says: RegExp, statements: string): Case => ({
  check,
  what,
  tables: ['odd'],
  says,
  spoil: onSource(statements),
  mend: onSource('drop table if exists odd'),
});
/** Tables of the same size. */
const alike = (count: number) => Array.from({ length: count }, (_, n) => `odd${n + 1}`);
const createAlike = (count: number) =>
  alike(count)
    .map((name) => `create table ${name} (id bigint primary key)`)
    .join('; ');
/** A table that the target has already. */
const withTargetTable = (check: CheckName, what: string, table: string, says: RegExp, columns: string): Case => ({
  check,
  what,
  tables: [table],
  says,
  spoil: onTarget(`create table \`${table}\` (${columns})`),
  mend: onTarget(`drop table \`${table}\``),
});
/** A table of the source that a sharded target distributes by the text of its key. */
const withVindex = (check: CheckName, what: string, says: RegExp, column: string): Case => ({
  check,
  what,
  tables: ['odd'],
  keyspace: 'customer',
  says,
  spoil: async () => {
    await onSource(`create table odd (id ${column} primary key)`)();
    const odd = { column_vindexes: [{ column: 'id', name: 'xxhash' }] };
    await useVSchema({ ...customerVSchema, tables: { ...customerVSchema.tables, odd } })();
  },
  mend: async () => {
    await onSource('drop table if exists odd')();
    await useVSchema(customerVSchema)();
  },
});

const cases: Case[] = [
  withTargetTable(
    'checksum-column',
    'a value of another kind in the target',
    'customer',
    /customer cannot be compared by checksums: column created is datetime in the source and varchar\(30\) in the target/,
    'id bigint primary key, name varchar(120), email varchar(160), preferences json, created varchar(30)',
  ),
  withTable(
    'checksum-whole',
    'a key that cannot be cut into parts',
    /odd as a whole, with one statement each time: it has no key that can be cut into parts/,
    "create table odd (e enum('a', 'b') not null primary key)",
  ),
  withTable(
    'checksum-key',
    'a large table without a key',
    /odd as a whole/,
    // InnoDB's own estimate of its size follows from these numbers of pages.
    'create table odd (a int) stats_persistent = 1; ' +
      'update mysql.innodb_table_stats set n_rows = 9000000, clustered_index_size = 70000 ' +
      "where database_name = database() and table_name = 'odd'; flush table odd",
  ),
  withTargetTable(
    'checksum-whole',
    'a key of another collation in the target',
    'product',
    /as a whole.*sku of its key is varchar\(40\) collate utf8mb4_0900_ai_ci .* and varchar\(40\) collate utf8mb4_bin/,
    'sku varchar(40) collate utf8mb4_bin primary key, price decimal(10, 2), ' +
      'price_with_tax decimal(12, 4) generated always as (price * 1.19) stored, description text',
  ),
  withTargetTable(
    'checksum-whole',
    'a key of which a part is alike in the target',
    'order line',
    /`order line` in parts by order_id only: column line_no of its key is int not null in the source and bigint/,
    'order_id bigint, line_no bigint, sku varchar(40), amount decimal(10, 2), primary key (order_id, line_no)',
  ),
  withTable(
    'member-lost',
    'a member that MySQL cannot show',
    /column e of table odd may lose values: MySQL shows a member as \?, in which a question mark/,
    "create table odd (id bigint primary key, e enum('a', '🙂') character set utf8mb4)",
  ),
  withTable(
    'member-lost',
    'a SET with 64 members',
    /column s of table odd may lose values: replication leaves out the 64th member/,
    `create table odd (id bigint primary key, s set(${Array.from({ length: 64 }, (_, i) => `'${i}'`).join(', ')}))`,
  ),
  withVindex(
    'vindex-text',
    'a vindex of text on a ZEROFILL column',
    /column id of table odd is int\(10\) unsigned zerofill, and its primary vindex xxhash hashes the text of it/,
    'int(10) zerofill',
  ),
  withVindex(
    'vindex-text',
    'a vindex of text on a column in UTF-16',
    /column id of table odd is in utf16, and its primary vindex xxhash hashes the text of it: the copy has UTF-8/,
    'varchar(9) character set utf16',
  ),
  withVindex(
    'vindex-charset',
    'a vindex of text on a column in latin1',
    /column id of table odd is in latin1, and its primary vindex xxhash hashes the text of it/,
    'varchar(9) character set latin1',
  ),
  withTable(
    'vector-key',
    'a VECTOR column without a key',
    /table odd has no key, .* and MySQL does not compare VECTOR columns: v/,
    'create table odd (id bigint, v vector(3))',
  ),
  {
    check: 'max-allowed-packet',
    what: 'shorter statements on the target',
    tables: ['customer'],
    says: /max_allowed_packet is 1048576 bytes in the target and 67108864 in the source/,
    spoil: onTarget('set global max_allowed_packet = 1048576'),
    mend: onTarget('set global max_allowed_packet = default'),
  },
  {
    check: 'lane-connections',
    what: 'a MySQL that takes few connections',
    tables: alike(16),
    options: { lanes: 16 },
    says: /the streams of 16 lanes may need 48 of the 95 connections that MySQL takes/,
    spoil: onSource(`${createAlike(16)}; set global max_connections = 95`),
    mend: onSource(`drop table ${alike(16).join(', ')}; set global max_connections = default`),
  },
  {
    check: 'lanes-uneven',
    what: 'more lanes than tables',
    tables: alike(2),
    options: { lanes: 3 },
    says: /3 lanes were asked for, and 2 are made: there are no more tables/,
    spoil: onSource(createAlike(2)),
    mend: onSource(`drop table ${alike(2).join(', ')}`),
  },
];

test.each(cases)('$check: $what', async ({ check, tables, options, keyspace = 'commerce', spoil, mend, says }) => {
  const input = { source: 'ext1.load', target: `${keyspace}.rows`, tables, mount, dryRun: true, ...options };
  try {
    await spoil();
    const before = await snapshot(keyspace);
    const result = await resultOf(await program.migrate(input));
    expect(await snapshot(keyspace)).toEqual(before);
    if (result.outcome !== 'planned') throw new Error(result.outcome);
    expect(result.findings.filter((each) => each.check === check).map(describeFinding)).toEqual([
      expect.stringMatching(says),
    ]);
  } finally {
    await mend();
  }
});
