import { afterAll, beforeAll, expect, test } from 'vitest';
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
