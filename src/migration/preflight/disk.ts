import type { Plan } from '../plan/plan.js';

/** How much the copy adds to the disk of a target shard: each shard has an equal part, as far as is known before. */
export function addedSize(plan: Plan): string {
  const bytes = plan.tables.reduce((sum, table) => sum + table.bytes, 0) / plan.target.shards.length;
  const size = Math.ceil(bytes / 1024 / 1024);
  return `the copy adds about ${size} MiB to this shard, keys and binary logs not counted`;
}
