import { MigrationError } from '../migration/problem/errors.js';
import { parseWith, type MountConfig as MountInputConfig } from '../migration/input/input.js';
import { mountConfigSchema } from '../migration/input/kinds.js';
import type { Clients } from '../vitess/clients.js';
import type { MountConfig } from '../vitess/topology/mount-config.js';

/** A mounted cluster and, where it was asked, what its topology holds. */
export interface MountReport extends MountConfig {
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
    async mount(name: string, config: MountInputConfig): Promise<MountReport> {
      const report = await inspect(clients, name, config);
      await clients.mounts.add(name, config);
      const now = await clients.mounts.get(name);
      if (now === undefined || !isSame(now, config)) {
        throw new MigrationError(
          'MOUNT_CONFLICT',
          `${name} is mounted as ${describe(now)}, not as ${describe(config)}`,
          clients.target.place(),
          `unmount it first (vtmigrate Mount -unmount ${name}), or choose another name`,
        );
      }
      return report;
    },

    /** @throws MOUNT_NOT_FOUND */
    async unmount(name: string): Promise<void> {
      await clients.source(name);
      await clients.mounts.remove(name);
    },

    /** @throws MOUNT_NOT_FOUND, TOPO_UNREACHABLE */
    async showMount(name: string): Promise<MountReport> {
      await clients.source(name);
      const config = await clients.mounts.get(name);
      return inspect(clients, name, parseWith(mountConfigSchema, config, `the mount record of ${name}`));
    },

    /** Names of all mounts. */
    listMounts(): Promise<string[]> {
      return clients.mounts.list();
    },
  };
}

async function inspect(clients: Clients, name: string, config: MountConfig): Promise<MountReport> {
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
  return {
    name,
    topoType: config.topoType,
    topoServer: config.topoServer,
    topoRoot: config.topoRoot,
    cells,
    keyspaces,
  };
}

function isSame(a: MountConfig, b: MountConfig): boolean {
  return a.topoType === b.topoType && a.topoServer === b.topoServer && a.topoRoot === b.topoRoot;
}

function describe(config: MountConfig | undefined): string {
  return config === undefined ? 'nothing' : `${config.topoType} ${config.topoServer}${config.topoRoot}`;
}
