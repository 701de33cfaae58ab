import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { emptyTarget, sourceMount as mount, sql } from '../support/lab/lab.js';
import { Program, resultOf, until } from '../support/lab/program.js';

const tables = ['fk_parent', 'fk_child'];
let program: Program;

const onSource = (statement: string) => sql('source', 'load', '0', statement);

beforeAll(async () => {
  await onSource(
    `drop table if exists fk_child, fk_parent, fk_stays;
     create table fk_stays (id int primary key);
     create table fk_parent (id int primary key, code varchar(9) unique);
     create table fk_child (id int primary key, parent int, stays int,
       constraint to_parent foreign key (parent) references fk_parent (id),
       constraint to_stays foreign key (stays) references fk_stays (id), check (id > 0));
     insert into fk_stays values (1);
     insert into fk_parent values (1, 'a'), (2, 'b');
     insert into fk_child values (1, 1, 1), (2, 2, null)`,
  );
  await emptyTarget('commerce');
  program = await Program.start();
});
afterEach(async () => {
  await program.settle();
  await emptyTarget('commerce');
});
afterAll(async () => {
  await onSource('drop table fk_child, fk_parent, fk_stays');
  await program.stop();
});

test('without dropForeignKeys, one to a table that stays is warned of, and the plan says the option', async () => {
  const handle = await program.migrate({ source: 'ext1.load', target: 'commerce.fk', tables, mount });
  await expect(resultOf(handle)).rejects.toMatchObject({
    cause: { message: expect.stringMatching(/foreign-key-outside: .*to_stays.*-drop_foreign_keys/) as string },
  });
});

test('with it the tables have none, keep their indexes and CHECKs, and lanes are not bound', async () => {
  const create = ['-source', 'ext1.load', '-tables', tables.join(','), '-drop_foreign_keys', '-lanes', '2'];
  const plan = await program.cli('Migrate', ...create, '-dry_run', 'Create', 'commerce.fk');
  expect(plan).toMatchObject({ code: 0, stdout: expect.stringContaining('tables without foreign keys') as string });
  expect(plan.stdout).not.toMatch(/FOREIGN KEY/);
  expect(await program.cli('Migrate', ...create, 'Create', 'commerce.fk')).toMatchObject({ code: 0 });
  const handle = program.client.workflow.getHandle('commerce.fk');
  await until(handle, (status) => status.phase === 'replicating');
  const workflows = await sql('target', 'commerce', '0', 'select count(*) as n from _vt.vreplication');
  expect(workflows).toEqual([{ n: 2 }]);
  // What becomes of the source's foreign keys is no drift, and its other changes are.
  await onSource('alter table fk_child drop foreign key to_stays');
  await onSource('alter table fk_child add column note int');
  const completing = program.cli('Migrate', 'Complete', 'commerce.fk');
  const { missing } = await until(handle, (status) => status.missing.length > 0);
  const drift = missing.map(({ message }) => message).join();
  expect(drift).toMatch(/\+ +`note` int/);
  expect(drift).not.toMatch(/CONSTRAINT/);
  await onSource('alter table fk_child drop column note');
  expect(await completing).toMatchObject({ code: 0 });
  const [made] = await sql('target', 'commerce', '0', 'show create table fk_child');
  expect(made?.['Create Table']).toMatch(/KEY `to_parent` \(`parent`\)[^]*CHECK/);
  expect(made?.['Create Table']).not.toMatch(/FOREIGN KEY/);
  expect(await sql('target', 'commerce', '0', 'select id, parent from fk_child order by id')).toEqual([
    { id: 1, parent: 1 },
    { id: 2, parent: 2 },
  ]);
});
