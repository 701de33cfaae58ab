import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest';
import { allowOnSource, emptyTarget, sourceMount as mount, sql, vtctldclient } from '../support/lab/lab.js';
import { Program, resultOf, until } from '../support/lab/program.js';
import { contentsOf } from '../support/lab/rows.js';
import { snapshot } from '../support/lab/snapshot.js';
import { statusOf } from '../support/status.js';

/** A cell of each cluster whose server is gone; no tablet has ever been in it. */
const clusters = ['source', 'target'] as const;
const tables = ['product'];
let program: Program;

beforeAll(async () => {
  await emptyTarget('commerce');
  program = await Program.start();
});
afterEach(async () => {
  await program.settle();
  await forgetCell();
  await allowOnSource(tables);
  await emptyTarget('commerce');
});
afterAll(() => program.stop());

async function loseCell(): Promise<void> {
  for (const cluster of clusters)
    await vtctldclient(cluster, 'AddCellInfo', '--root', '/vitess/zone9', '--server-address', '127.0.0.1:1', 'zone9');
}

async function forgetCell(): Promise<void> {
  for (const cluster of clusters) await vtctldclient(cluster, 'DeleteCellInfo', '--force', 'zone9');
}

const migrate = (input: object) =>
  program.migrate({ source: 'ext1.load', target: 'commerce.cells', tables, mount, ...input });

test('a cell that is gone before Create: it is told, and Complete with a fence ends', async () => {
  await loseCell();
  const handle = await migrate({ complete: 'auto', fenceSource: true });
  const result = await resultOf(handle);
  expect(result).toMatchObject({
    outcome: 'completed',
    fenced: true,
    warnings: [{ code: 'CELL_NOT_REACHED', place: { cluster: 'target', cell: 'zone9' } }],
  });
  const { findings } = await statusOf(handle);
  expect(findings.filter(({ check }) => check === 'cell-away').map(({ place }) => place.cluster)).toEqual([
    'ext1',
    'target',
  ]);
  expect((await vtctldclient('target', 'GetSrvVSchema', 'zone1')).stdout).toContain('"product"');
});

test('a cell that is lost after the copy: Cancel ends, and so does Complete', async () => {
  const before = await snapshot('commerce');
  const cancelled = await migrate({});
  await until(cancelled, ({ phase }) => phase === 'replicating');
  await loseCell();
  expect(await cancelled.executeUpdate('cancel')).toMatchObject({ outcome: 'cancelled' });
  await forgetCell();
  expect(await snapshot('commerce')).toEqual(before);
  await loseCell();
  const completed = await migrate({ complete: 'auto' });
  expect(await resultOf(completed)).toMatchObject({ outcome: 'completed' });
  expect(await contentsOf('target', 'commerce', tables)).toEqual(await contentsOf('source', 'load', tables));
});

test('with -all-cells, the streams may read in cells that have no tablet yet', async () => {
  const server = ['--root', '/vitess/zone8', '--server-address', mount.topoServer, 'zone8'];
  await vtctldclient('source', 'AddCellInfo', ...server);
  onTestFinished(async () => {
    await vtctldclient('source', 'DeleteCellInfo', '--force', 'zone8');
  });
  const line = ['-source', 'ext1.load', '-tables', 'product', '-all-cells', 'Create', 'commerce.cells'];
  expect(await program.cli('Migrate', ...line)).toMatchObject({ code: 0 });
  await until(program.client.workflow.getHandle('commerce.cells'), ({ phase }) => phase === 'replicating');
  const [row] = await sql('target', 'commerce', '0', 'select cast(cell as char) as cell from _vt.vreplication');
  expect(row).toEqual({ cell: 'ext,zone8' });
  expect(await program.cli('Migrate', 'Complete', 'commerce.cells')).toMatchObject({ code: 0 });
});
