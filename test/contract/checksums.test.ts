import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Config } from '../../src/config/config.js';
import { agreeOnTable, asWritten, type ChecksumTable, type Conversions } from '../../src/migration/checksum/columns.js';
import { keyId, wholeTable, type Key } from '../../src/migration/checksum/scope.js';
import type { TabletHandle } from '../../src/vitess/tablet/tablet-handle.js';
import { buildClients } from '../../src/worker.js';
import { emptyTarget, lab, sourceMount, sql } from '../support/lab/lab.js';
import { berlin as zone, loadZones } from '../support/lab/time-zones.js';

const [host = '', port = ''] = (lab.environment['VTMIGRATE_VTGATE'] ?? '').split(':');
const { topoServer, topoRoot } = lab.target;
const vtgate = { host, port: Number(port) };
const config: Config = {
  topoServer,
  topoRoot,
  vtgate,
  vtgateUser: undefined,
  vtgatePassword: undefined,
  taskQueue: 'unused',
};
const built = buildClients(config);
const timeout = 30_000;
let target: TabletHandle;
let source: TabletHandle;

const onSource = (statement: string) => sql('source', 'load', '0', statement);
const onTarget = (statement: string) => sql('target', 'commerce', '0', statement);

beforeAll(async () => {
  const { clients } = built;
  target = await clients.primary(clients.target, 'commerce', '0');
  const mount = { topoType: 'etcd2', topoServer: sourceMount.topoServer, topoRoot: sourceMount.topoRoot } as const;
  source = await clients.primary(clients.external('ext1', mount), 'load', '0');
});
beforeEach(() => emptyTarget('commerce'));
afterAll(async () => {
  await onSource('drop table if exists kinds, keyed');
  await emptyTarget('commerce');
  await built.close();
});

async function make(columns: string, table = 'kinds'): Promise<void> {
  await onSource(`drop table if exists ${table}; create table ${table} (${columns})`);
  await onTarget(`drop table if exists ${table}; create table ${table} (${columns})`);
}

async function agreed(table = 'kinds', conversions: Conversions = {}): Promise<ChecksumTable> {
  const [[here], [there]] = await Promise.all([source.tableDetails([table]), target.tableDetails([table])]);
  if (here === undefined || there === undefined) throw new Error(`no ${table}`);
  const found = agreeOnTable(here, [there], conversions);
  if (typeof found === 'string') throw new Error(found);
  return found;
}

const sums = async (table = 'kinds') => {
  const of = await agreed(table);
  return Promise.all(
    [source, target].map(async (each) => (await each.checksum(of, { range: wholeTable }, timeout)).sum),
  );
};

/** A type, a value, and others of which MySQL stores something else, however alike they look. */
const kinds: [type: string, value: string, ...others: string[]][] = [
  ['tinyint', '1', '0', '-1'],
  ['bigint unsigned', '18446744073709551615', '18446744073709551614'],
  ['int(9) unsigned zerofill', '7', '70'],
  ['decimal(65,30)', '0.000000000000000000000000000001', '0', '1'],
  ['float', '16777215', '16777200', '16777216'],
  ['float(7,2)', '12345.67', '12345.66'],
  ['double', '0.1', '0.1 + 2e-17', '1e-320'],
  ['double', '-0e0', '0e0'],
  ['bit(64)', "b'1'", '0xFFFFFFFFFFFFFFFF', '0x8000000000000000'],
  ["enum('', 'a', 'b')", "'a'", "''", "'b'"],
  [`set(${Array.from({ length: 64 }, (_, n) => `'m${n}'`).join(',')})`, "'m63'", "'m62'", "'m63,m0'", "''"],
  ['char(9)', "'a'", "'A'", "'á'"],
  ['varchar(9)', "'a'", "'a '", "'A'", "''", "'a,1'"],
  ['varchar(9) character set latin1', "'ä'", "'a'"],
  ['varchar(9) character set utf16', "'ä'", "'a'"],
  ['text character set sjis', "'表'", "'表 '"],
  ['binary(4)', "'a'", "'a\\0\\0b'"],
  ['varbinary(9)', "x'00'", "x''", "x'0000'"],
  ['longblob', "repeat('x', 100000)", "concat(repeat('x', 99999), 'y')"],
  ['date', "'2026-01-02'", "'2026-01-03'"],
  ['time(6)', "'-12:13:14.000001'", "'12:13:14.000001'", "'-12:13:14'"],
  ['datetime(6)', "'2026-01-02 03:04:05.000001'", "'2026-01-02 03:04:05'"],
  ['timestamp(6)', "'2026-01-02 03:04:05.000001'", "'2026-01-02 03:04:05'"],
  ['year', '2026', '0'],
  ['json', `'{"a": 1}'`, `'{"a": 1.0}'`, `'{"a": "1"}'`, `'{"a": null}'`, "'null'"],
  ['geometry', "ST_GeomFromText('POINT(1 2)', 4326)", "ST_GeomFromText('POINT(1 2)', 0)"],
  ['geometry', "ST_GeomFromText('POINT(1 2)')", "ST_GeomFromText('MULTIPOINT(1 2)')"],
  ['vector(3)', "to_vector('[1,2,3]')", "to_vector('[1,2,3.0000002]')"],
];

test('a DATETIME that the target has in UTC counts as the source has it, and as nothing else', async () => {
  await loadZones('commerce');
  await make('id int primary key, at datetime(6), d date, t timestamp null');
  const others = "'2026-07-01', '2026-07-01 12:00:00'";
  await onSource(
    `insert into kinds values (1, '2026-01-02 03:04:05.5', ${others}), (2, '2026-10-25 02:30:00', ${others}),
       (3, '2026-03-29 03:00:00', ${others}), (4, null, ${others})`,
  );
  const inUtc = `replace into kinds values (1, '2026-01-02 02:04:05.5', ${others}), (2, '2026-10-25 00:30:00', ${others}),
       (3, '2026-03-29 01:00:00', ${others}), (4, null, ${others})`;
  const of = await agreed('kinds', { zone });
  const compared = async () => {
    const here = await source.checksum(asWritten(of), { range: wholeTable }, timeout);
    return (await target.checksum(of, { range: wholeTable }, timeout)).sum === here.sum;
  };
  await onTarget(inUtc);
  expect(await compared()).toBe(true);
  for (const change of ["at = '2026-01-02 03:04:05.5'", 'at = null', "d = '2026-07-02'", "t = '2026-07-01 10:00:00'"]) {
    await onTarget(`update kinds set ${change} where id = 1`);
    expect(await compared(), change).toBe(false);
    await onTarget(inUtc);
  }
  expect(await compared()).toBe(true);
});

test('the end of a part is found without reading the rest of the table, whatever indexes there are', async () => {
  await make('id bigint primary key, owner bigint not null, note varchar(80), key owner (owner)');
  const digits = '(select 0 n union all values row(1), row(2), row(3), row(4), row(5), row(6), row(7), row(8), row(9))';
  await onSource(`insert into kinds select id, id % 100, repeat('.', 70) from
    (select 1 + a.n + 10 * b.n + 100 * c.n + 1000 * d.n + 10000 * e.n as id
     from ${digits} a, ${digits} b, ${digits} c, ${digits} d, ${digits} e) numbers`);
  await onSource('analyze no_write_to_binlog table kinds');
  const read = async () => {
    const [row] = await onSource("show global status like 'Innodb_rows_read'");
    return Number(row?.['Value']);
  };
  const before = await read();
  expect(await source.boundary(await agreed(), { after: ['1000'], upTo: null }, 500, timeout)).toEqual(['1500']);
  expect((await read()) - before).toBeLessThan(20_000);
});

describe('every column counts with all that MySQL stores of it', () => {
  test.each(kinds)('%s: %s', async (type, value, ...others) => {
    await make(`id int primary key, c ${type}`);
    for (const on of [onSource, onTarget]) await on(`insert into kinds values (1, ${value})`);
    const [here, there] = await sums();
    expect(there).toBe(here);
    for (const other of [...others, 'null']) {
      // UPDATE leaves a value as it is that compares equal, such as 1 and 1.0 in JSON.
      await onTarget(`replace into kinds values (1, ${other})`);
      expect((await sums())[1], other).not.toBe(here);
    }
    await onTarget(`replace into kinds values (1, ${value})`);
    expect((await sums())[1]).toBe(here);
  });

  test('invisible and generated columns count', async () => {
    await make('id int primary key, a int invisible, g int as (a * 2) virtual, s int as (a + 1) stored');
    for (const on of [onSource, onTarget]) await on('insert into kinds (id, a) values (1, 1)');
    const [here, there] = await sums();
    expect(there).toBe(here);
    await onTarget('alter table kinds drop column g, add column g int as (a * 3) virtual');
    expect((await sums())[1]).not.toBe(here);
    await onTarget('alter table kinds drop column g, add column g int as (a * 2) virtual; update kinds set a = 2');
    expect((await sums())[1]).not.toBe(here);
  });

  test('values do not run into one another', async () => {
    await make('id int primary key, a varchar(20), b varchar(20), c int');
    await onSource("insert into kinds values (1, 'x,1', 'y', null)");
    for (const other of ["'x', '1,y', null", "'x,1,y', '', null", "'x,1', 'y', 0", "null, 'y', null"]) {
      await onTarget(`replace into kinds values (1, ${other})`);
      const [here, there] = await sums();
      expect(there, other).not.toBe(here);
    }
  });

  test('a session in another time zone writes the same TIMESTAMP', async () => {
    await make('id timestamp primary key, c timestamp');
    await onSource("set time_zone = '+03:00'; insert into kinds values ('2026-10-25 04:30:00', '2026-10-25 03:30:00')");
    await onTarget("set time_zone = '-05:00'; insert into kinds values ('2026-10-24 20:30:00', '2026-10-24 19:30:00')");
    const [here, there] = await sums();
    expect(there).toBe(here);
    const of = await agreed();
    const [row] = await source.rowChecksums(of, { range: wholeTable }, 1, timeout);
    expect(row?.key).toEqual(['2026-10-25 01:30:00']);
    expect(await target.checksum(of, { keys: [row?.key ?? []] }, timeout)).toMatchObject({ rows: 1, sum: here });
  });

  test('the same characters in another charset are the same, and so are values of a wider type', async () => {
    await onSource('drop table if exists kinds; create table kinds (id int primary key, c varchar(9) charset latin1)');
    await onTarget('create table kinds (id bigint primary key, c varchar(20) charset utf8mb4)');
    for (const on of [onSource, onTarget]) await on("insert into kinds values (1, 'äöü')");
    const [here, there] = await sums();
    expect(there).toBe(here);
  });

  test('a row that MySQL makes no checksum of is counted', async () => {
    await make('id int primary key, a longblob, b longblob');
    const [row] = await onSource('select @@global.max_allowed_packet as most');
    const half = Math.floor(Number(row?.['most']) / 2);
    for (const on of [onSource, onTarget])
      await on(
        `insert into kinds values (1, repeat('x', ${half}), ''), (2, '', 'y'); update kinds set b = repeat('x', ${half}) where id = 1`,
      );
    const of = await agreed();
    expect(await source.checksum(of, { range: wholeTable }, timeout)).toMatchObject({ rows: 2, tooLong: 1 });
  });
});

/** Columns of a key, and values in the order of that key. */
const keys: [name: string, columns: string, key: string, values: string[]][] = [
  ['a whole number', 'a bigint unsigned', 'a', ['0', '9', '10', '18446744073709551615']],
  ['a number with zeros', 'a int(8) unsigned zerofill', 'a', ['0', '7', '10']],
  ['a decimal number', 'a decimal(9,2)', 'a', ['-1.50', '-1', '0.01', '10']],
  ['characters without case', 'a varchar(9)', 'a', ["''", "'a'", "'B'", "'ç'", "'Z'"]],
  ['characters of latin1', 'a varchar(9) character set latin1', 'a', ["'a'", "'é'", "'z'"]],
  ['characters of sjis', 'a char(9) character set sjis', 'a', ["'a'", "'表'"]],
  ['characters that have a case', 'a varchar(9) collate utf8mb4_bin', 'a', ["'A'", "'B'", "'a'"]],
  ['bytes', 'a binary(3)', 'a', ["x'00'", "x'0000FF'", "x'61'", "x'FF'"]],
  ['times', 'a datetime(3)', 'a', ["'1999-01-01'", "'2026-01-01 00:00:00.001'", "'2026-01-01 00:00:00.002'"]],
  ['TIMESTAMP', 'a timestamp(6)', 'a', ["'1999-01-01'", "'2026-01-01 00:00:00.000001'"]],
  ['a time that is negative', 'a time', 'a', ["'-100:00:00'", "'00:00:00'", "'99:00:00'"]],
  ['several columns', 'a int, b varchar(9)', 'a, b', ["1, 'b'", "1, 'c'", "2, 'a'", "2, 'b'", "3, ''"]],
];

describe('rows are ordered, cut, and found again by a key of', () => {
  test.each(keys)('%s', async (_, columns, key, values) => {
    await make(`${columns}, v int, primary key (${key})`, 'keyed');
    for (const [n, value] of values.entries()) await onSource(`insert into keyed values (${value}, ${n})`);
    const of = await agreed('keyed');
    const rows = await source.rowChecksums(of, { range: wholeTable }, 100, timeout);
    expect(rows).toHaveLength(values.length);
    for (const [n, row] of rows.entries()) {
      expect(await source.boundary(of, wholeTable, n + 1, timeout)).toEqual(row.key);
      expect(await source.checksum(of, { keys: [row.key] }, timeout)).toMatchObject({ rows: 1, sum: row.sum });
      for (const [range, count] of [
        [{ after: row.key, upTo: null }, values.length - n - 1],
        [{ after: null, upTo: row.key }, n + 1],
      ] as const)
        expect(await source.checksum(of, { range }, timeout)).toMatchObject({ rows: count });
    }
  });

  test.each(keys)('%s: the binary log tells the same keys', async (_, columns, key, values) => {
    await make(`${columns}, v int, primary key (${key})`, 'keyed');
    for (const [n, value] of values.entries()) await onSource(`insert into keyed values (${value}, ${n})`);
    const of = await agreed('keyed');
    const from = await source.primaryPosition();
    await onSource('update keyed set v = v + 100');
    const changes = await source.changes([of], from, await source.primaryPosition(), {
      keys: 1_000,
      timeoutMs: timeout,
    });
    const told: Key[] = changes.rows.get('keyed') ?? [];
    const rows = await source.rowChecksums(of, { range: wholeTable }, 100, timeout);
    expect(new Set(told.map(keyId))).toEqual(new Set(rows.map((row) => keyId(row.key))));
    expect(await source.checksum(of, { keys: told }, timeout)).toMatchObject({ rows: values.length });
  });
});

test('DDL is told as it was typed, and only that of the tables', async () => {
  await make('id int primary key', 'keyed');
  const of = await agreed('keyed');
  const from = await source.primaryPosition();
  await onSource(
    `truncate table keyed; insert into keyed values (1); create table other_one (id int primary key);
     rename table keyed to keyed_old, other_one to keyed; drop table keyed_old`,
  );
  const limits = { keys: 1_000, timeoutMs: timeout };
  const changes = await source.changes([of], from, await source.primaryPosition(), limits);
  expect(changes.statements).toEqual([
    expect.stringMatching(/^truncate table keyed$/) as string,
    expect.stringMatching(/^rename table keyed to keyed_old, other_one to keyed$/) as string,
  ]);
  expect(changes.rows.get('keyed')).toEqual([['1']]);
});
