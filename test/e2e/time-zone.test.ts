import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { emptyTarget, sourceMount as mount, sql, vtctldclient } from '../support/lab/lab.js';
import { Program, resultOf, until } from '../support/lab/program.js';
import { snapshot, withoutProofs } from '../support/lab/snapshot.js';
import { berlin as zone, loadZones } from '../support/lab/time-zones.js';

const tables = ['zoned'];
const both = ['commerce', 'customer'] as const;
let program: Program;

/** Before and after a change of the clocks, without a time zone, with parts of a second, and no time at all. */
const rows = `
  insert into zoned values
    (1, '2026-01-02 03:04:05', '2026-07-01 12:00:00.123456', '2026-01-02', '2026-01-02 03:04:05', null),
    (2, '2026-03-29 01:59:59', '2026-03-29 03:00:00.000001', '2026-03-29', '2026-03-29 03:00:00', '2026-10-25 02:30:00'),
    (3, '2026-07-01 00:00:00', '2026-12-31 23:59:59.999999', '2026-07-01', '2026-07-01 00:00:00', '2026-12-31 00:30:00');
  insert into zoned_key values ('2026-01-01 00:30:00', 1, 'winter'), ('2026-07-01 00:30:00', 2, 'summer')`;

beforeAll(async () => {
  await sql(
    'source',
    'load',
    '0',
    `drop table if exists zoned, zoned_key;
     create table zoned (id int primary key, a datetime not null, b datetime(6), c date, d timestamp, e datetime);
     create table zoned_key (at datetime, id int, note varchar(9), primary key (at, id));
     ${rows}`,
  );
  await vtctldclient('source', 'ReloadSchemaShard', '--include-primary', 'load/0');
  for (const keyspace of both) await emptyTarget(keyspace);
  program = await Program.start();
  await program.client.workflow.execute('mount', {
    taskQueue: program.taskQueue,
    workflowId: `mount-${program.taskQueue}`,
    args: [{ action: 'mount', name: 'ext1', config: mount }],
  });
});
afterEach(async () => {
  await program.settle();
  for (const keyspace of both) await emptyTarget(keyspace);
});
afterAll(async () => {
  await sql('source', 'load', '0', 'drop table zoned, zoned_key');
  await program.stop();
});

/** The rows of a table on the target, as text. */
async function rowsOf(table: string): Promise<string[]> {
  const [columns] = await sql(
    'target',
    'commerce',
    '0',
    `select group_concat(concat('cast(', column_name, ' as char)') order by ordinal_position) as list
     from information_schema.columns where table_schema = 'vt_commerce' and table_name = '${table}'`,
  );
  const found = await sql('target', 'commerce', '0', `select ${String(columns?.['list'])} from ${table} order by id`);
  return found.map((row) => Object.values(row).join(' | '));
}

test('a zone that the MySQL of the target does not know is refused, and nothing is left behind', async () => {
  const before = await snapshot('commerce');
  const input = { source: 'ext1.load', target: 'commerce.tz', tables, sourceTimeZone: 'Nowhere/At_all' };
  const handle = await program.migrate(input);
  await expect(resultOf(handle)).rejects.toMatchObject({
    cause: { message: expect.stringMatching(/MySQL cannot convert from time zone Nowhere\/At_all to UTC/) as string },
  });
  expect(withoutProofs(await snapshot('commerce'))).toEqual(withoutProofs(before));
});

test('DATETIME is converted to UTC, TIMESTAMP and DATE are not, and all of it is proven', async () => {
  await loadZones('commerce');
  const create = [
    '-source',
    'ext1.load',
    '-tables',
    tables.join(','),
    '-source_time_zone',
    zone,
    'Create',
    'commerce.tz',
  ];
  expect(await program.cli('Migrate', ...create)).toMatchObject({ code: 0 });
  const handle = program.client.workflow.getHandle('commerce.tz');
  await until(handle, (status) => status.phase === 'replicating');
  // Also what comes by the binary log.
  await sql('source', 'load', '0', "update zoned set e = '2026-08-01 10:00:00' where id = 1");
  expect(await program.cli('Migrate', 'Complete', 'commerce.tz')).toMatchObject({ code: 0 });
  expect(await rowsOf('zoned')).toEqual([
    '1 | 2026-01-02 02:04:05 | 2026-07-01 10:00:00.123456 | 2026-01-02 | 2026-01-02 03:04:05 | 2026-08-01 08:00:00',
    '2 | 2026-03-29 00:59:59 | 2026-03-29 01:00:00.000001 | 2026-03-29 | 2026-03-29 03:00:00 | 2026-10-25 00:30:00',
    '3 | 2026-06-30 22:00:00 | 2026-12-31 22:59:59.999999 | 2026-07-01 | 2026-07-01 00:00:00 | 2026-12-30 23:30:00',
  ]);
});

test('a key that is converted is warned of, and its rows are right nevertheless', async () => {
  await loadZones('commerce');
  const input = { source: 'ext1.load', target: 'commerce.tz', tables: ['zoned_key'], sourceTimeZone: zone };
  const refused = await program.migrate(input);
  await expect(resultOf(refused)).rejects.toMatchObject({
    cause: { message: expect.stringMatching(/time-zone-key: the key of table zoned_key .*at/) as string },
  });
  const handle = await program.migrate({ ...input, accept: ['time-zone-key'] });
  await until(handle, (status) => status.phase === 'replicating' && status.proof?.proven === 1);
  expect(await program.cli('Migrate', '-force', 'Complete', 'commerce.tz')).toMatchObject({ code: 0 });
  expect(await rowsOf('zoned_key')).toEqual(['2025-12-31 23:30:00 | 1 | winter', '2026-06-30 22:30:00 | 2 | summer']);
});

test("the streams' rows are those of vtctldclient", async () => {
  await loadZones('commerce');
  const sources = () =>
    sql('target', 'commerce', '0', 'select cast(source as char) as source from _vt.vreplication order by id');
  const input = { source: 'ext1.load', target: 'commerce.tz', tables, sourceTimeZone: zone };
  const handle = await program.migrate(input);
  await until(handle, (status) => status.phase === 'replicating');
  const ours = await sources();
  await handle.signal('cancel');
  await handle.result();
  await vtctldclient(
    'target',
    ...['Migrate', '--workflow', 'peer', '--target-keyspace', 'commerce', 'create', '--source-keyspace', 'load'],
    ...['--mount-name', 'ext1', '--tables', tables.join(','), '--cells', 'ext', '--source-time-zone', zone],
  );
  expect(await sources()).toEqual(ours);
  expect(await program.cli('Migrate', 'Cancel', 'commerce.peer')).toMatchObject({ code: 0 });
});
