import type { FenceHooks } from '../migration/proof/fence-hook.js';
import { MigrationError } from '../migration/problem/errors.js';
import { SharedReads } from './shared-reads.js';
import { Mounts } from './topology/mounts.js';
import type { MountConfig } from './topology/mount-config.js';
import { Topology, type OpenKv } from './topology/topology.js';
import type { Tablet } from './wire/topodata_pb.js';
import { TabletHandle } from './tablet/tablet-handle.js';
import type { TabletClients } from './tablet/transport.js';
import type { Vtgate } from './vtgate/vtgate.js';

/**
 * Milliseconds for which a lookup of tablets holds. One that is promoted or replaced just after a lookup is missed as
 * well, and the call that meets the old one fails.
 */
const lookupAge = 200;

/** The connections of this program to Vitess clusters. Built once, in `worker.ts`. */
export class Clients {
  readonly mounts: Mounts;
  private readonly lookups = new SharedReads();

  constructor(
    readonly target: Topology,
    readonly vtgate: Vtgate,
    private readonly openKv: OpenKv,
    private readonly tabletClients: TabletClients,
    readonly hooks: FenceHooks,
  ) {
    this.mounts = new Mounts(target);
  }

  /**
   * The topology that a mount record describes, or is to describe. Nothing is contacted yet.
   * @throws MigrationError INVALID_INPUT for a mount with the target's own name, which would get the target's
   * credentials; TOPO_UNREACHABLE when the record has no valid address
   */
  external(name: string, config: MountConfig): Topology {
    if (name === this.target.name)
      throw new MigrationError(
        'INVALID_INPUT',
        `${name} cannot be the name of a mount: it stands for the target itself`,
        this.target.place(),
        'mount the cluster under another name',
      );
    return new Topology(name, config.topoServer, config.topoRoot, this.openKv);
  }

  /** The mount record of a cluster. @throws MigrationError MOUNT_NOT_FOUND */
  async mount(name: string): Promise<MountConfig> {
    const config = await this.mounts.get(name);
    if (config !== undefined) return config;
    const known = await this.mounts.list();
    throw new MigrationError(
      'MOUNT_NOT_FOUND',
      `no external cluster is mounted as ${name}`,
      this.target.place(),
      `${known.length === 0 ? 'nothing is mounted' : `mounted are ${known.join(', ')}`}; mount it with vtmigrate Mount`,
    );
  }

  /** The topology of a mounted cluster. @throws MigrationError MOUNT_NOT_FOUND, TOPO_UNREACHABLE */
  async source(mount: string): Promise<Topology> {
    return this.external(mount, await this.mount(mount));
  }

  /** The primary tablet of a shard according to the topology now. @throws MigrationError NO_PRIMARY */
  async primary(topology: Topology, keyspace: string, shard: string): Promise<TabletHandle> {
    const record = await this.lookUp(topology, `primary of ${keyspace}/${shard}`, () =>
      topology.primary(keyspace, shard),
    );
    return this.tablet(topology, record);
  }

  /** Every tablet of a shard, in every cell. */
  async tablets(topology: Topology, keyspace: string, shard: string): Promise<TabletHandle[]> {
    const records = await this.lookUp(topology, `tablets of ${keyspace}/${shard}`, () =>
      topology.tablets(keyspace, shard),
    );
    return records.map((record) => this.tablet(topology, record));
  }

  /** The tablet of a record. */
  tablet(topology: Topology, record: Tablet): TabletHandle {
    return new TabletHandle(record, topology.name, this.tabletClients);
  }

  private lookUp<T>({ name, server, root }: Topology, what: string, read: () => Promise<T>): Promise<T> {
    return this.lookups.readRecent(JSON.stringify([name, server, root, what]), lookupAge, read);
  }
}
