import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeFinding, type CheckName } from '../../src/migration/preflight/finding.js';
import { sourceMount as mount, sql } from '../support/lab/lab.js';
import { startLabInLowerCase, stopOwnLab } from '../support/lab/own-lab.js';
import { Program, resultOf, until } from '../support/lab/program.js';

/** A MySQL that keeps names of tables in lower case, for which its data folder must have been made. */
let program: Program;

const onSource = (statement: string) => sql('source', 'load', '0', statement);
const onTarget = (statement: string) => sql('target', 'commerce', '0', statement);
const input = (tables: string[]) => ({ source: 'ext1.load', target: 'commerce.named', tables, mount });

/** What a dry run finds of the names of tables. */
async function found(tables: string[]): Promise<[CheckName, string][]> {
  const result = await resultOf(await program.migrate({ ...input(tables), dryRun: true }));
  if (result.outcome !== 'planned') throw new Error(result.outcome);
  return result.findings
    .filter(({ check }) => check.startsWith('table-name-case'))
    .map((finding) => [finding.check, describeFinding(finding)]);
}

/** They are moved as they are called. */
async function move(table: string): Promise<void> {
  const handle = await program.migrate(input([table]));
  await until(handle, ({ phase }) => phase === 'replicating');
  const rows = `select * from ${table} order by 1`;
  expect(await onTarget(rows)).toEqual(await onSource(rows));
  await handle.executeUpdate('cancel');
}

/** Starts a lab for the tests of a group. */
function inLowerCase(side: 'source' | 'target'): void {
  beforeAll(async () => {
    await startLabInLowerCase(side);
    program = await Program.start();
  });
  afterAll(async () => {
    await program.stop();
    await stopOwnLab();
  });
}

describe('the target in lower case', () => {
  inLowerCase('target');

  test('names with capital letters are refused', async () => {
    await onSource('create table Odd (id int primary key); create table odd (id int primary key)');
    await onTarget('create table Probe (id int primary key)');
    expect(await onTarget('show tables')).toEqual([{ Tables_in_vt_commerce: 'probe' }]);
    expect(await found(['Odd'])).toEqual([
      ['table-name-case', expect.stringMatching(/table Odd would be odd there, where no stream finds it .*shard 0/)],
    ]);
    expect(await found(['odd', 'Odd'])).toEqual([
      ['table-name-case', expect.stringMatching(/tables odd and Odd would be one/)],
      ['table-name-case', expect.stringMatching(/tables Odd and odd would be one/)],
    ]);
    expect(await found(['odd'])).toEqual([]);
    await move('product');
  });
});

describe('the source in lower case', () => {
  inLowerCase('source');

  test('the tables are moved, and applications may have to be changed', async () => {
    await onSource('create table Odd (id int primary key); insert into ODD values (1)');
    expect(await found(['odd'])).toEqual([
      ['table-name-case-differs', expect.stringMatching(/is 1 in the source and 0 in the target/)],
    ]);
    await move('odd');
  });
});
