import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { emptyTarget, mysqlOf, sourceMount as mount, sql } from '../support/lab/lab.js';
import { Program, resultOf, until } from '../support/lab/program.js';
import { residue } from '../support/lab/residue.js';
import { contentsOf } from '../support/lab/rows.js';
import { snapshot } from '../support/lab/snapshot.js';

const tables = ['corder', 'customer', 'order line', 'product'];
let program: Program;
beforeAll(async () => {
  await emptyTarget('commerce');
  program = await Program.start();
});
afterEach(async () => {
  await program.settle();
  await emptyTarget('commerce');
});
afterAll(() => program.stop());

const held = (why: RegExp) => (status: { waitingFor: string[] }) =>
  status.waitingFor.some((each) => /held back/.test(each) && why.test(each));

async function streams(): Promise<string[]> {
  const rows = await sql('target', 'commerce', '0', 'select state, message from _vt.vreplication order by workflow');
  return (rows as { state: Buffer; message: Buffer }[]).map(
    ({ state, message }) => `${String(state)}: ${String(message)}`,
  );
}

/** An hour of the day that is not now. */
function laterHour(): string {
  const hour = (offset: number) => String((new Date().getUTCHours() + offset) % 24).padStart(2, '0');
  return `${hour(6)}:00-${hour(7)}:00`;
}

test('outside its hours nothing is copied; a change of the hours lets it, and Cancel needs none', async () => {
  const before = await snapshot('commerce');
  const hours = laterHour();
  const input = { source: 'ext1.load', target: 'commerce.h', tables, mount, lanes: 1, copyHours: hours };
  const handle = await program.migrate(input);
  await until(handle, held(new RegExp(`the copy may run ${hours} only`)));
  const message = `held back by vtmigrate: the copy may run ${hours} only`;
  expect(await streams()).toEqual([`Stopped: ${message}`]);
  const shown = await program.cli('Workflow', 'Show', 'commerce.h');
  expect(shown.stdout).toContain(
    `Waiting for: the copy to finish: it is held back, for the copy may run ${hours} only`,
  );
  // A person who pauses and resumes does not change the hours.
  for (const action of ['Stop', 'Start'])
    expect(await program.cli('Workflow', action, 'commerce.h')).toMatchObject({ code: 0 });
  await until(handle, held(/may run/));
  await expect.poll(streams, { timeout: 30_000 }).toEqual([`Stopped: ${message}`]);
  expect(await program.cli('Workflow', '-copy_hours', 'always', 'Update', 'commerce.h')).toMatchObject({ code: 0 });
  await until(handle, ({ phase }) => phase === 'replicating');
  await cancelled(handle);
  expect(residue(before, await snapshot('commerce'), 'cancelled')).toEqual([]);
});

/** Statements that sleep at the source while `work` lasts. */
async function withThreadsAtWork<T>(count: number, work: () => Promise<T>): Promise<T> {
  const sleepers = await Promise.all(Array.from({ length: count }, () => mysqlOf('source', 'load', '0')));
  const asleep = sleepers.map((connection) => connection.query('select sleep(600)').catch(() => undefined));
  try {
    return await work();
  } finally {
    for (const { threadId } of sleepers) await sql('source', 'load', '0', `kill ${threadId}`);
    await Promise.all(asleep);
  }
}

const busy = /\d+ threads are at work in the MySQL of ext-/;

test('a source that is busier than a person allows is left alone, and the copy goes on when it is at rest', async () => {
  const expected = await contentsOf('source', 'load', tables);
  const asked = { lanes: 1, maxThreadsRunning: 8, complete: 'auto' };
  const handle = await withThreadsAtWork(12, async () => {
    const begun = await program.migrate({ source: 'ext1.load', target: 'commerce.b', tables, mount, ...asked });
    await until(begun, held(busy));
    await expect.poll(streams, { timeout: 30_000 }).toEqual([expect.stringMatching(/^Stopped: held back/)]);
    return begun;
  });
  expect(await resultOf(handle)).toMatchObject({ outcome: 'completed' });
  expect(await contentsOf('target', 'commerce', tables)).toEqual(expected);
});

test('without a limit a busy source has one lane at a time, and all of them come to their end', async () => {
  const all = [...tables, 'audit-log', 'empty_one'];
  const expected = await contentsOf('source', 'load', all);
  await withThreadsAtWork(30, async () => {
    const input = { source: 'ext1.load', target: 'commerce.c', tables: all, mount, lanes: 2, complete: 'auto' };
    const handle = await program.migrate(input);
    await until(handle, (status) => status.streams.some(({ message }) => message.startsWith('held back by vtmigrate')));
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed' });
  });
  expect(await contentsOf('target', 'commerce', all)).toEqual(expected);
});

async function cancelled(handle: WorkflowHandle): Promise<void> {
  await handle.signal('cancel');
  expect(await resultOf(handle)).toMatchObject({ outcome: 'cancelled' });
}
