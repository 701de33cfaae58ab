import { fileURLToPath } from 'node:url';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { DefaultLogger, NativeConnection, Runtime, Worker, type NativeConnectionOptions } from '@temporalio/worker';
import { allActivities } from './activities/index.js';
import { currentOnly } from './activities/step/current.js';
import { readConfig, type Config } from './config/config.js';
import { Hooks, type HookConfig } from './hooks/hooks.js';
import type { FenceHooks } from './migration/proof/fence-hook.js';
import { parseAddress } from './migration/input/address.js';
import { temporalRefusal } from './net/temporal-refusal.js';
import type { Access } from './net/access.js';
import { Clients } from './vitess/clients.js';
import { EtcdKv } from './vitess/topology/etcd.js';
import type { Kv } from './vitess/topology/kv.js';
import { SharedKv } from './vitess/topology/shared-kv.js';
import { Topology, type OpenKv } from './vitess/topology/topology.js';
import { TabletConnections, type TabletClients } from './vitess/tablet/transport.js';
import { openSqlClient, type SqlClient, type VtgateOptions } from './vitess/vtgate/sql-client.js';
import { Vtgate } from './vitess/vtgate/vtgate.js';

/** How the program connects to servers of each kind. Tests put fakes in their place, or something in between. */
export interface Connectors {
  openKv: (server: string, cluster: string, access: Access) => Kv;
  openTablets: (accessTo: (cluster: string) => Access) => TabletClients;
  openSqlClient: (options: VtgateOptions, target?: string) => SqlClient;
  openHooks: (config: HookConfig) => FenceHooks;
}

export const realConnectors: Connectors = {
  openKv: (server, cluster, access) => new EtcdKv(server, cluster, access),
  openTablets: (accessTo) => new TabletConnections(accessTo),
  openSqlClient,
  openHooks: (config) => new Hooks(config),
};

/**
 * The clients of a configuration, and a function that closes them. The worker builds them once; so do tests
 * that call activities without a worker.
 */
export function buildClients(
  config: Config,
  connectors: Connectors = realConnectors,
): { clients: Clients; close: () => Promise<void> } {
  const stores = new Map<string, Kv>();
  const openKv: OpenKv = (server, cluster) => {
    const key = `${cluster}@${server}`;
    const store =
      stores.get(key) ?? new SharedKv(connectors.openKv(server, cluster, config.clusters?.[cluster]?.etcd ?? {}));
    stores.set(key, store);
    return store;
  };
  const vtgateOptions = {
    ...config.vtgate,
    ...(config.vtgateUser === undefined ? {} : { user: config.vtgateUser }),
    ...(config.vtgatePassword === undefined ? {} : { password: config.vtgatePassword }),
    ...(config.vtgateTls === undefined ? {} : { tls: config.vtgateTls }),
  };
  const vtgate = new Vtgate(vtgateOptions, (aim) => connectors.openSqlClient(vtgateOptions, aim));
  const target = new Topology('target', config.topoServer, config.topoRoot, openKv);
  const clients = new Clients(
    target,
    vtgate,
    openKv,
    connectors.openTablets((cluster) => config.clusters?.[cluster]?.tablets ?? {}),
    connectors.openHooks(config.hooks ?? { urls: [] }),
  );
  const close = async () => {
    for (const store of stores.values()) store.close();
    await vtgate.close();
  };
  return { clients, close };
}

/** @throws Error that says why Temporal does not let the worker in, or that it does not answer */
async function connectToTemporal(options: NativeConnectionOptions): Promise<NativeConnection> {
  try {
    return await NativeConnection.connect(options);
  } catch (cause) {
    const address = options.address ?? 'localhost:7233';
    const at = parseAddress(address);
    const why = at && (await temporalRefusal(at, options.tls));
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `Temporal at ${address} ` +
        (why === undefined
          ? `does not answer, or refuses: ${reason}`
          : `does not let the worker in: ${why} (TEMPORAL_TLS_…)`),
      { cause },
    );
  }
}

/** The workflows with their payload converter, bundled by `npm run build`: what `Worker.create` takes. */
export const workflowCode = {
  workflowBundle: { codePath: fileURLToPath(new URL('../workflow-bundle.js', import.meta.url)) },
};

/**
 * Runs a worker until it receives SIGINT or SIGTERM. It is configured by the environment: docs/configuration.md.
 * @throws Error if the configuration is not valid, or Temporal does not let the worker in
 */
export async function runWorker(
  connectors: Connectors = realConnectors,
  workflows: typeof workflowCode = workflowCode,
): Promise<void> {
  const config = readConfig(process.env);
  Runtime.install({
    logger: new DefaultLogger('INFO', ({ level, message, meta }) =>
      console.error(
        `${new Date().toISOString()} ${level} ${message}` +
          (meta?.['error'] === undefined ? '' : ` ${String(meta['error'])}`),
      ),
    ),
    shutdownSignals: ['SIGINT', 'SIGTERM'],
  });
  const { connectionOptions, namespace } = loadClientConnectConfig();
  const connection = await connectToTemporal(connectionOptions);
  const { clients, close } = buildClients(config, connectors);
  try {
    const worker = await Worker.create({
      connection,
      ...(namespace === undefined ? {} : { namespace }),
      taskQueue: config.taskQueue,
      ...workflows,
      activities: allActivities(clients),
      interceptors: { activity: [currentOnly] },
      // Heartbeats carry what is live, which `Workflow Show` reads from them; by their answers a step hears that it is
      // cancelled.
      maxHeartbeatThrottleInterval: '200 ms',
      shutdownGraceTime: '10 s',
      // Each migration has up to two for days, which mostly wait: one above the limit would wait without a word.
      maxConcurrentActivityTaskExecutions: 10_000,
    });
    console.error(
      `vtmigrate worker: task queue ${config.taskQueue}, target topology ${config.topoServer}${config.topoRoot}, ` +
        `vtgate ${config.vtgate.host}:${config.vtgate.port}`,
    );
    await worker.run();
  } finally {
    await connection.close();
    await close();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  runWorker().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  });
}
