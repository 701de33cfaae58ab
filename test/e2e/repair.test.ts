import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { customerVSchema } from '../../lab/data.js';
import { repairMessage } from '../../src/migration/watch/observation.js';
import {
  emptyTarget,
  mysqlOf,
  sourceMount as mount,
  sql,
  targets,
  vtctldclient,
  type TargetKeyspace,
} from '../support/lab/lab.js';
import { Program, resultOf, until } from '../support/lab/program.js';

let program: Program;

const reading =
  'id bigint not null, code varchar(20) collate utf8mb4_0900_ai_ci not null, f float, g float(9, 3), ' +
  'u float unsigned not null default 0, half float generated always as (f / 2) stored, d double, ' +
  'seen timestamp(6) not null default current_timestamp(6) on update current_timestamp(6), note varchar(20), ' +
  'primary key (id, code)';
const rows = 6_000;

const onSource = (statement: string) => sql('source', 'load', '0', statement);
const onTarget = async (keyspace: TargetKeyspace, statement: string) =>
  (await Promise.all(targets[keyspace].shards.map((shard) => sql('target', keyspace, shard, statement)))).flat();

beforeAll(async () => {
  program = await Program.start();
});
beforeEach(async () => {
  for (const keyspace of ['commerce', 'customer'] as const) await emptyTarget(keyspace);
  await onSource(
    `drop table if exists reading; create table reading (${reading}); set cte_max_recursion_depth = ${rows}; ` +
      'insert into reading (id, code, f, g, u, d, note) with recursive n as (select 1 as i union all select i + 1 ' +
      `from n where i < ${rows}) select i, concat('K', i), 16777215 - i / 7, i / 3, i * 1234.5678, i / 9, 'x' from n`,
  );
  await onSource(
    'update reading set f = null where id % 10 = 0; update reading set f = -0e0 where id = 11; update reading set f = 1.17549e-38 where id = 12; update reading set f = -3.40282e38 where id = 13; update reading set g = null where id = 14',
  );
  await vtctldclient('source', 'ReloadSchemaKeyspace', '--include-primary', 'load');
});
afterEach(async () => {
  await program.settle();
  await onSource('drop table if exists reading');
  await vtctldclient('source', 'ReloadSchemaKeyspace', '--include-primary', 'load');
  for (const keyspace of ['commerce', 'customer'] as const) await emptyTarget(keyspace);
});
afterAll(() => program.stop());

async function migrate(keyspace: TargetKeyspace, more: object): Promise<WorkflowHandle> {
  if (keyspace === 'customer') {
    const tables = { ...customerVSchema.tables, reading: { column_vindexes: [{ column: 'id', name: 'xxhash' }] } };
    await vtctldclient('target', 'ApplyVSchema', '--vschema', JSON.stringify({ ...customerVSchema, tables }), keyspace);
  }
  return program.migrate({ source: 'ext1.load', target: `${keyspace}.floats`, tables: ['reading'], mount, ...more });
}

/** Every value, FLOAT as the double that it is: what is compared here owes nothing to the checksums. */
async function expectEqual(keyspace: TargetKeyspace): Promise<void> {
  const all =
    'select id, code, concat(f * 1e0) f, concat(g * 1e0) g, concat(u * 1e0) u, concat(half * 1e0) half, ' +
    'concat(d) d, concat(seen) seen, note from reading';
  const sorted = (found: Record<string, unknown>[]) => found.map((row) => JSON.stringify(row)).sort();
  expect(sorted(await onTarget(keyspace, all))).toEqual(sorted(await onSource(all)));
}

async function expectRunning(keyspace: TargetKeyspace): Promise<void> {
  const { stdout } = await vtctldclient(
    'target',
    'Workflow',
    '--keyspace',
    keyspace,
    'show',
    '--workflow',
    'floats',
    '--include-logs=false',
  );
  expect(stdout).not.toContain('"Stopped"');
  expect(stdout).not.toContain(repairMessage);
}

const differ = 'select count(*) n from reading where f * 1e0 = 16777200';

describe.each(['commerce', 'customer'] as const)('FLOAT columns in %s', (keyspace) => {
  test('are set from a living source to the last bit, and nothing else changes', async () => {
    const writer = await mysqlOf('source', 'load', '0');
    let writing = true as boolean;
    const writes = (async () => {
      for (let n = 0; writing; n++) {
        const id = (n * 37) % rows;
        await writer.query(`update reading set f = ${n} + 0.1, note = 'w${n}' where id = ${id}`);
        if (n % 5 === 0) await writer.query(`update reading set code = concat('k', ${n}) where id = ${id}`);
        if (n % 7 === 0) await writer.query(`delete from reading where id = ${id}`);
        if (n % 7 === 0)
          await writer.query(`insert into reading (id, code, f) values (${id}, 'again', 16777213.25 + ${n} / 3)`);
        await sleep(5);
      }
    })();
    onTestFinished(async () => {
      writing = false;
      await writes;
      await writer.end();
    });
    const handle = await migrate(keyspace, { repairFloats: ['reading'] });
    const { proof, repair, vdiff } = await until(
      handle,
      (status) => status.phase === 'replicating' && status.proof !== null && status.proof.oldest !== null,
    );
    expect(proof?.differing).toEqual([]);
    expect(repair).toMatchObject({ tables: { names: ['reading'] } });
    expect(repair?.rows).toBeGreaterThan(rows / 2);
    expect(vdiff?.state).toBe('completed');
    await expectRunning(keyspace);
    writing = false;
    await writes;
    await handle.signal('complete', { fenceSource: true });
    expect(await resultOf(handle)).toMatchObject({
      outcome: 'completed',
      repair: { tables: { names: ['reading'] } },
      proof: { proven: 1, tablesProven: [{ table: 'reading' }] },
      overridden: [],
    });
    await expectEqual(keyspace);
  });
});

describe('a worker that dies in a repair', () => {
  test.each([
    ['commerce', '2', 'before'],
    ['commerce', '9', 'after'],
    ['customer', '25', 'after'],
  ] as const)('in %s at call %s, %s it: another one goes on, and the streams run', async (keyspace, at, when) => {
    const handle = await migrate(keyspace, { repairFloats: ['reading'], autoStart: false });
    await until(handle, ({ phase }) => phase === 'copying');
    const worker = await program.replaceWorker(at, when, 'updateVReplicationWorkflow');
    await vtctldclient('target', 'Workflow', '--keyspace', keyspace, 'start', '--workflow', 'floats');
    await worker.gone;
    expect(worker.log()).toMatch(/dies (before|after)/);
    await program.startWorker();
    await until(handle, ({ phase, repair }) => phase === 'replicating' && repair !== null);
    await expectRunning(keyspace);
    await handle.signal('complete');
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed', overridden: [] });
    await expectEqual(keyspace);
  });
});

describe('without a repair', () => {
  test('preflight refuses FLOAT columns, and repairFloats that cannot be done', async () => {
    const refused = async (more: object) => {
      const error: unknown = await resultOf(await migrate('commerce', more)).catch((reason: unknown) => reason);
      return JSON.stringify(error, ['message', 'cause', 'details']) + String((error as Error).cause);
    };
    expect(await refused({})).toMatch(/reading has FLOAT columns, of which the copy keeps six digits: f, g, u/);
    expect(await refused({ tables: ['customer'], repairFloats: ['customer'] })).toMatch(
      /customer has no FLOAT columns to repair/,
    );
    expect(await refused({ repairFloats: ['reading', 'nope'] })).toMatch(/repairFloats names nope, which is not moved/);
    expect(await onTarget('commerce', "show tables like 'reading'")).toEqual([]);
  });

  test('what is generated of a rounded value differs, until a repair is asked for with Complete', async () => {
    const handle = await migrate('commerce', { accept: ['float-column'] });
    await until(handle, ({ phase, proof }) => phase === 'replicating' && (proof?.differing.length ?? 0) > 0);
    const dry = await handle.executeUpdate<{ outcome: string }, [object]>('complete', { args: [{ dryRun: true }] });
    expect(dry).toMatchObject({
      outcome: 'not ready',
      missing: [{ code: 'VDIFF_NOT_CLEAN' }, { code: 'ROWS_DIFFER' }],
    });
    const done = await program.cli('Migrate', '-repair-floats', 'reading', 'Complete', 'commerce.floats');
    expect(done).toMatchObject({ code: 0, stdout: expect.stringMatching(/FLOAT columns of reading/) as string });
    await expectEqual('commerce');
  });

  test('the loss that is accepted stays, and is no difference', async () => {
    await onSource('alter table reading drop column half');
    await vtctldclient('source', 'ReloadSchemaKeyspace', '--include-primary', 'load');
    const handle = await migrate('commerce', { accept: ['float-column'], complete: 'auto' });
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed', proof: { proven: 1 }, overridden: [] });
    const [row] = await onTarget('commerce', differ);
    expect(Number(row?.['n'])).toBeGreaterThan(0);
  });
});

test('a migration that is taken over names what is to be repaired', async () => {
  const handle = await migrate('commerce', { accept: ['float-column'] });
  await until(handle, (status) => status.phase === 'replicating');
  await handle.terminate('a test');
  const done = await program.cli('Migrate', '-repair-floats', 'reading', 'Complete', 'commerce.floats');
  expect(done).toMatchObject({ code: 0, stdout: expect.stringMatching(/FLOAT columns of reading/) as string });
  await expectEqual('commerce');
});

test('a repair that was cut off, its workflow terminated: who takes it over finds the streams running', async () => {
  const handle = await migrate('commerce', { repairFloats: ['reading'], autoStart: false });
  await until(handle, ({ phase }) => phase === 'copying');
  const worker = await program.replaceWorker('2', 'after', 'updateVReplicationWorkflow');
  await vtctldclient('target', 'Workflow', '--keyspace', 'commerce', 'start', '--workflow', 'floats');
  await worker.gone;
  await handle.terminate('a test');
  await program.startWorker();
  expect(await program.cli('Migrate', 'Complete', 'commerce.floats')).toMatchObject({ code: 0 });
  await expectEqual('commerce');
});
