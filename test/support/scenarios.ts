import { toBinary, create } from '@bufbuild/protobuf';
import { ExternalVitessClusterSchema } from '../../src/vitess/wire/topodata_pb.js';
import { topoRoot } from './fake/cluster.js';
import { fakeMount, type World } from './fake/world.js';
import type { Scenario } from './fault-bench.js';

const { topoType, topoServer: server, topoRoot: root } = fakeMount;

/** Mounts the source beforehand, so that nothing at all may be left. */
function mounted(world: World): void {
  const record = create(ExternalVitessClusterSchema, { topoConfig: { topoType, server, root } });
  world.target.etcd.write(`${topoRoot}/ExternalClusters/vitess/ext1`, toBinary(ExternalVitessClusterSchema, record));
}

/** Every course of a migration that the tests of effects take. */
export const scenarios: Scenario[] = [
  { name: 'Complete on an unsharded target', keyspace: 'commerce', input: { mount: fakeMount, complete: 'auto' }, end: 'completed' },
  { name: 'Complete on a sharded target', keyspace: 'customer', input: { mount: fakeMount, complete: 'auto' }, end: 'completed' },
  {
    name: 'Cancel while copying',
    keyspace: 'customer',
    input: {},
    end: 'cancelled',
    prepare: (world) => {
      mounted(world);
      for (const { tablet } of world.target.shards) tablet.vreplication.copyHolds = true;
    },
    onStep: (run, step) => {
      if (step === 'observe') run.signal('cancel');
    },
  },
  {
    name: 'Cancel while replicating',
    keyspace: 'commerce',
    input: {},
    end: 'cancelled',
    prepare: mounted,
    onStep: (run, step, args) => {
      if (step === 'observe' && (args[2] as { copyingSince: string | null }).copyingSince === null) run.signal('cancel');
    },
  },
];
