import type { MountFacts } from '../../migration/preflight/facts.js';
import type { Clients } from '../../vitess/clients.js';
import type { SourceInspection } from './inspection.js';
import type { Source, SourceId } from './source.js';
import { VitessSourceInspection } from './vitess-inspection.js';
import { VitessSource } from './vitess-source.js';

/** Opens the source of a migration by its mount record. @throws MigrationError MOUNT_NOT_FOUND */
export async function openSource(clients: Clients, id: SourceId): Promise<Source> {
  return new VitessSource(clients, await clients.source(id.mount), id);
}

/** The source of a plan. @throws MigrationError MOUNT_NOT_FOUND */
export function sourceOf(
  clients: Clients,
  {
    source,
    dropForeignKeys,
  }: { source: { mount: string; keyspace: string; shards: { name: string }[] }; dropForeignKeys?: boolean },
): Promise<Source> {
  return openSource(clients, { ...source, shards: source.shards.map(({ name }) => name), dropForeignKeys });
}

/** What preflight asks of a source, which need not be mounted yet. */
export function inspectSource(clients: Clients, id: Omit<SourceId, 'shards'>, mount: MountFacts): SourceInspection {
  return new VitessSourceInspection(clients, clients.external(id.mount, mount), id.keyspace);
}
