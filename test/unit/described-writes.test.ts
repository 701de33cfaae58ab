import { describe, expect, it } from 'vitest';
import { describeTopologyWrites } from '../../src/effects/describe.js';
import type { Description } from '../../src/migration/plan/topology-write.js';
import { samplePlan } from '../support/workflow/samples.js';

const mount = { topoType: 'etcd2', topoServer: 'localhost:12379', topoRoot: '/s' } as const;

function keys(changes: Partial<Description['request']> = {}, plan = samplePlan()): string[] {
  const writes = describeTopologyWrites({
    plan,
    request: { fenceSource: false, sourceTables: 'keep', ...changes },
    target: { global: '/g', cells: { zone1: '/z1', zone2: '/z2' } },
    source: { global: '/s', cells: { ext: '/e' } },
  });
  return writes.map(({ cluster, key }) => `${cluster} ${key}`);
}

const always = [
  'target /g/internal/named_locks/commerce/wf/locks/…',
  'target /g/keyspaces/commerce/locks/…',
  'target /g/vtmigrate/commerce/wf',
  'target /g/vtmigrate/commerce/wf/record',
  'target /g/vtmigrate/commerce/wf/definitions',
  'target /g/vtmigrate/commerce/wf/proof',
  'target /g/keyspaces/commerce/shards/0/Shard',
  'target /g/keyspaces/commerce/VSchema',
  'target /z1/SrvVSchema',
  'target /z2/SrvVSchema',
];

describe('the keys that a migration writes', () => {
  it('are of the target alone when the source is only read', () => {
    expect(keys()).toEqual(always);
  });

  it('leave out a VSchema that has every table', () => {
    const plan = samplePlan({ missingInVSchema: [] });
    expect(keys({}, plan)).toEqual(always.filter((key) => !key.endsWith('/VSchema')));
  });

  it('include the mount record', () => {
    expect(keys({ mount }).filter((key) => !always.includes(key))).toEqual(['target /g/ExternalClusters/vitess/ext1']);
  });

  it("include the source's lock and shard records for a fence", () => {
    expect(keys({ fenceSource: true }).filter((key) => !always.includes(key))).toEqual([
      'ext1 /s/keyspaces/load/locks/…',
      'ext1 /s/keyspaces/load/shards/0/Shard',
    ]);
  });

  it.each(['rename', 'drop'] as const)("include the source's lock and VSchemas for sourceTables %s", (sourceTables) => {
    expect(keys({ sourceTables }).filter((key) => !always.includes(key))).toEqual([
      'ext1 /s/keyspaces/load/locks/…',
      'ext1 /s/keyspaces/load/VSchema',
      'ext1 /e/SrvVSchema',
    ]);
  });
});
