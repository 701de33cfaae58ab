import type { World } from './world.js';

/** What is otherwise than before, and should not be, in words. */
export function leftBehind(
  before: Record<string, string>,
  after: Record<string, string>,
  isExpected: (key: string) => boolean,
): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((key) => before[key] !== after[key] && !isExpected(key))
    .map((key) => `left behind: ${key} is ${JSON.stringify(after[key])}, was ${JSON.stringify(before[key])}`);
}

export function isMount(key: string): boolean {
  return key.includes('/ExternalClusters/vitess/');
}

/** A completed migration leaves tables with rows, known to vtgate. */
export function isOfCompleted(keyspace: string, key: string): boolean {
  return (
    (key.startsWith(`target ${keyspace}/`) && key.endsWith(' tables')) ||
    /^target .*\/SrvVSchema$/.test(key) ||
    (keyspace === 'commerce' && key.endsWith('/keyspaces/commerce/VSchema'))
  );
}

/** Tables in which an application does not find, through vtgate, every row that it was told is written. */
export function unreadable({ acknowledged, vtgate }: World, keyspace: string): string[] {
  return [...acknowledged].flatMap(([table, rows]) => {
    try {
      const served = vtgate.rows(keyspace, table);
      const missing = [...rows].filter(([key, value]) => served.get(key) !== value).map(([key]) => key);
      return missing.length === 0 && served.size === rows.size
        ? []
        : [`table ${table} has ${served.size} of ${rows.size} rows, missing ${missing.join(', ')}`];
    } catch (error) {
      return [`table ${table} cannot be read: ${String(error)}`];
    }
  });
}
