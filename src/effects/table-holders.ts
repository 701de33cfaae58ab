import { holderOf } from '../migration/watch/holders.js';
import type { Clients } from '../vitess/clients.js';
import { listJournals } from './journal.js';
import type { Tablet } from '../vitess/tablet/tablet.js';

/** Who holds tables of a target shard, in words, by table: `by commerce.wf from ext1.load, run ID …`. */
export type Holders = Record<string, string>;

/**
 * Who holds these tables of a shard: other migrations by their journals, other programs by their streams.
 * A table that nobody is known to hold has no entry.
 * @param id the migration that asks, which is not meant
 */
export async function readHolders(
  clients: Clients,
  id: { keyspace: string; workflow: string },
  shard: string,
  tablet: Tablet,
  tables: readonly string[],
): Promise<Holders> {
  const journals = (await listJournals(clients.target, id.keyspace)).filter(({ workflow }) => workflow !== id.workflow);
  const streams = (await tablet.workflows()).filter(
    ({ workflow }) => workflow !== id.workflow && !journals.some((each) => each.workflow === workflow),
  );
  const migrations = journals.map(({ workflow, journal: { source, runId, deniedTables } }) => ({
    workflow,
    source,
    runId,
    denied: deniedTables[shard] ?? [],
  }));
  const workflows = streams.map((each) => ({ workflow: each.workflow, rules: each.tables }));
  return Object.fromEntries(
    tables.flatMap((table) => {
      const holder = holderOf(table, id.keyspace, migrations, workflows);
      return holder === undefined ? [] : [[table, holder]];
    }),
  );
}
