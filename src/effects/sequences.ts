import { tableNames, type Plan } from '../migration/plan/plan.js';
import { largestOf, nextAfter, sequencesOf, type SequenceName } from '../migration/plan/sequence.js';
import type { Clients } from '../vitess/clients.js';
import type { TabletHandle } from '../vitess/tablet/tablet-handle.js';
import { readVSchemaTables } from '../vitess/topology/routing-rules.js';
import type { EffectContext } from './context.js';
import { toVSchemaFacts } from './keyspace-facts.js';

/** Sequences that number the rows of moved tables in the target. */
export const sequences = {
  /**
   * Makes the tablet of each sequence drop the numbers that it has cached, which may be among the copied keys. To be
   * called when no stream writes rows any more; may be called again.
   * @param raise true to make each sequence continue above the largest key that the target has
   */
  async make(context: EffectContext, plan: Plan, raise: boolean): Promise<void> {
    const { clients } = context;
    const vschema = toVSchemaFacts(await clients.target.vschema(plan.target.keyspace));
    const finder = new SequenceFinder(clients);
    for (const { table, column, sequence } of sequencesOf(tableNames(plan), vschema)) {
      const place = await finder.find(sequence);
      // One that gives no numbers has been accepted by name (`sequence-unusable`).
      if ('lacks' in place || (await place.tablet.sequence(place.table))?.marked !== true) continue;
      const next = raise ? nextAfter(await largestOnTarget(clients, plan, table, column)) : undefined;
      await context.beforeEffect();
      if (next !== undefined) await place.tablet.raiseSequence(place.table, next);
      await place.tablet.resetSequence(place.table);
    }
  },
};

/** The tablet that gives a sequence's numbers, or why there is none. The keyspace is empty when it is not known. */
export type SequencePlace = { keyspace: string; table: string } & ({ tablet: TabletHandle } | { lacks: string });

/** Finds sequences as vtgate does. What many sequences share is read once. */
export class SequenceFinder {
  /** By keyspace: its primary tablet, or why a sequence cannot be there. */
  private readonly primaries = new Map<string, TabletHandle | string>();
  /** Tables of the VSchemas, by keyspace. */
  private tables: Record<string, string[]> | undefined;

  constructor(private readonly clients: Clients) {}

  /** A sequence without a keyspace is in the one whose VSchema has an entry for it. */
  async find({ keyspace, table }: SequenceName): Promise<SequencePlace> {
    const found = keyspace === undefined ? await this.keyspacesWith(table) : [keyspace];
    const [only] = found;
    if (only === undefined || found.length > 1) return { keyspace: '', table, lacks: lacksKeyspace(found) };
    const primary = await this.primaryOf(only);
    return { keyspace: only, table, ...(typeof primary === 'string' ? { lacks: primary } : { tablet: primary }) };
  }

  private async keyspacesWith(table: string): Promise<string[]> {
    const tables = this.tables ?? (await readVSchemaTables(this.clients.target));
    this.tables = tables;
    return Object.keys(tables).filter((keyspace) => tables[keyspace]?.includes(table));
  }

  private async primaryOf(keyspace: string): Promise<TabletHandle | string> {
    const primary = this.primaries.get(keyspace) ?? (await this.readPrimary(keyspace));
    this.primaries.set(keyspace, primary);
    return primary;
  }

  private async readPrimary(keyspace: string): Promise<TabletHandle | string> {
    const { target } = this.clients;
    if (!(await target.keyspaces()).includes(keyspace)) return 'the keyspace does not exist';
    const shards = await target.servingShards(keyspace);
    const [shard] = shards;
    if (shard === undefined) return 'the keyspace has no serving shard';
    return shards.length > 1 ? 'the keyspace is sharded' : this.clients.primary(target, keyspace, shard.name);
  }
}

function lacksKeyspace(found: readonly string[]): string {
  return found.length === 0
    ? 'no keyspace has it in its VSchema'
    : `keyspaces ${found.join(' and ')} have a table of that name`;
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
