import { workflowsOf } from '../migration/plan/lanes.js';
import type { Description, TopologyWrite } from '../migration/plan/topology-write.js';

/** The locks of Vitess that steps take; `vitess/topology/lock.ts` takes and releases them. */
export const locks = {
  describe({ plan, request, target, source }: Description): TopologyWrite[] {
    const { keyspace } = plan.target;
    const touchesSource = request.fenceSource || request.sourceTables !== 'keep';
    const what = 'lock, while a step works';
    return [
      ...workflowsOf(plan).map((workflow) => ({
        cluster: 'target',
        key: `${target.global}/internal/named_locks/${keyspace}/${workflow}/locks/…`,
        what,
      })),
      { cluster: 'target', key: `${target.global}/keyspaces/${keyspace}/locks/…`, what },
      ...(touchesSource
        ? [
            {
              cluster: plan.source.mount,
              key: `${source.global}/keyspaces/${plan.source.keyspace}/locks/…`,
              what: 'lock, at Complete, while the source is changed',
            },
          ]
        : []),
    ];
  },
};
