import type { Kv } from '../vitess/topology/kv.js';
import type { Topology } from '../vitess/topology/topology.js';
import { JournalStore, type Journal } from './journal.js';

/** A journal of a keyspace. Several readers may share it. */
export interface ListedJournal {
  workflow: string;
  journal: Readonly<Journal>;
}

interface Known {
  revision: string;
  journal: Readonly<Journal>;
}

/** By store and key. Every Create of a keyspace reads all of its journals, of which few have changed since the last. */
const known = new WeakMap<Kv, Map<string, Known>>();

/** Every journal of a target keyspace, by workflow name. One that has not changed is not read again. */
export async function listJournals(topology: Topology, keyspace: string): Promise<ListedJournal[]> {
  const prefix = `${topology.root}/vtmigrate/${keyspace}/`;
  const before = known.get(topology.kv) ?? new Map<string, Known>();
  known.set(topology.kv, before);
  const heads = (await topology.kv.heads(prefix)).filter(({ key }) => !key.slice(prefix.length).includes('/'));
  const there = new Set(heads.map(({ key }) => key));
  for (const key of before.keys()) if (key.startsWith(prefix) && !there.has(key)) before.delete(key);
  const found = heads.map(async ({ key, revision }) => {
    const workflow = key.slice(prefix.length);
    const last = before.get(key);
    if (last?.revision === revision) return [{ workflow, journal: last.journal }];
    const journal = await new JournalStore(topology, { keyspace, workflow }).read();
    if (journal === undefined) return [];
    // It may have changed since its revision was read: then it is read once more the next time.
    before.set(key, { revision, journal });
    return [{ workflow, journal }];
  });
  return (await Promise.all(found)).flat();
}
