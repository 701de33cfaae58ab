import type { RowDataPacket } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { describeFinding, type CheckName, type Finding } from '../../src/migration/preflight/finding.js';
import { emptyTarget, sourceMount as mount, sql } from '../support/lab/lab.js';
import { Program, resultOf, until } from '../support/lab/program.js';
import { snapshot } from '../support/lab/snapshot.js';

/** What preflight finds of the target's MySQL: its settings, and names that are taken there. */
let program: Program;

beforeAll(async () => {
  for (const keyspace of ['commerce', 'customer'] as const) await emptyTarget(keyspace);
  program = await Program.start();
});
afterAll(async () => {
  await program.stop();
  for (const keyspace of ['commerce', 'customer'] as const) await emptyTarget(keyspace);
});

const onSource = (statement: string) => sql('source', 'load', '0', statement);
const onTarget = (statement: string) => sql('target', 'commerce', '0', statement);
const input = (tables: string[]) => ({ source: 'ext1.load', target: 'commerce.mysql', tables, mount });

/** What a dry run finds of one check. It changes nothing. */
async function found(check: CheckName, tables: string[], more: Record<string, unknown> = {}): Promise<string[]> {
  const before = await snapshot('commerce');
  const result = await resultOf(await program.migrate({ ...input(tables), ...more, dryRun: true }));
  expect(await snapshot('commerce')).toEqual(before);
  if (result.outcome !== 'planned') throw new Error(result.outcome);
  return result.findings.filter((each: Finding) => each.check === check).map(describeFinding);
}

test.each(['NOBLOB', 'MINIMAL'])('binlog-row-image: %s on the target', async (image) => {
  await onTarget(`set global binlog_row_image = ${image}`);
  try {
    expect(await found('binlog-row-image', ['product'])).toEqual([
      expect.stringMatching(new RegExp(`binlog_row_image is ${image}, not FULL .*cluster target, keyspace commerce`)),
    ]);
  } finally {
    await onTarget('set global binlog_row_image = default');
  }
});

describe('constraint-name: the name is taken in the target', () => {
  afterEach(async () => {
    await onTarget('drop table if exists legacy, legacy_parent');
    await onSource('drop table if exists odd, odd_parent');
  });

  test.each([
    {
      type: 'CHECK',
      there: 'create table legacy (id int primary key, qty int, constraint QTY_positive check (qty > 0))',
      own: 'create table odd (id int primary key, qty int, constraint qty_Positive check (qty >= 0))',
      refused: /Duplicate check constraint name/,
    },
    {
      type: 'FOREIGN KEY',
      there:
        'create table legacy_parent (id int primary key); ' +
        'create table legacy (id int primary key, p int, constraint fk_é foreign key (p) references legacy_parent (id))',
      own:
        'create table odd_parent (id int primary key); ' +
        'create table odd (id int primary key, p int, constraint FK_e foreign key (p) references odd_parent (id))',
      refused: /Duplicate foreign key constraint name/,
    },
  ])('$type', async ({ type, there, own, refused }) => {
    await onTarget(there);
    await onSource(own);
    expect(await found('constraint-name', ['odd'])).toEqual([
      expect.stringMatching(
        new RegExp(`table odd cannot be created: .* ${type} constraint .* is taken by table legacy .*shard 0`),
      ),
    ]);
    const definition = String((await onSource('show create table odd'))[0]?.['Create Table']);
    await expect(onTarget(`set foreign_key_checks = 0; ${definition}`)).rejects.toThrow(refused);
    await onTarget('drop table legacy');
    expect(await found('constraint-name', ['odd'])).toEqual([]);
  });
});

describe('sql_require_primary_key', () => {
  const check = 'primary-key-required';
  beforeAll(async () => {
    await onSource('create table odd (a int); create table odd_unique (a int not null, b text, unique key u (a))');
    await onTarget('set global sql_require_primary_key = ON');
  });
  afterAll(async () => {
    await onTarget('set global sql_require_primary_key = OFF');
    await onSource('drop table odd, odd_unique');
  });

  test('refuses a table that could not be created, and a unique key that could not be deferred', async () => {
    expect(await found(check, ['odd', 'odd_unique', 'product'])).toEqual([
      expect.stringMatching(/table odd has no primary key, .* it cannot be created .*shard 0, .*table odd/),
      expect.stringMatching(/table odd_unique has no primary key, .* a stream cannot defer its unique key/),
    ]);
    await expect(onTarget('create table odd (a int)')).rejects.toThrow(/without a primary key/);
  });

  test('takes a unique key of whole columns for one, as long as it stays', async () => {
    const more = { deferSecondaryKeys: false };
    expect(await found(check, ['odd_unique'], more)).toEqual([]);
    await onSource("insert into odd_unique values (1, 'x')");
    const handle = await program.migrate({ ...input(['odd_unique']), ...more });
    await until(handle, ({ phase }) => phase === 'replicating');
    expect(await onTarget('select a, b from odd_unique')).toEqual([{ a: 1, b: 'x' }]);
    await handle.executeUpdate('cancel');
  });
});

describe('invisible primary keys', () => {
  const columns = 'at datetime not null, txt varchar(50)';
  const rows = "('2024-01-01', 'a'), ('2024-01-01', 'a'), ('2024-01-02', 'b')";
  const definition = ([row]: RowDataPacket[]) => String(row?.['Create Table']);
  const inTarget = async () => definition(await onTarget('show create table odd'));
  const copied = () => onTarget('select txt, count(*) as n from odd group by txt order by txt');
  const accept = ['no-primary-key'];
  afterEach(async () => {
    await onTarget('drop table if exists odd; set global sql_generate_invisible_primary_key = OFF');
    await onSource('drop table if exists odd; set global show_gipk_in_create_table_and_information_schema = ON');
  });

  test('are not made on the target: the table is that of the source', async () => {
    await onSource(`create table odd (${columns}); insert into odd values ${rows}`);
    await onTarget('set global sql_generate_invisible_primary_key = ON');
    expect(await found('invisible-primary-key', ['odd'])).toEqual([
      expect.stringMatching(/created as they are in the source, without such a key: odd/),
    ]);
    const handle = await program.migrate({ ...input(['odd']), accept });
    await until(handle, ({ phase }) => phase === 'replicating');
    expect(await inTarget()).toBe(definition(await onSource('show create table odd')));
    await onSource("insert into odd values ('2025-01-01', 'c')");
    await expect.poll(copied, { timeout: 60_000 }).toEqual([
      { txt: 'a', n: 2 },
      { txt: 'b', n: 1 },
      { txt: 'c', n: 1 },
    ]);
    await handle.executeUpdate('cancel');
  });

  test('of a table that the target has already: no stream could fill it', async () => {
    await onSource(`create table odd (${columns})`);
    await onTarget(`set session sql_generate_invisible_primary_key = ON; create table odd (${columns})`);
    expect(await found('target-table-incompatible', ['odd'])).toEqual([
      expect.stringMatching(/my_row_id of its primary key is only in the target/),
    ]);
  });

  test('of the source come along', async () => {
    await onSource(
      `set session sql_generate_invisible_primary_key = ON; create table odd (${columns}); insert into odd values ${rows}`,
    );
    const handle = await program.migrate(input(['odd']));
    await until(handle, ({ phase }) => phase === 'replicating');
    expect(await inTarget()).toContain('PRIMARY KEY (`my_row_id`)');
    await onSource("delete from odd where txt = 'a' limit 1");
    await expect
      .poll(() => onTarget('select my_row_id, txt from odd order by 1'), { timeout: 60_000 })
      .toEqual([
        { my_row_id: 2, txt: 'a' },
        { my_row_id: 3, txt: 'b' },
      ]);
    await handle.executeUpdate('cancel');
  });

  test('that the source hides', async () => {
    await onSource(
      `set session sql_generate_invisible_primary_key = ON; create table odd (${columns}); ` +
        'set global show_gipk_in_create_table_and_information_schema = OFF',
    );
    await reconnect();
    try {
      expect(await found('hidden-primary-key', ['odd'])).toEqual([
        expect.stringMatching(/table odd has no primary key, or an invisible one \(my_row_id\) that .* hides/),
      ]);
    } finally {
      await onSource('set global show_gipk_in_create_table_and_information_schema = ON');
      await reconnect();
    }
  });

  /** The source's vttablet connects anew, so that a global variable means something to it. */
  async function reconnect(): Promise<void> {
    const idle = await onSource(
      "select id from information_schema.processlist where command = 'Sleep' and id <> connection_id()",
    );
    for (const { id } of idle) await onSource(`kill ${String(id)}`);
  }
});
