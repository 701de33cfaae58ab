import type { TopologyWrite } from '../../src/migration/plan/topology-write.js';

/** A key that was written or deleted in the topology of `target`, or of the cluster mounted so. */
export type WrittenKey = Pick<TopologyWrite, 'cluster' | 'key'>;

/** Keys that were written although the dry run does not list them. */
export function unlisted(listed: readonly TopologyWrite[], written: readonly WrittenKey[]): string[] {
  const missing = written.filter((each) => !listed.some((write) => covers(write, each)));
  return [...new Set(missing.map(({ cluster, key }) => `${cluster} ${key}`))];
}

/** Keys that the dry run lists although they were not written. */
export function unwritten(listed: readonly TopologyWrite[], written: readonly WrittenKey[]): string[] {
  return listed
    .filter((write) => !written.some((each) => covers(write, each)))
    .map(({ cluster, key }) => `${cluster} ${key}`);
}

function covers(write: TopologyWrite, { cluster, key }: WrittenKey): boolean {
  if (write.cluster !== cluster) return false;
  return write.key.endsWith('…') ? key.startsWith(write.key.slice(0, -1)) : key === write.key;
}
