import { MigrationError } from '../migration/problem/errors.js';
import { Mounts } from './topology/mounts.js';
import type { MountConfig } from './topology/mount-config.js';
import { Topology, type OpenKv } from './topology/topology.js';
import type { Tablet as TabletRecord } from './wire/topodata_pb.js';
import { TabletProbe } from './tablet/probe.js';
import { Tablet } from './tablet/tablet.js';
import type { TabletClients } from './tablet/transport.js';
import type { Vtgate } from './vtgate/vtgate.js';

/** Every way out of this program to a Vitess cluster. Built once, in `worker.ts`. */
export class Clients {
  readonly mounts: Mounts;

  constructor(
    readonly target: Topology,
    readonly vtgate: Vtgate,
    private readonly openKv: OpenKv,
    private readonly tabletClients: TabletClients,
  ) {
    this.mounts = new Mounts(target);
  }

  /**
   * The topology a mount record (or a wish for one) describes. Nothing is contacted yet.
   * @throws MigrationError INVALID_INPUT for a mount with the target's own name: it would be given the target's credentials
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

  /** The topology of a mounted cluster. @throws MigrationError MOUNT_NOT_FOUND */
  async source(mount: string): Promise<Topology> {
    const config = await this.mounts.get(mount);
    if (config === undefined) {
      const known = await this.mounts.list();
      throw new MigrationError(
        'MOUNT_NOT_FOUND',
        `no external cluster is mounted as ${mount}`,
        this.target.place(),
        `${known.length === 0 ? 'nothing is mounted' : `mounted are ${known.join(', ')}`}; mount it with vtmigrate Mount`,
      );
    }
    return this.external(mount, config);
  }

  /** The primary tablet of a shard, as the topology names it now. @throws MigrationError NO_PRIMARY */
  async primary(topology: Topology, keyspace: string, shard: string): Promise<Tablet> {
    return new Tablet(await topology.primary(keyspace, shard), topology.name, this.tabletClients);
  }

  /** Every tablet of a shard, in every cell. */
  async tablets(topology: Topology, keyspace: string, shard: string): Promise<Tablet[]> {
    const records = await topology.tablets(keyspace, shard);
    return records.map((record) => new Tablet(record, topology.name, this.tabletClients));
  }

  /** A tablet whose record is at hand. */
  tablet(topology: Topology, record: TabletRecord): Tablet {
    return new Tablet(record, topology.name, this.tabletClients);
  }

  /** The questions of preflight to a tablet whose record is at hand. */
  probe(topology: Topology, record: TabletRecord): TabletProbe {
    return new TabletProbe(record, topology.name, this.tabletClients);
  }
}
