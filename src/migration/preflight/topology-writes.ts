import type { Plan } from '../plan/plan.js';

/** Where the two topologies keep their records. */
export interface Roots {
  target: string;
  /** By cell of the target. */
  cells: Record<string, string>;
  source: string;
}

/** Every key of either topology that the migration writes, with when and why. */
export function topologyWrites(plan: Plan, roots: Roots, fenceSource: boolean): string[] {
  const { keyspace, workflow, shards } = plan.target;
  const root = roots.target;
  return [
    `${root}/internal/named_locks/${keyspace}/${workflow}/locks/… (while a step works)`,
    `${root}/keyspaces/${keyspace}/locks/… (while a step works)`,
    `${root}/vtmigrate/${keyspace}/${workflow} (the journal, with a record beside it: from Create to the end)`,
    ...shards.map(
      ({ name }) => `${root}/keyspaces/${keyspace}/shards/${name}/Shard (denied tables: from Create to the end)`,
    ),
    ...(plan.missingInVSchema.length === 0 ? [] : [`${root}/keyspaces/${keyspace}/VSchema (at Complete)`]),
    ...Object.values(roots.cells).map(
      (cellRoot) => `${cellRoot}/SrvVSchema (at Complete, unless it shows the tables already)`,
    ),
    ...(fenceSource
      ? plan.source.shards.map(
          ({ name }) =>
            `in ${plan.source.mount}: ${roots.source}/keyspaces/${plan.source.keyspace}/shards/${name}/Shard ` +
            '(denied tables: from Complete on)',
        )
      : []),
  ];
}
