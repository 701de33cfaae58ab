import type { Clients } from '../vitess/clients.js';
import { listJournals } from './journal-list.js';
import { workflowsIn } from './journal.js';
import { matchesOf } from '../migration/watch/stream.js';
import { holdersOf } from '../migration/watch/holders.js';
import type { TabletHandle } from '../vitess/tablet/tablet-handle.js';

/** The holders of a target shard's tables, in words, by table: `by commerce.wf from ext1.load, run ID …`. */
export type Holders = Record<string, string>;

/**
 * The holders of these tables of a shard: other migrations by their journals, other programs by their streams.
 * A table without a known holder has no entry.
 * @param id the migration that asks; it does not count
 */
export async function readHolders(
  clients: Clients,
  id: { keyspace: string; workflow: string },
  shard: string,
  tablet: TabletHandle,
  tables: readonly string[],
): Promise<Holders> {
  const all = await listJournals(clients.target, id.keyspace);
  const ofMigrations = new Set(
    all.flatMap(({ workflow, journal }) => [workflow, ...workflowsIn(journal, { workflow })]),
  );
  const journals = all.filter(({ workflow }) => workflow !== id.workflow);
  const streams = (await tablet.workflows()).filter(
    ({ workflow }) => workflow !== id.workflow && !ofMigrations.has(workflow),
  );
  const holderOf = holdersOf(
    id.keyspace,
    journals.map(({ workflow, journal }) => ({ ...journal, workflow, denied: journal.deniedTables[shard] ?? [] })),
    streams.map((each) => ({ workflow: each.workflow, rules: matchesOf(each) })),
  );
  return Object.fromEntries(
    tables.flatMap((table) => {
      const holder = holderOf(table);
      return holder === undefined ? [] : [[table, holder]];
    }),
  );
}
