import { afterAll, beforeAll, expect, test } from 'vitest';
import { quoteName } from '../../src/migration/sql/quote.js';
import { Program, resultOf } from '../support/lab/program.js';
import { contentsOf } from '../support/lab/rows.js';
import { emptyTarget, sourceMount as mount, sql, vtctldclient } from '../support/lab/lab.js';

const names = [
  'two words',
  'dash-ed',
  'sélect',
  '表',
  'select',
  "quo'te",
  'dou"ble',
  'dollar$',
  'percent%s',
  'semi;colon',
  'back\\slash',
];
let program: Program;

beforeAll(async () => {
  program = await Program.start();
  await emptyTarget('commerce');
  for (const name of names) {
    await sql(
      'source',
      'load',
      '0',
      `drop table if exists ${quoteName(name)}; create table ${quoteName(name)} (\`id\` bigint primary key, \`v v\` varchar(50), key \`k-1\` (\`v v\`)); insert into ${quoteName(name)} values (1, 'a'), (2, null), (3, '')`,
    );
  }
  await vtctldclient('source', 'ReloadSchemaShard', '--include-primary', 'load/0');
});
afterAll(async () => {
  for (const name of names) await sql('source', 'load', '0', `drop table ${quoteName(name)}`);
  await emptyTarget('commerce');
  await program.stop();
});

test('tables with strange but legal names simply work', async () => {
  const handle = await program.migrate({
    source: 'ext1.load',
    target: 'commerce.names',
    tables: names,
    mount,
    complete: 'auto',
  });
  expect(await resultOf(handle)).toMatchObject({ outcome: 'completed' });
  expect(await contentsOf('target', 'commerce', names)).toEqual(await contentsOf('source', 'load', names));
});
