import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunningWorker } from '../../lab/worker.js';
import { emptyTarget, sourceMount as mount, sql } from '../support/lab/lab.js';
import { Program, until } from '../support/lab/program.js';
import { contentsOf } from '../support/lab/rows.js';

const tables = Array.from({ length: 12 }, (_, n) => `rolling_${String(n + 1).padStart(2, '0')}`);
const onSource = (statement: string) => sql('source', 'load', '0', statement);
let program: Program;

beforeAll(async () => {
  for (const table of tables)
    await onSource(
      `drop table if exists ${table}; create table ${table} (id int primary key, note varchar(20));
       insert into ${table} values (1, 'a'), (2, 'b')`,
    );
  await emptyTarget('commerce');
  program = await Program.start();
});
afterAll(async () => {
  await program.settle();
  await emptyTarget('commerce');
  await onSource(`drop table ${tables.join(', ')}`);
  await program.stop();
});

/** What Temporal has seen time out in a history: a step that it heard nothing of, or a workflow task. */
async function timeouts(handle: WorkflowHandle): Promise<string[]> {
  const { events } = await handle.fetchHistory();
  const late = (events ?? []).filter(
    (event) => event.activityTaskTimedOutEventAttributes ?? event.workflowTaskTimedOutEventAttributes,
  );
  return late.map((event) => `${handle.workflowId} event ${String(event.eventId)}`);
}

/** Ends a worker as Kubernetes does, once another one polls. */
async function replace(worker: RunningWorker): Promise<RunningWorker> {
  const next = await program.anotherWorker();
  worker.process.kill('SIGTERM');
  await worker.gone;
  expect(worker.process.exitCode).toBe(0);
  return next;
}

test('workers that share migrations are replaced one after the other, under load, and no step is lost', async () => {
  await program.killWorker();
  const workers = [await program.anotherWorker(), await program.anotherWorker()];
  const handles = await Promise.all(
    tables.map((table) =>
      program.migrate({ source: 'ext1.load', target: `commerce.${table}`, tables: [table], mount }),
    ),
  );
  const replaceAll = async () => {
    for (const [n, worker] of workers.entries()) workers[n] = await replace(worker);
  };
  // While they are created, copy and compare, and while they are watched.
  await replaceAll();
  for (const handle of handles) await until(handle, ({ phase }) => phase === 'replicating');
  await replaceAll();
  await Promise.all(handles.map((handle) => handle.signal('complete')));
  await replaceAll();
  for (const handle of handles) expect(await handle.result()).toMatchObject({ outcome: 'completed' });
  expect((await Promise.all(handles.map(timeouts))).flat()).toEqual([]);
  expect(await contentsOf('target', 'commerce', tables)).toEqual(await contentsOf('source', 'load', tables));
  await Promise.all(workers.map((worker) => worker.kill()));
});
