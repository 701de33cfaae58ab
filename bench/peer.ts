import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab } from '../lab/lab.js';

interface Workflows {
  workflows: {
    shard_streams: Record<string, { streams: { state: string; position: string; copy_states: unknown[] }[] }>;
  }[];
}

function clientOf(lab: Lab): (...args: string[]) => Promise<string> {
  return async (...args) => {
    const { code, stdout, stderr } = await lab.target.vtctldclient(...args);
    if (code !== 0) throw new Error(`vtctldclient ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
}

/** Creates a migration of each of these tables, one after the other: side by side, all but one fail at the VSchema. */
export async function createManyByPeer(lab: Lab, tables: readonly string[]): Promise<void> {
  const client = clientOf(lab);
  await mount(lab);
  for (const table of tables)
    await client(
      'Migrate',
      ...['--workflow', table, '--target-keyspace', 'commerce', 'create'],
      ...['--source-keyspace', 'load', '--mount-name', 'ext1', '--tables', table, '--cells', lab.source.spec.cell],
    );
}

async function mount(lab: Lab): Promise<void> {
  await lab.target.vtctldclient(
    'Mount',
    'register',
    '--name',
    'ext1',
    '--topo-type',
    'etcd2',
    '--topo-server',
    lab.source.topoServer,
    '--topo-root',
    lab.source.topoRoot,
  );
}

/** What a person's script does: create, poll twice a second, VDiff --wait, complete. */
export async function migrateByPeer(lab: Lab, keyspace: string): Promise<void> {
  const client = clientOf(lab);
  await mount(lab);
  const workflow = ['--workflow', 'bench', '--target-keyspace', keyspace];
  await client(
    'Migrate',
    ...workflow,
    'create',
    '--source-keyspace',
    'load',
    '--mount-name',
    'ext1',
    '--all-tables',
    '--cells',
    lab.source.spec.cell,
  );
  for (;;) {
    const shown = JSON.parse(
      await client('Workflow', '--keyspace', keyspace, 'show', '--workflow', 'bench', '--include-logs=false'),
    ) as Workflows;
    const streams = Object.values(shown.workflows[0]?.shard_streams ?? {}).flatMap((shard) => shard.streams);
    if (
      streams.length > 0 &&
      streams.every((stream) => stream.state === 'Running' && stream.position !== '' && stream.copy_states.length === 0)
    )
      break;
    await sleep(500);
  }
  await client(
    'VDiff',
    ...workflow,
    'create',
    '--source-cells',
    lab.source.spec.cell,
    '--target-cells',
    lab.target.spec.cell,
    '--wait',
    '--wait-update-interval',
    '1s',
  );
  await client('Migrate', ...workflow, 'complete');
}
