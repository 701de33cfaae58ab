import type { Clients } from '../../vitess/clients.js';
import type { Source } from './source.js';
import { VitessSource } from './vitess-source.js';

/** Where the tables come from, and the shards that are read. */
export interface SourceId {
  mount: string;
  keyspace: string;
  shards: readonly string[];
}

/** Opens the source of a migration by its mount record. @throws MigrationError MOUNT_NOT_FOUND */
export async function openSource(clients: Clients, id: SourceId): Promise<Source> {
  return new VitessSource(clients, await clients.source(id.mount), id);
}

/** The source of a plan. @throws MigrationError MOUNT_NOT_FOUND */
export function sourceOf(
  clients: Clients,
  { source }: { source: { mount: string; keyspace: string; shards: { name: string }[] } },
): Promise<Source> {
  return openSource(clients, { ...source, shards: source.shards.map(({ name }) => name) });
}
