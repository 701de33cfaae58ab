import type { MountConfig } from '../migration/input/input.js';
import type { Description, TopologyWrite } from '../migration/plan/topology-write.js';
import { MigrationError } from '../migration/problem/errors.js';
import type { Clients } from '../vitess/clients.js';

/** The record that makes an external cluster known under a name. It belongs to the user: no migration takes it away. */
export const mountRecord = {
  describe({ plan, request, target }: Description): TopologyWrite[] {
    if (request.mount === undefined) return [];
    const key = `${target.global}/ExternalClusters/vitess/${plan.source.mount}`;
    return [{ cluster: 'target', key, what: 'the mount record, before preflight' }];
  },

  /** Writes the record; the same mount twice is fine. @throws MigrationError MOUNT_CONFLICT */
  async make(clients: Clients, name: string, config: MountConfig): Promise<void> {
    await clients.mounts.add(name, config);
    const now = await clients.mounts.get(name);
    if (now !== undefined && isSameMount(now, config)) return;
    throw mountConflict(clients, name, now, config);
  },

  /** Deletes the record. @throws MigrationError MOUNT_NOT_FOUND */
  async undo(clients: Clients, name: string): Promise<void> {
    await clients.source(name);
    await clients.mounts.remove(name);
  },
};

type Recorded = { topoType: string; topoServer: string; topoRoot: string };

/** True when two configs are those of one cluster. */
export function isSameMount(a: Recorded, b: Recorded): boolean {
  return a.topoType === b.topoType && a.topoServer === b.topoServer && a.topoRoot === b.topoRoot;
}

/** The error of a name that another cluster is mounted under. */
export function mountConflict(
  clients: Clients,
  name: string,
  now: Recorded | undefined,
  wanted: Recorded,
): MigrationError {
  const is = now === undefined ? 'nothing' : describe(now);
  return new MigrationError(
    'MOUNT_CONFLICT',
    `${name} is mounted as ${is}, not as ${describe(wanted)}`,
    clients.target.place(),
    `unmount it first (vtmigrate Mount -unmount ${name}), or choose another name`,
  );
}

function describe({ topoType, topoServer, topoRoot }: Recorded): string {
  return `${topoType} ${topoServer}${topoRoot}`;
}
