import { WorkflowFailedError, type ApplicationFailure, type WorkflowHandle } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { EtcdKv } from '../../src/vitess/topology/etcd.js';
import { emptyTarget, lab, sourceMount as mount, sql, vtctldclient } from '../support/lab/lab.js';
import { startWorker } from '../../lab/worker.js';
import { Program, resultOf, until } from '../support/lab/program.js';
import { contentsOf } from '../support/lab/rows.js';
import { changedKeys, snapshot, withoutProofs } from '../support/lab/snapshot.js';

let program: Program;

beforeAll(async () => {
  program = await Program.start();
  await program.client.workflow.execute('mount', {
    taskQueue: program.taskQueue,
    workflowId: `mount-${program.taskQueue}`,
    args: [{ action: 'mount', name: 'ext1', config: mount }],
  });
  await emptyTarget('commerce');
});
afterEach(async () => {
  await program.settle();
  await emptyTarget('commerce');
});
afterAll(() => program.stop());

const start = (name: string, tables: string[], input: object = {}) =>
  program.migrate({ source: 'ext1.load', target: `commerce.${name}`, tables, ...input });
const theirCreate = (name: string, tables: string, ...more: string[]) =>
  vtctldclient(
    'target',
    'Migrate',
    '--workflow',
    name,
    '--target-keyspace',
    'commerce',
    'create',
    '--source-keyspace',
    'load',
    '--mount-name',
    'ext1',
    '--tables',
    tables,
    '--cells',
    'ext',
    ...more,
  );

async function failureOf(handle: WorkflowHandle): Promise<ApplicationFailure | undefined> {
  return handle.result().then(
    () => undefined,
    (error: unknown) => (error as WorkflowFailedError).cause as ApplicationFailure,
  );
}

describe('two Creates for overlapping tables', () => {
  test.each([1, 2, 3])('at the same time (round %i): one wins, the other names it, and leaves nothing', async () => {
    const handles = await Promise.all([
      start('one', ['customer', 'product']),
      start('two', ['order line', 'customer']),
    ]);
    const settled = await Promise.all(
      handles.map((handle) =>
        Promise.race([
          until(handle, (status) => status.phase === 'replicating').then(
            () => undefined,
            () => failureOf(handle),
          ),
          failureOf(handle),
        ]),
      ),
    );
    const losers = settled.filter((failure) => failure !== undefined);
    expect(losers).toHaveLength(1);
    const won = settled[0] === undefined ? 'one' : 'two';
    expect(losers[0]?.message).toMatch(
      new RegExp(`table customer is held by commerce\\.${won} from ext1\\.load, run ID `),
    );
    const own = won === 'one' ? 'order line' : 'product';
    const { topology, mysql } = await snapshot('commerce');
    expect(mysql['0']?.tables).not.toContain(own);
    expect(
      Object.keys(topology)
        .filter((key) => key.includes('/vtmigrate/commerce/'))
        .some((key) => key.includes(won === 'one' ? '/two' : '/one')),
    ).toBe(false);
    const winner = handles[won === 'one' ? 0 : 1];
    await winner.signal('complete');
    expect(await resultOf(winner)).toMatchObject({ outcome: 'completed' });
  });

  test('with two workers on one queue', async () => {
    const second = await startWorker({ ...process.env, ...lab.environment, VTMIGRATE_TASK_QUEUE: program.taskQueue });
    try {
      const handles = await Promise.all(['a', 'b', 'c'].map((name) => start(name, ['customer'], { complete: 'auto' })));
      const outcomes = await Promise.all(handles.map(failureOf));
      expect(outcomes.filter((failure) => failure === undefined)).toHaveLength(1);
      expect(await contentsOf('target', 'commerce', ['customer'])).toEqual(
        await contentsOf('source', 'load', ['customer']),
      );
    } finally {
      await second.kill();
    }
  });
});

describe('theirs first', () => {
  test('our Create names their workflow, and leaves it alone', async () => {
    expect((await theirCreate('theirs', 'empty_one,customer', '--auto-start=false')).code).toBe(0);
    const before = await snapshot('commerce');
    const failure = await failureOf(await start('ours', ['customer', 'product']));
    expect(failure?.message).toMatch(
      /table customer is held by commerce\.theirs, a workflow that vtmigrate did not make/,
    );
    expect(withoutProofs(await snapshot('commerce'))).toEqual(withoutProofs(before));
    expect(await program.cli('Migrate', 'Cancel', 'commerce.theirs')).toMatchObject({ code: 0 });
  });
});

describe('ours first', () => {
  test('their Create for the same tables, which Vitess lets through while they are empty: Complete waits and names it', async () => {
    const handle = await start('ours', ['empty_one']);
    await until(handle, (status) => status.phase === 'replicating');
    expect((await theirCreate('theirs', 'empty_one')).code).toBe(0);
    const answer = await handle.executeUpdate<{ outcome: string; missing: { code: string; message: string }[] }, []>(
      'complete',
    );
    expect(answer).toMatchObject({ outcome: 'remembered', missing: [{ code: 'OTHER_WORKFLOW' }] });
    expect(answer.missing[0]?.message).toMatch(/commerce\.theirs writes to the table as well/);
    await vtctldclient('target', 'Workflow', '--keyspace', 'commerce', 'delete', '--workflow', 'theirs', '--keep-data');
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed' });
  });

  test.each([
    ['Migrate complete', ['Migrate', '--workflow', 'ours', '--target-keyspace', 'commerce', 'complete']],
    ['Migrate cancel', ['Migrate', '--workflow', 'ours', '--target-keyspace', 'commerce', 'cancel']],
    ['Workflow delete', ['Workflow', '--keyspace', 'commerce', 'delete', '--workflow', 'ours']],
  ])('their %s on ours: what is missing is shown, and Cancel leaves nothing', async (what, args) => {
    const before = await snapshot('commerce');
    const handle = await start('ours', ['customer']);
    await until(handle, (status) => status.phase === 'replicating');
    await vtctldclient('target', ...args);
    const status = await until(handle, ({ problems }) => problems.some(({ code }) => code === 'STREAMS_MISSING'));
    expect(status.problems[0]?.remedy).toMatch(/another program has deleted them/);
    expect(await handle.executeUpdate('cancel')).toMatchObject({ outcome: 'cancelled' });
    const after = await snapshot('commerce');
    expect(after.mysql).toEqual(before.mysql);
    // Their complete writes empty VSchema entries, which are not ours to take away.
    const theirs = changedKeys(before.topology, after.topology);
    expect(theirs.filter((key) => !/\/(Srv)?VSchema$/.test(key))).toEqual([]);
    if (what !== 'Migrate complete') expect(theirs).toEqual([]);
  });
});

describe('locks', () => {
  test('held by vtctldclient, or by one of ours: the message says who, and since when', async () => {
    const kv = new EtcdKv(lab.target.topoServer, 'target');
    const lease = await kv.lock(
      `${lab.target.topoRoot}/keyspaces/commerce`,
      JSON.stringify({
        Action: 'MoveTablesCreate',
        HostName: 'laptop',
        UserName: 'somebody',
        Time: '2026-11-24T10:00:00Z',
        Status: 'Running',
      }),
      1_000,
    );
    const keep = setInterval(() => void lease.check().catch(() => undefined), 2_000);
    const handle = await start('ours', ['customer']);
    try {
      const { lastError } = await until(handle, (status) => status.lastError?.code === 'LOCKED');
      expect(lastError?.message).toMatch(
        /keyspaces\/commerce is locked by MoveTablesCreate of somebody@laptop since 2026-11-24T10:00:00Z/,
      );
    } finally {
      clearInterval(keep);
      await lease.release();
      kv.close();
    }
    await until(handle, (status) => status.phase === 'replicating');
    await sql('target', 'commerce', '0', 'select 1');
  });
});
