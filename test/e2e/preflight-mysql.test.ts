import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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
