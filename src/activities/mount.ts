import { mountRecord } from '../effects/mount-record.js';
import { parseWith, type MountConfig } from '../migration/input/input.js';
import { mountConfigSchema } from '../migration/input/kinds.js';
import { MigrationError } from '../migration/problem/errors.js';
import type { Clients } from '../vitess/clients.js';
import type { MountConfig as RecordedMount } from '../vitess/topology/mount-config.js';
import { withHeartbeat } from './step/heartbeat.js';

/** A mounted cluster and, where it was asked, what its topology holds. */
export interface MountReport extends RecordedMount {
  name: string;
  cells: string[];
  keyspaces: string[];
}

/** The step Mount: the record Vitess writes, after a look at what it points to. */
export function mountActivities(clients: Clients) {
  return {
    /**
     * Mounts an external cluster; the same mount twice is fine.
     * @throws TOPO_UNREACHABLE, KEYSPACE_NOT_FOUND when nothing is below the root, MOUNT_CONFLICT
     */
    async mount(name: string, config: MountConfig): Promise<MountReport> {
      return withHeartbeat(async () => {
        const report = await inspect(clients, name, config);
        await mountRecord.make(clients, name, config);
        return report;
      });
    },

    /** @throws MOUNT_NOT_FOUND */
    async unmount(name: string): Promise<void> {
      await withHeartbeat(() => mountRecord.undo(clients, name));
    },

    /** @throws MOUNT_NOT_FOUND, TOPO_UNREACHABLE */
    async showMount(name: string): Promise<MountReport> {
      const config = await clients.mount(name);
      return inspect(clients, name, parseWith(mountConfigSchema, config, `the mount record of ${name}`));
    },

    /** Names of all mounts. */
    listMounts(): Promise<string[]> {
      return clients.mounts.list();
    },
  };
}

async function inspect(clients: Clients, name: string, config: RecordedMount): Promise<MountReport> {
  const topology = clients.external(name, config);
  const [cells, keyspaces] = await Promise.all([topology.cells(), topology.keyspaces()]);
  if (cells.length === 0 || keyspaces.length === 0) {
    throw new MigrationError(
      'KEYSPACE_NOT_FOUND',
      `there is no Vitess topology with ${cells.length === 0 ? 'cells' : 'keyspaces'} below ${config.topoRoot}`,
      { cluster: name, server: config.topoServer },
      'check -topo_root: it is the global root, for example /vitess/global',
    );
  }
  const { topoType, topoServer, topoRoot } = config;
  return { name, topoType, topoServer, topoRoot, cells, keyspaces };
}
