import type { Plan } from '../../migration/plan/plan.js';
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

/** The source of a plan, or of as much as is known of one. @throws MigrationError MOUNT_NOT_FOUND */
export function sourceOf(
  clients: Clients,
  { source, dropForeignKeys, removeAutoIncrement }: Pick<Plan, 'source' | 'dropForeignKeys' | 'removeAutoIncrement'>,
): Promise<Source> {
  const shards = source.shards.map(({ name }) => name);
  return openSource(clients, { ...source, shards, dropForeignKeys, removeAutoIncrement });
}

/** What preflight asks of a source, which need not be mounted yet. */
export function inspectSource(clients: Clients, id: Omit<SourceId, 'shards'>, mount: MountFacts): SourceInspection {
  return new VitessSourceInspection(clients, clients.external(id.mount, mount), id.keyspace);
}
