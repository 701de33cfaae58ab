import { MigrationError } from '../migration/problem/errors.js';
import type { Clients } from '../vitess/clients.js';
import { sideBySide } from './side-by-side.js';
import type { Topology } from '../vitess/topology/topology.js';

/**
 * Makes the tablets of a shard read their shard record again. The primary must answer: it enforces denied tables.
 * A replica that is away reads the record when it is back.
 * @throws MigrationError TABLET_UNREACHABLE, NO_PRIMARY
 */
export async function refreshShard(
  clients: Clients,
  topology: Topology,
  keyspace: string,
  shard: string,
): Promise<void> {
  const primary = await clients.primary(topology, keyspace, shard);
  const others = (await clients.tablets(topology, keyspace, shard)).filter((tablet) => tablet.alias !== primary.alias);
  await sideBySide([primary, ...others], (tablet) =>
    tablet === primary ? tablet.refreshState() : tablet.refreshState().catch(unlessProgramError),
  );
}

/** What a server says, or does not say, is no bug. */
function unlessProgramError(error: unknown): void {
  if (!(error instanceof MigrationError)) throw error;
}
