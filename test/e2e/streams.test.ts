import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Status } from '../../src/migration/lifecycle/status.js';
import { Program, resultOf, until } from '../support/lab/program.js';
import { contentsOf } from '../support/lab/rows.js';
import { emptyTarget, sourceMount as mount, sql, vtctldclient } from '../support/lab/lab.js';

let program: Program;

beforeAll(async () => {
  program = await Program.start();
  await emptyTarget('commerce');
  await sql(
    'source',
    'load',
    '0',
    "drop table if exists streamed; create table streamed (id bigint primary key, v varchar(20)); insert into streamed values (1, 'a')",
  );
  await vtctldclient('source', 'ReloadSchemaShard', '--include-primary', 'load/0');
});
afterAll(async () => {
  await program.stop();
  await sql('source', 'load', '0', 'drop table streamed');
  await emptyTarget('commerce');
});

test('what stops a stream is shown with its next step, holds Complete back, and goes when it is mended', async () => {
  const handle = await program.migrate({ source: 'ext1.load', target: 'commerce.stuck', tables: ['streamed'], mount });
  await until(handle, (status) => status.phase === 'replicating');
  await sql('target', 'commerce', '0', "insert into streamed values (2, 'in the way')");
  await sql('source', 'load', '0', "insert into streamed values (2, 'b')");

  const stuck = await until(handle, (status) => status.problems.length > 0, 30);
  expect(stuck.problems[0]).toMatchObject({ code: 'STREAM_IN_TROUBLE', place: { keyspace: 'commerce', shard: '0' } });
  expect(stuck.problems[0]?.message).toMatch(/Duplicate entry/);
  expect(stuck.problems[0]?.remedy).toMatch(/the row is there already/);
  const show = await program.cli('Workflow', 'Show', 'commerce.stuck');
  expect(show.stdout).toMatch(/Duplicate entry[\s\S]*the row is there already/);

  // The last VDiff was clean, but this stream cannot go on: the migration has paused, and Complete waits.
  await until(handle, (status) => status.phase === 'paused');
  const answer = await handle.executeUpdate<{ outcome: string; waitingFor: string[] }, []>('complete');
  expect(answer).toMatchObject({
    outcome: 'remembered',
    waitingFor: [expect.stringMatching(/^a person: .*then resume, or cancel/)],
  });

  await sql('target', 'commerce', '0', 'delete from streamed where id = 2');
  expect(await program.cli('Workflow', 'Start', 'commerce.stuck')).toMatchObject({ code: 0 });
  expect(await resultOf(handle)).toMatchObject({ outcome: 'completed' });
  expect(await contentsOf('target', 'commerce', ['streamed'])).toEqual(
    await contentsOf('source', 'load', ['streamed']),
  );
});

/** What Temporal keeps of a migration, with its payloads as text. */
async function historyOf(handle: WorkflowHandle): Promise<string> {
  const { events } = await handle.fetchHistory();
  const text = (value: unknown): string => {
    if (value instanceof Uint8Array) return Buffer.from(value).toString();
    return typeof value === 'object' && value !== null ? Object.values(value).map(text).join('\n') : String(value);
  };
  return text(events);
}

describe('statements of the source that Vitess cannot parse, with the DDL of a table that is not moved', () => {
  const source = (statement: string) => sql('source', 'load', '0', statement);
  const users = async () =>
    (await sql('target', 'commerce', '0', "select user from mysql.user where user = 'reporter'")).map((row) =>
      String(row['user']),
    );
  const createUser = "create user 'reporter'@'%' identified by 'not-a-secret'";
  const createTrigger =
    'create table side_a (id int primary key); ' +
    'create trigger side_a_ins before insert on side_a for each row set new.id = new.id + 0';

  async function replicating(onDdl: string) {
    await emptyTarget('commerce');
    onTestFinished(async () => {
      await program.settle();
      await source("drop user if exists 'reporter'@'%'; drop table if exists side_a");
      await sql('target', 'commerce', '0', "drop user if exists 'reporter'@'%'");
    });
    const handle = await program.migrate({
      source: 'ext1.load',
      target: 'commerce.ddl',
      tables: ['streamed'],
      mount,
      onDdl,
    });
    const status = await until(handle, ({ phase }) => phase === 'replicating');
    expect(status.findings).toContainEqual(expect.objectContaining({ check: 'on-ddl' }));
    return handle;
  }
  const inTrouble = async (handle: WorkflowHandle) => {
    const [problem] = (await until(handle, ({ phase }) => phase === 'paused')).problems;
    const history = await historyOf(handle);
    // It is there in full, but for the password.
    expect(history).toContain(JSON.stringify(problem?.message).slice(1, -1));
    expect(history).not.toContain('caching_sha2_password');
    return problem;
  };
  const goesOn = async (handle: WorkflowHandle) => {
    expect(await program.cli('Workflow', 'Start', 'commerce.ddl')).toMatchObject({ code: 0 });
    const runs = (status: Status) =>
      status.phase === 'replicating' && status.streams.some(({ state }) => state === 'Running');
    const { streams } = await until(handle, runs);
    return streams.map(({ state }) => state);
  };

  test('STOP: the stream stops at each, and goes on after it', async () => {
    const handle = await replicating('STOP');
    await source(createUser);
    expect(await inTrouble(handle)).toMatchObject({
      kind: 'stopped-at-ddl',
      message: expect.stringMatching(/Stopped at DDL CREATE USER 'reporter'@'%' IDENTIFIED …$/) as string,
      remedy: expect.stringMatching(/-on-ddl STOP.*resume/) as string,
    });
    expect(await goesOn(handle)).toEqual(['Running']);
    expect(await users()).toEqual([]);
    await source(createTrigger);
    expect((await inTrouble(handle))?.message).toMatch(/Stopped at DDL CREATE DEFINER.* trigger side_a_ins/);
    expect(await goesOn(handle)).toEqual(['Running']);
    await source("insert into streamed values (50, 'later')");
    const later = () => sql('target', 'commerce', '0', 'select v from streamed where id = 50');
    await expect.poll(later, { timeout: 300_000 }).toEqual([{ v: 'later' }]);
  });

  test('EXEC: they run on the target, and one that fails there is not of the tables that are moved', async () => {
    const handle = await replicating('EXEC');
    const setOnDdl = (action: string) =>
      vtctldclient('target', 'Workflow', '--keyspace', 'commerce', 'update', '--workflow', 'ddl', '--on-ddl', action);
    await source(createUser);
    await expect.poll(users, { timeout: 300_000 }).toEqual(['reporter']);
    await source(createTrigger);
    expect(await inTrouble(handle)).toMatchObject({
      kind: 'ddl-failed',
      message: expect.stringMatching(/side_a' doesn't exist.*during query: CREATE .*trigger side_a_ins/s) as string,
      remedy: expect.stringMatching(/--on-ddl IGNORE/) as string,
    });
    // What the remedy says.
    expect(await setOnDdl('IGNORE')).toMatchObject({ code: 0 });
    expect(await goesOn(handle)).toEqual(['Running']);
    expect(await setOnDdl('EXEC')).toMatchObject({ code: 0 });
    await source('alter table streamed add column more int');
    const columns = async () =>
      (await sql('target', 'commerce', '0', 'show columns from streamed')).map((row) => String(row['Field']));
    await expect.poll(columns, { timeout: 300_000 }).toContain('more');
  });
});
