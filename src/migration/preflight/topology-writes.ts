import type { Plan } from '../plan.js';

/** Every key of the target's topology that the migration writes, with when and why. The source's is only read. */
export function topologyWrites(plan: Plan, root: string, cellRoots: Record<string, string>): string[] {
  const { keyspace, workflow, shards } = plan.target;
  return [
    `${root}/internal/named_locks/${keyspace}/${workflow}/locks/… (while a step works)`,
    `${root}/keyspaces/${keyspace}/locks/… (while a step works)`,
    `${root}/vtmigrate/${keyspace}/${workflow} (the journal: from Create to the end)`,
    ...shards.map(({ name }) => `${root}/keyspaces/${keyspace}/shards/${name}/Shard (denied tables: from Create to the end)`),
    ...(plan.missingInVSchema.length === 0 ? [] : [`${root}/keyspaces/${keyspace}/VSchema (at Complete)`]),
    ...Object.values(cellRoots).map((cellRoot) => `${cellRoot}/SrvVSchema (at Complete, unless it shows the tables already)`),
  ];
}
