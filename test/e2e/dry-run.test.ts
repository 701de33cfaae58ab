import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { TopologyWrite } from '../../src/migration/plan/topology-write.js';
import { emptyTarget, sourceMount as mount, sql, vtctldclient } from '../support/lab/lab.js';
import { Program, resultOf } from '../support/lab/program.js';
import { snapshot, topologyOf } from '../support/lab/snapshot.js';
import { TopologyRecorder } from '../support/lab/topology-recorder.js';
import { unlisted, unwritten, type WrittenKey } from '../support/listed-writes.js';

const base = { source: 'ext1.load', target: 'commerce.dry', tables: ['customer'] };
/** Tables of this file alone, which may be renamed. */
const ownTables = ['own one', 'own_two'];
let program: Program;

beforeAll(async () => {
  await emptyTarget('commerce');
  program = await Program.start();
  await mounting({ action: 'mount', name: 'ext1', config: mount });
});
afterEach(async () => {
  await program.settle();
  await emptyTarget('commerce');
});
afterAll(() => program.stop());

function mounting(input: Record<string, unknown>): Promise<unknown> {
  const { taskQueue, client } = program;
  return client.workflow.execute('mount', { taskQueue, workflowId: `mount-${taskQueue}`, args: [input] });
}

const onSource = (statement: string) => sql('source', 'load', '0', statement);

/** The keys of both topologies that a dry run lists, and those that the migration then writes. */
async function listedAndWritten(input: {
  source: string;
  [field: string]: unknown;
}): Promise<{ listed: TopologyWrite[]; written: WrittenKey[] }> {
  const planned = await resultOf(await program.migrate({ ...input, dryRun: true }));
  if (planned.outcome !== 'planned') throw new Error(planned.outcome);
  const target = await TopologyRecorder.start('target');
  const source = await TopologyRecorder.start('source');
  const result = await resultOf(await program.migrate({ ...input, complete: 'auto' }));
  const written = [
    ...(await target.stop()).map((key) => ({ cluster: 'target', key })),
    ...(await source.stop()).map((key) => ({ cluster: input.source.split('.')[0] ?? '', key })),
  ];
  expect(result).toMatchObject({ outcome: 'completed' });
  return { listed: planned.details.topologyWrites, written };
}

test('a dry run reads a source that is not mounted yet, and mounts nothing', async () => {
  const before = { source: await topologyOf('source'), target: await snapshot('commerce') };
  const result = await resultOf(await program.migrate({ ...base, source: 'ext7.load', mount, dryRun: true }));
  expect(result).toMatchObject({ outcome: 'planned', plan: { source: { mount: 'ext7', keyspace: 'load' } } });
  expect({ source: await topologyOf('source'), target: await snapshot('commerce') }).toEqual(before);
});

test('a migration that only reads the source writes the keys that its dry run lists, and no others', async () => {
  const { listed, written } = await listedAndWritten(base);
  expect(written.filter(({ cluster }) => cluster !== 'target')).toEqual([]);
  expect(unlisted(listed, written)).toEqual([]);
  expect(unwritten(listed, written)).toEqual([]);
});

test('the same on both clusters, for one that mounts the source, raises a fence and renames the tables', async () => {
  const old = ownTables.map((table) => `\`_${table}_old\``).join(', ');
  for (const table of ownTables) {
    await onSource(`drop table if exists ${old}, \`${table}\``);
    await onSource(`create table \`${table}\` (id bigint primary key); insert into \`${table}\` values (1)`);
  }
  await vtctldclient('source', 'ReloadSchemaShard', '--include-primary', 'load/0');
  const { stdout: vschema } = await vtctldclient('source', 'GetVSchema', 'load');
  const tables = Object.fromEntries(ownTables.map((table) => [table, {}]));
  const applied = await vtctldclient('source', 'ApplyVSchema', '--vschema', JSON.stringify({ tables }), 'load');
  expect(applied.code).toBe(0);
  try {
    const { listed, written } = await listedAndWritten({
      ...base,
      source: 'ext7.load',
      mount,
      tables: ownTables,
      fenceSource: true,
      sourceTables: 'rename',
    });
    expect(unlisted(listed, written)).toEqual([]);
    expect(unwritten(listed, written)).toEqual([]);
  } finally {
    await program.settle();
    await mounting({ action: 'unmount', name: 'ext7' });
    await onSource(`drop table if exists ${old}, ${ownTables.map((table) => `\`${table}\``).join(', ')}`);
    await vtctldclient('source', 'ReloadSchemaShard', '--include-primary', 'load/0');
    await vtctldclient('source', 'ApplyVSchema', '--vschema', vschema, 'load');
  }
});
