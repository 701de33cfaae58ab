import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { WorkflowHandle } from '@temporalio/client';
import { allowOnSource, emptyTarget, sourceMount as mount, sql, targets, vtctldclient } from '../support/lab/lab.js';
import { Program, resultOf, until } from '../support/lab/program.js';
import { residue } from '../support/lab/residue.js';
import { contentsOf } from '../support/lab/rows.js';
import { snapshot } from '../support/lab/snapshot.js';
import { statusOf } from '../support/status.js';
import { Writers } from '../support/lab/writers.js';

const tables = ['audit-log', 'corder', 'customer', 'empty_one', 'order line', 'product'];
/** Keys of this file's writers. */
const firstKey = 60_000_000;
let program: Program;

const putBack = async () => {
  await allowOnSource(tables);
  await sql('source', 'load', '0', `delete from customer where id >= ${firstKey}`);
  for (const keyspace of ['commerce', 'customer'] as const) await emptyTarget(keyspace);
};

beforeAll(async () => {
  await putBack();
  program = await Program.start();
});
afterEach(async () => {
  await program.settle();
  await putBack();
});
afterAll(() => program.stop());

const replicating = (handle: WorkflowHandle) => until(handle, (status) => status.phase === 'replicating');

/** The streams of each shard, as `workflow: state` from its primary, in order. */
async function streamsOf(keyspace: 'commerce' | 'customer'): Promise<Record<string, string[]>> {
  const perShard = targets[keyspace].shards.map(async (shard) => {
    const rows = await sql('target', keyspace, shard, 'select workflow, state from _vt.vreplication order by 1');
    return [
      shard,
      (rows as { workflow: Buffer; state: Buffer }[]).map((row) => `${String(row.workflow)}: ${String(row.state)}`),
    ];
  });
  return Object.fromEntries(await Promise.all(perShard)) as Record<string, string[]>;
}

/** What the streams of a lane copy into `customer`. */
async function tablesOfLane(workflow: string): Promise<string[]> {
  const rows = await sql(
    'target',
    'customer',
    '-80',
    `select source from _vt.vreplication where workflow = '${workflow}'`,
  );
  const [row] = rows as { source: Buffer }[];
  return [...String(row?.source).matchAll(/match:"([^"]*)"/g)].map(([, table = '']) => table);
}

describe('a migration in lanes', () => {
  test('copies, pauses, lets tables leave, compares and completes as one, and loses no write', async () => {
    const before = await snapshot('customer');
    const handle = await program.migrate({ source: 'ext1.load', target: 'customer.l', tables, mount, lanes: 3 });
    const writing = new Writers(2, firstKey);
    let leaving: string[] = [];
    try {
      await replicating(handle);
      const names = ['l', 'l-lane2', 'l-lane3'];
      const all = (state: string) =>
        Object.fromEntries(targets.customer.shards.map((shard) => [shard, names.map((name) => `${name}: ${state}`)]));
      expect(await streamsOf('customer')).toEqual(all('Running'));
      for (const name of names) {
        const { stdout } = await vtctldclient(
          'target',
          'Workflow',
          '--keyspace',
          'customer',
          'show',
          '--workflow',
          name,
        );
        expect(JSON.parse(stdout)).toMatchObject({ workflows: [{ name, workflow_type: 'Migrate' }] });
      }
      const { streams, vdiff } = await statusOf(handle);
      expect(streams.map(({ lane }) => lane ?? 'l').sort()).toEqual(names.flatMap((name) => [name, name]));
      expect(vdiff?.tables.map(({ name }) => name)).toEqual(tables);

      await handle.executeUpdate('pause');
      expect(await streamsOf('customer')).toEqual(all('Stopped'));
      await handle.executeUpdate('resume');
      await expect.poll(() => streamsOf('customer'), { timeout: 60_000 }).toEqual(all('Running'));

      leaving = await tablesOfLane('l-lane2');
      expect(leaving.length).toBeLessThan(tables.length - 1);
      expect(await handle.executeUpdate('leave', { args: [{ tables: leaving }] })).toMatchObject({ outcome: 'left' });
      const rest = Object.fromEntries(
        targets.customer.shards.map((shard) => [shard, ['l: Running', 'l-lane3: Running']]),
      );
      await expect.poll(() => streamsOf('customer'), { timeout: 60_000 }).toEqual(rest);

      expect(await handle.executeUpdate('complete', { args: [{ fenceSource: true }] })).toMatchObject({
        outcome: 'completed',
      });
      expect(await resultOf(handle)).toMatchObject({ outcome: 'completed', fenced: true });
    } finally {
      await writing.stop();
    }
    const left = tables.filter((table) => !leaving.includes(table));
    await allowOnSource(tables);
    expect(writing.acknowledged.length).toBeGreaterThan(0);
    expect(await contentsOf('target', 'customer', left)).toEqual(await contentsOf('source', 'load', left));
    expect(residue(before, await snapshot('customer'), 'completed')).toEqual([]);
  });

  test('is taken over and cancelled as one, with all of its lanes', async () => {
    const before = await snapshot('commerce');
    const input = { source: 'ext1.load', target: 'commerce.l', tables, mount, lanes: 16 };
    const handle = await program.migrate(input);
    await replicating(handle);
    expect((await streamsOf('commerce'))['0']).toHaveLength(tables.length);
    await handle.terminate('a test');
    const audit = await program.cli('Audit', 'commerce');
    expect(audit.stdout).toMatch(/commerce\.l from ext1\.load: no workflow runs it/);
    expect(audit.stdout).not.toMatch(/commerce\.l-lane/);
    expect(await program.cli('Migrate', 'Cancel', 'commerce.l')).toMatchObject({ code: 0 });
    expect(residue(before, await snapshot('commerce'), 'cancelled')).toEqual([]);
  });

  test('is taken over by Complete, and completed', async () => {
    const before = await snapshot('commerce');
    const handle = await program.migrate({
      ...{ source: 'ext1.load', target: 'commerce.l', tables, mount, lanes: 2 },
    });
    await until(handle, (status) => status.phase === 'copying' || status.phase === 'replicating');
    await handle.terminate('a test');
    expect(await program.cli('Migrate', 'Complete', 'commerce.l')).toMatchObject({ code: 0 });
    expect(await contentsOf('target', 'commerce', tables)).toEqual(await contentsOf('source', 'load', tables));
    expect(residue(before, await snapshot('commerce'), 'completed')).toEqual([]);
  });

  test('is refused before anything is touched when the name of a lane is taken', async () => {
    const first = await program.migrate({
      ...{ source: 'ext1.load', target: 'commerce.l-lane2', tables: ['product'], mount },
    });
    await replicating(first);
    const before = await snapshot('commerce');
    const second = await program.migrate({
      ...{ source: 'ext1.load', target: 'commerce.l', tables: ['corder', 'customer'], lanes: 2 },
    });
    await expect(resultOf(second)).rejects.toMatchObject({
      cause: { message: expect.stringMatching(/a workflow named l-lane2 already exists/) as string },
    });
    expect(residue(before, await snapshot('commerce'), 'cancelled')).toEqual([]);
    await first.executeUpdate('cancel');
  });
});
