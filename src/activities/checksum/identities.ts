import { createHash } from 'node:crypto';
import type { Source } from '../../effects/source/source.js';
import type { Identities } from '../../migration/checksum/report.js';
import type { Plan } from '../../migration/plan/plan.js';
import type { TableIds } from '../../vitess/tablet/sql/table-ids.js';
import { targetPrimaries } from '../step/rows.js';
import type { Step } from '../step/step.js';

/** Characters of IDs that a record holds as they are. */
const longestIds = 24;

/** Why a table's proof is void though no statement was seen: Vitess passes on none of a session in another database. */
export const replaced = 'a statement that replaced the table, or built it anew, in a session of another database';

/** What the tables are called on both sides, by InnoDB: a table that was replaced by another one has another ID. */
export async function readIdentities(
  { clients }: Step,
  plan: Plan,
  source: Source,
  tables: readonly string[],
): Promise<Identities> {
  const ours = async () => {
    const primaries = await targetPrimaries(clients, plan);
    return Promise.all(
      primaries.map(async (tablet) => [`target/${tablet.place.shard}`, await tablet.tableIds(tables)] as const),
    );
  };
  const [theirs, own] = await Promise.all([source.tableIds(tables), ours()]);
  const sides = [...Object.entries(theirs).map(([shard, ids]) => [`source/${shard}`, ids] as const), ...own];
  const all = sides.map(([, ids]) => ids);
  return {
    servers: Object.fromEntries(sides.map(([shard, { server }]) => [shard, server])),
    tables: Object.fromEntries(tables.map((table) => [table, identity(table, all)])),
  };
}

function identity(table: string, sides: readonly TableIds[]): string {
  const ids = sides.map((side) => side.ids.get(table) ?? '').join(';');
  return ids.length <= longestIds ? ids : createHash('sha256').update(ids).digest('base64url').slice(0, longestIds);
}

/** Tables that have other IDs than before, on the same servers. */
export function replacedTables(before: Identities, now: Identities): string[] {
  const same = Object.entries(now.servers).every(([shard, server]) => before.servers[shard] === server);
  if (!same) return [];
  return Object.entries(now.tables).flatMap(([table, id]) =>
    before.tables[table] === undefined || before.tables[table] === id ? [] : [table],
  );
}
