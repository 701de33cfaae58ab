import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startCluster, type Cluster, type ClusterSpec } from './cluster.js';
import { makeFolder } from './folder.js';
import { installAll } from './install.js';
import { startTemporal, type Temporal, type TemporalOptions } from './temporal.js';

/** Two Vitess clusters and a Temporal dev server. */
export interface Lab {
  folder: string;
  /** Where tables come from: the external cluster, cell `ext`, keyspace `load`. */
  source: Cluster;
  /** Where they go: cell `zone1`, keyspaces `commerce` (unsharded) and `customer` (`-80`, `80-`). */
  target: Cluster;
  temporal: Temporal;
  stop(): Promise<void>;
}

export interface LabOptions {
  /** Changes to the two clusters, for example replicas or other shards. */
  source?: Partial<ClusterSpec>;
  target?: Partial<ClusterSpec>;
  temporal?: Omit<TemporalOptions, 'folder'>;
  /** VSchemas for keyspaces of the target, by name; without one, a keyspace's is empty. */
  vschemas?: Record<string, object>;
}

// The cells differ on purpose: a migration that uses the target's cell name in the source's
// topology finds no tablets there.
const SOURCE: ClusterSpec = {
  name: 'source',
  cell: 'ext',
  etcdPort: 12379,
  keyspaces: [{ name: 'load', shards: ['0'] }],
  firstUid: 100,
};

const TARGET: ClusterSpec = {
  name: 'target',
  cell: 'zone1',
  etcdPort: 2379,
  vtgatePort: 15306,
  keyspaces: [
    { name: 'commerce', shards: ['0'] },
    { name: 'customer', shards: ['-80', '80-'] },
  ],
  firstUid: 200,
};

/** Installs what is missing and starts everything side by side, in one temporary folder. */
export async function startLab(options: LabOptions = {}): Promise<Lab> {
  await installAll({ timeSkipping: false });
  const folder = await makeFolder();
  const within = (name: string): { folder: string } => ({ folder: join(folder.path, name) });
  for (const name of ['source', 'target', 'temporal']) await mkdir(within(name).folder);
  const starting = [
    startCluster({ ...SOURCE, ...options.source }, within('source')),
    startCluster(targetSpec(options), within('target')),
    startTemporal({ ...options.temporal, ...within('temporal') }),
  ] as const;
  const stop = onlyOnce(async () => {
    const parts = await Promise.allSettled(starting);
    await Promise.all(parts.flatMap((part) => (part.status === 'fulfilled' ? [part.value.stop()] : [])));
    await folder.remove();
  });
  try {
    const [source, target, temporal] = await Promise.all(starting);
    return { folder: folder.path, source, target, temporal, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function targetSpec(options: LabOptions): ClusterSpec {
  const spec = { ...TARGET, ...options.target };
  const keyspaces = spec.keyspaces.map((keyspace) => {
    const vschema = options.vschemas?.[keyspace.name];
    return vschema === undefined ? keyspace : { ...keyspace, vschema };
  });
  return { ...spec, keyspaces };
}

/** Stops the lab and ends the process on SIGINT, SIGTERM or SIGHUP; a second one does not wait. */
export function stopOnSignals(lab: { stop(): Promise<void> }): void {
  let since = 0;
  const onSignal = (): void => {
    if (since !== 0) {
      // Runners such as npm and tsx pass a Ctrl-C on that has reached us already.
      if (Date.now() - since > 1_000) process.exit(1);
      return;
    }
    since = Date.now();
    lab.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
}

function onlyOnce(action: () => Promise<void>): () => Promise<void> {
  let result: Promise<void> | undefined;
  return () => (result ??= action());
}
