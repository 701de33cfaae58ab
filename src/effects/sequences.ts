import { tableNames, type Plan } from '../migration/plan/plan.js';
import { nextAfter, sequencesOf, type SequenceName } from '../migration/plan/sequence.js';
import type { Clients } from '../vitess/clients.js';
import type { Topology } from '../vitess/topology/topology.js';
import type { TabletHandle } from '../vitess/tablet/tablet-handle.js';
import type { EffectContext } from './context.js';
import { toVSchemaFacts } from './keyspace-facts.js';

/** The tablet that gives a sequence's numbers, or why there is none. */
export type SequencePlace =
  { keyspace: string; table: string; tablet: TabletHandle } | { keyspace: string; table: string; lacks: string };

/** Sequences that number the rows of moved tables in the target. */
export const sequences = {
  /**
   * Lets each sequence go on behind the largest key that the target has. A tablet that has taken numbers forgets
   * them. To be called when no stream writes rows any more; may be called again.
   * @param raise false to change no sequence that is behind
   */
  async make(context: EffectContext, plan: Plan, raise: boolean): Promise<void> {
    const { clients } = context;
    const vschema = toVSchemaFacts(await clients.target.vschema(plan.target.keyspace));
    for (const { table, column, sequence } of sequencesOf(tableNames(plan), vschema)) {
      const place = await placeOfSequence(clients, sequence);
      // One that gives no numbers has been accepted by name (`sequence-unusable`).
      if ('lacks' in place || (await place.tablet.sequence(place.table))?.marked !== true) continue;
      await context.beforeEffect();
      const next = nextAfter(raise ? await largestOnTarget(clients, plan, table, column) : undefined);
      if (raise && next !== undefined) await place.tablet.raiseSequence(place.table, next);
      await place.tablet.resetSequence(place.table);
    }
  },
};

/** Where vtgate finds a sequence: in the keyspace that is named, or in the one that has an entry for it. */
export async function placeOfSequence(clients: Clients, { keyspace, table }: SequenceName): Promise<SequencePlace> {
  const found = keyspace === undefined ? await keyspacesWith(clients.target, table) : [keyspace];
  const [only = ''] = found;
  if (found.length !== 1) return { keyspace: only, table, lacks: lacksKeyspace(found) };
  if (!(await clients.target.keyspaces()).includes(only))
    return { keyspace: only, table, lacks: 'the keyspace does not exist' };
  const shards = await clients.target.servingShards(only);
  const [shard] = shards;
  if (shard === undefined) return { keyspace: only, table, lacks: 'the keyspace has no serving shard' };
  if (shards.length > 1) return { keyspace: only, table, lacks: 'the keyspace is sharded' };
  return { keyspace: only, table, tablet: await clients.primary(clients.target, only, shard.name) };
}

function lacksKeyspace(found: readonly string[]): string {
  return found.length === 0
    ? 'no keyspace has it in its VSchema'
    : `keyspaces ${found.join(' and ')} have a table of that name`;
}

async function keyspacesWith(target: Topology, table: string): Promise<string[]> {
  const names = await target.keyspaces();
  const tables = await Promise.all(names.map(async (name) => (await target.vschema(name)).tables));
  return names.filter((_, i) => Object.hasOwn(tables[i] ?? {}, table));
}

async function largestOnTarget(
  clients: Clients,
  plan: Plan,
  table: string,
  column: string,
): Promise<bigint | undefined> {
  const values = await Promise.all(
    plan.target.shards.map(async ({ name }) => {
      const tablet = await clients.primary(clients.target, plan.target.keyspace, name);
      return tablet.largest(table, column);
    }),
  );
  return largestOf(values);
}

/** The largest of the values that are known. */
export function largestOf(values: readonly (bigint | undefined)[]): bigint | undefined {
  return values.reduce((most, value) => (most === undefined || (value ?? most) > most ? value : most), undefined);
}
