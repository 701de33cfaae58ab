import { passing } from '../../support/fakes/intercept.js';
import { topoRoot } from '../../support/fakes/cluster.js';
import { FakeEtcd } from '../../support/fakes/etcd.js';
import type { Kv } from '../../../src/vitess/topology/kv.js';
import { World } from '../../support/fakes/world.js';
import { kvContract } from '../suites/kv.js';

const etcd = new FakeEtcd();
const nowhere: Kv = passing(new World().connectors(), (_what, _effect, failures) =>
  Promise.reject(failures.unanswered()),
).openKv('source:2379', 'ext9', {});

kvContract('the fake etcd', () => ({
  kv: etcd.open('fake:2379', 'target'),
  nowhere,
  topoRoot,
  other: () => etcd.open('fake:2379', 'target'),
  dieHolding: async (dir, contents) => (await etcd.open('fake:2379', 'target').lock(dir, contents, 1_000)).die(),
  revoke: (dir) => etcd.revoke(dir),
}));
