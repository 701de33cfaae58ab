import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MigrationError } from '../../src/migration/problem/errors.js';
import { fails, Script } from '../support/workflow/scripted-activities.js';
import { Bench } from '../support/workflow/workflow-bench.js';

const config = { topoType: 'etcd2', topoServer: 'localhost:12379', topoRoot: '/vitess/global' };
const missing = new MigrationError(
  'MOUNT_NOT_FOUND',
  'nothing is mounted as ext9',
  { cluster: 'target' },
  'look at the list',
);

let bench: Bench;
let count = 0;
beforeAll(async () => {
  bench = await Bench.start();
});
afterAll(() => bench.stop());

async function run(script: Script, ...args: unknown[]): Promise<unknown> {
  const handle = await bench.start('mount', `mount-${count++}`, args, script);
  return handle.result();
}

describe('the workflow tables', () => {
  const tables = async (...args: unknown[]): Promise<unknown> =>
    (await bench.start('tables', `tables-${count++}`, args, new Script())).result();

  it('answers with a page', async () => {
    expect(await tables({ target: 'commerce.wf' })).toMatchObject({ page: 1, pages: 1, totals: { tables: 2 } });
    expect(await tables({ target: 'commerce.wf', page: 2 })).toMatchObject({ page: 2, tables: [] });
  });

  it.each([{ page: 1 }, { target: 'commerce.wf', page: 0 }, { target: 'commerce.wf', from: 1 }])(
    'refuses %j',
    async (input) => {
      await expect(tables(input)).rejects.toMatchObject({ cause: { type: 'INVALID_INPUT', nonRetryable: true } });
    },
  );
});

describe('the workflow mount', () => {
  const report = { name: 'ext1', ...config, cells: ['ext'], keyspaces: ['load'] };

  it.each([
    {
      input: { action: 'mount', name: 'ext1', config },
      result: { mounts: ['ext1'], mount: report },
      calls: [{ name: 'mount', args: ['ext1', config] }],
    },
    {
      input: { action: 'show', name: 'ext1' },
      result: { mounts: ['ext1'], mount: report },
      calls: [{ name: 'showMount', args: ['ext1'] }],
    },
    {
      input: { action: 'list' },
      result: { mounts: ['ext1', 'ext2'], mount: null },
      calls: [{ name: 'listMounts', args: [] }],
    },
    {
      input: { action: 'unmount', name: 'ext1' },
      result: { mounts: [], mount: null },
      calls: [{ name: 'unmount', args: ['ext1'] }],
    },
  ])('does $input.action', async ({ input, result, calls }) => {
    const script = new Script();
    expect(await run(script, input)).toEqual(result);
    expect(script.calls).toMatchObject(calls);
    expect(script.calls).toHaveLength(1);
  });

  it('fails with the error of its step', async () => {
    const script = new Script().on('showMount', fails(missing));
    await expect(run(script, { action: 'show', name: 'ext9' })).rejects.toMatchObject({
      cause: { type: 'MOUNT_NOT_FOUND', message: missing.message, nonRetryable: true, details: [missing.toProblem()] },
    });
    expect(script.calls).toHaveLength(1);
  });

  it.each([
    { args: [], message: /action must be mount, unmount, show or list/ },
    { args: [{ action: 'remount', name: 'ext1' }], message: /action must be mount, unmount, show or list/ },
    { args: [{ action: 'mount' }], message: /name is needed to mount; config is needed to mount/ },
    { args: [{ action: 'show' }], message: /name is needed to show/ },
    { args: [{ action: 'mount', name: 'a.b', config }], message: /name must be a name/ },
    {
      args: [{ action: 'mount', name: 'ext1', config: { ...config, topoType: 'consul' } }],
      message: /config\.topoType must be etcd2/,
    },
  ])('refuses $args', async ({ args, message }) => {
    const script = new Script();
    await expect(run(script, ...args)).rejects.toMatchObject({
      cause: { type: 'INVALID_INPUT', nonRetryable: true, message: expect.stringMatching(message) as string },
    });
    expect(script.calls).toEqual([]);
  });
});

it('replays every history of this file', async () => {
  const { replayed, broken } = await bench.replayAll();
  expect(broken).toEqual([]);
  expect(replayed).toBe(16);
});
