import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { MountConfig } from './mount-config.js';
import { ExternalVitessClusterSchema } from '../wire/topodata_pb.js';
import { absent } from './kv.js';
import type { Topology } from './topology.js';

/** The mount records of a cluster: `ExternalClusters/vitess/<name>`. */
export class Mounts {
  constructor(private readonly topology: Topology) {}

  async get(name: string): Promise<MountConfig | undefined> {
    const entry = await this.topology.kv.get(this.path(name));
    return entry === undefined ? undefined : decode(entry.value);
  }

  /** Names of all mounts, in order. */
  async list(): Promise<string[]> {
    const prefix = this.path('');
    return (await this.topology.kv.heads(prefix)).map(({ key }) => key.slice(prefix.length));
  }

  /** Writes the record if there is none of that name; false when there is one. */
  add(name: string, config: MountConfig): Promise<boolean> {
    const record = create(ExternalVitessClusterSchema, {
      topoConfig: { topoType: config.topoType, server: config.topoServer, root: config.topoRoot },
    });
    return this.topology.kv.put(this.path(name), toBinary(ExternalVitessClusterSchema, record), absent);
  }

  /** Deletes the record; false when there was none. */
  async remove(name: string): Promise<boolean> {
    for (;;) {
      const entry = await this.topology.kv.get(this.path(name));
      if (entry === undefined) return false;
      if (await this.topology.kv.delete(this.path(name), entry.revision)) return true;
    }
  }

  private path(name: string): string {
    return `${this.topology.root}/ExternalClusters/vitess/${name}`;
  }
}

function decode(value: Uint8Array): MountConfig {
  const config = fromBinary(ExternalVitessClusterSchema, value).topoConfig;
  return { topoType: config?.topoType ?? '', topoServer: config?.server ?? '', topoRoot: config?.root ?? '' };
}
