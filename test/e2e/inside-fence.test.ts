import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { HookEvent } from '../../src/migration/proof/fence-hook.js';
import { allowOnSource, emptyTarget, sourceMount as mount, sql, vtctldclient, vtgateOf } from '../support/lab/lab.js';
import { Program, resultOf, until } from '../support/lab/program.js';
import { Writers } from '../support/lab/writers.js';

/** Keys of this file's writers: the sample's own are far below. */
const firstKey = 60_000_000;
const patiently = { timeout: 120_000, interval: 200 };

let program: Program;
let directory: string;
const told = (): HookEvent[] =>
  existsSync(join(directory, 'told'))
    ? readFileSync(join(directory, 'told'), 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as HookEvent)
    : [];

/** A migration that calls a command inside its fence. */
const migrating = (insideFence: string) =>
  program.migrate({
    source: 'ext1.load',
    target: 'commerce.inside',
    tables: ['customer'],
    mount,
    fenceSource: true,
    insideFence,
  });

/** Whether the source denies the table of this file: others that ran before may have left tables of their own. */
async function customerIsDenied(): Promise<boolean> {
  const { stdout } = await vtctldclient('source', 'GetShard', 'load/0');
  const { shard } = JSON.parse(stdout) as { shard: { tablet_controls: { denied_tables: string[] }[] } };
  return shard.tablet_controls.some((control) => control.denied_tables.includes('customer'));
}

beforeAll(async () => {
  await emptyTarget('commerce');
  await allowOnSource(['customer']);
  directory = mkdtempSync(join(tmpdir(), 'vtmigrate-hooks-'));
  program = await Program.start({ VTMIGRATE_HOOK_COMMANDS: directory });
});
afterEach(async () => {
  await program.settle();
  await allowOnSource(['customer']);
  await sql('source', 'load', '0', `delete from customer where id >= ${firstKey}`);
  await emptyTarget('commerce');
});
afterAll(async () => {
  await program.stop();
  rmSync(directory, { recursive: true });
});

test('a command that fails takes the fence down; once it succeeds, the target takes over, and no write is lost', async () => {
  const file = join(directory, 'switch-router');
  writeFileSync(file, '#!/bin/sh\ncat >> told\n[ ! -e broken ] || { echo "the router is away" >&2; exit 3; }\n');
  chmodSync(file, 0o755);
  writeFileSync(join(directory, 'broken'), '');
  const writing = new Writers(4, firstKey);
  try {
    const handle = await migrating('switch-router');
    await until(handle, (status) => status.phase === 'replicating');
    await handle.signal('complete');
    const { missing } = await until(handle, (status) =>
      status.missing.some(({ code }) => code === 'FENCE_HOOK_FAILED'),
    );
    expect(missing).toMatchObject([{ message: 'switch-router has failed (fenced): exit code 3: the router is away' }]);
    expect(told().map(({ event }) => event)).toEqual(['fenced', 'taken-back', 'taken-back', 'taken-back']);
    expect(await customerIsDenied()).toBe(false);
    const before = writing.acknowledged.length;
    await expect.poll(() => writing.acknowledged.length, patiently).toBeGreaterThan(before);
    rmSync(join(directory, 'broken'));
    const result = await resultOf(handle);
    expect(result).toMatchObject({ outcome: 'completed', fenced: true, warnings: [] });
    if (result.outcome !== 'completed') return;
    const { refusedMs = 0, hookMs } = result.cutover ?? {};
    expect(hookMs).toBeGreaterThanOrEqual(0);
    expect(refusedMs).toBeGreaterThanOrEqual(500);
    console.log(`refused for ${refusedMs} ms, of which the command took ${String(hookMs)} ms`);
  } finally {
    await writing.stop();
  }
  expect(told().at(-1)).toMatchObject({
    event: 'fenced',
    attempt: 1,
    workflow: 'commerce.inside',
    tables: ['customer'],
  });
  const vtgate = await vtgateOf('target');
  const [rows] = await vtgate.query(`select id from commerce.customer where id >= ${firstKey}`);
  await vtgate.end();
  const present = new Set((rows as { id: number }[]).map(({ id }) => id));
  expect(writing.acknowledged.filter((key) => !present.has(key))).toEqual([]);
  expect(await customerIsDenied()).toBe(true);
});

test('a command that the worker does not have is refused before the first change', async () => {
  const handle = await migrating('format-disk');
  await expect(handle.result()).rejects.toMatchObject({
    cause: { message: expect.stringMatching(/format-disk cannot be called inside the fence: .*ENOENT/) as string },
  });
});
