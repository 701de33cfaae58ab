import { setTimeout as delay } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { makeFolder } from './folder.js';
import type { Server } from './process.js';
import type { TcpProxy } from './proxy.js';
import type { Outcome } from './run.js';
import { securityFlags, type ClusterSecurity, type MysqlAccounts } from './security.js';
import { Site } from './site.js';
import { startEtcd, type Etcd } from './servers/etcd.js';
import { replicateFrom } from './servers/replication.js';
import { isServing, startTablet, type Tablet, type TabletSpec } from './servers/tablet.js';
import { mustVtctldclient, vitessContext, vtctldclient, type VitessContext } from './servers/vitess.js';
import { startVtctld } from './servers/vtctld.js';
import { reachesAll, startVtgate, type Vtgate } from './servers/vtgate.js';

export type { Tablet } from './servers/tablet.js';

export interface KeyspaceSpec {
  name: string;
  shards: string[];
  /** Replicas of each shard besides the primary; default 0. */
  replicas?: number;
  /** Applied with `vtctldclient ApplyVSchema`. */
  vschema?: object;
}

export interface ClusterSpec {
  /** Only for folders and messages. */
  name: string;
  cell: string;
  /** Preferred ports: used when free. */
  etcdPort?: number;
  vtgatePort?: number;
  keyspaces: KeyspaceSpec[];
  /** Whether to start a vtgate; default true. */
  vtgate?: boolean;
  /** Flags of vtgate and of every tablet, besides those they have anyway. */
  flags?: { vtgate?: readonly string[]; tablet?: readonly string[] };
  /** Options that each MySQL takes for good with its data folder, such as `--lower-case-table-names=1`. */
  dataOptions?: readonly string[];
  /** UID of the first tablet; default 100. */
  firstUid?: number;
  /** Puts a proxy in front of etcd, vtgate and each tablet's gRPC port, for everyone; default false. */
  proxied?: boolean;
  /** Without it everybody is let in, in plain text. */
  security?: ClusterSecurity;
}

/** One running Vitess cluster. */
export interface Cluster {
  spec: ClusterSpec;
  folder: string;
  topoServer: string;
  topoRoot: string;
  vtgate?: { host: string; port: number };
  tablets: Tablet[];
  etcd: Server;
  vtgateServer?: Server;
  /** Those of `proxied`; each tablet has its own. */
  proxies: { etcd?: TcpProxy; vtgate?: TcpProxy };
  /** Runs vtctldclient with the topology's flags given; `--server internal`, so there is no vtctld. */
  vtctldclient(...args: string[]): Promise<Outcome>;
  /** A new connection to the MySQL of a shard's primary, past Vitess; the caller ends it. */
  mysql(keyspace: string, shard: string): Promise<Connection>;
  stop(): Promise<void>;
}

const TOPO_ROOT = '/vitess/global';

/** Where a cluster puts its files; without it, into a temporary folder that `stop` removes. */
export interface ClusterOptions {
  folder?: string;
}

/** Starts a cluster and answers when every shard has a primary that serves, through vtgate as well. */
export async function startCluster(spec: ClusterSpec, options: ClusterOptions = {}): Promise<Cluster> {
  const own = options.folder === undefined ? await makeFolder() : undefined;
  const site = new Site(options.folder ?? own?.path ?? '');
  const stop = async (): Promise<void> => {
    await site.close();
    await own?.remove();
  };
  try {
    return await launch(spec, site, stop);
  } catch (error) {
    await stop();
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`Cluster ${spec.name} did not start: ${why}`, { cause: error });
  }
}

async function launch(spec: ClusterSpec, site: Site, stop: () => Promise<void>): Promise<Cluster> {
  const etcd = startEtcd(site, spec.etcdPort, spec.proxied, spec.security);
  const topology = etcd.then(({ address }) => makeTopology(spec, site, address));
  const gate =
    spec.vtgate === false
      ? undefined
      : topology.then((context) =>
          startVtgate(site, context, spec.vtgatePort, spec.proxied, spec.security, spec.flags?.vtgate),
        );
  const shards = Promise.all(
    shardSpecs(spec).map((tablets) => startShard(tablets, site, topology, spec.security?.mysql)),
  );
  await site.together<unknown>([etcd, topology, shards, ...(gate === undefined ? [] : [gate])]);
  const context = await topology;
  const tablets = (await shards).flat();
  const vtgate = await gate;
  if (vtgate !== undefined) {
    await until('vtgate reaches every primary', () => reachesAll(vtgate, primaries(tablets)));
  }
  return {
    spec,
    folder: site.folder,
    topoServer: context.topoServer,
    topoRoot: context.topoRoot,
    ...(vtgate === undefined
      ? {}
      : { vtgate: vtgate.proxy?.address ?? { host: vtgate.host, port: vtgate.port }, vtgateServer: vtgate.server }),
    proxies: proxiesOf(await etcd, vtgate),
    tablets,
    etcd: (await etcd).server,
    vtctldclient: (...args) => vtctldclient(context, args),
    mysql: (keyspace, shard) => connectToPrimary(tablets, keyspace, shard),
    stop,
  };
}

function proxiesOf(...[etcd, vtgate]: [Etcd, Vtgate | undefined]): Cluster['proxies'] {
  return {
    ...(etcd.proxy === undefined ? {} : { etcd: etcd.proxy }),
    ...(vtgate?.proxy === undefined ? {} : { vtgate: vtgate.proxy }),
  };
}

/** The cell and the keyspaces; tablets and vtgate need them to start. */
async function makeTopology(spec: ClusterSpec, site: Site, topoServer: string): Promise<VitessContext> {
  const { cell } = spec;
  const security = spec.security === undefined ? undefined : await securityFlags(spec.security, site.folder);
  let context = await vitessContext(`${site.folder}/bin`, {
    cell,
    topoServer,
    topoRoot: TOPO_ROOT,
    ...(security === undefined ? {} : { security }),
  });
  if (security !== undefined) context = { ...context, vtctld: await startVtctld(site, context) };
  await mustVtctldclient(context, 'AddCellInfo', '--root', `/vitess/${cell}`, '--server-address', topoServer, cell);
  for (const { name, vschema } of spec.keyspaces) {
    await mustVtctldclient(context, 'CreateKeyspace', name);
    if (vschema === undefined) continue;
    await mustVtctldclient(context, 'ApplyVSchema', '--vschema', JSON.stringify(vschema), name);
  }
  return context;
}

/** The tablets of each shard; the first of each becomes its primary. */
function shardSpecs(spec: ClusterSpec): TabletSpec[][] {
  let uid = spec.firstUid ?? 100;
  return spec.keyspaces.flatMap(({ name, shards, replicas = 0 }) =>
    shards.map((shard) =>
      Array.from({ length: replicas + 1 }, (_, index): TabletSpec => {
        const type = index === 0 ? 'primary' : 'replica';
        const { proxied = false, flags = {}, dataOptions = [] } = spec;
        return { uid: uid++, keyspace: name, shard, type, proxied, flags: flags.tablet ?? [], dataOptions };
      }),
    ),
  );
}

async function startShard(
  specs: TabletSpec[],
  site: Site,
  topology: Promise<VitessContext>,
  accounts?: MysqlAccounts,
): Promise<Tablet[]> {
  const tablets = await site.together(specs.map((spec) => startTablet(spec, site, topology, accounts)));
  const [primary, ...replicas] = tablets;
  if (primary === undefined) return [];
  const context = await topology;
  await mustVtctldclient(context, 'TabletExternallyReparented', primary.alias);
  await Promise.all(replicas.map((replica) => replicateFrom(primary, replica)));
  for (const tablet of tablets) {
    await until(`${tablet.alias} serves as ${tablet.type}`, () => isServing(tablet, tablet.type));
  }
  return tablets;
}

function primaries(tablets: Tablet[]): Tablet[] {
  return tablets.filter((tablet) => tablet.type === 'primary');
}

async function connectToPrimary(tablets: Tablet[], keyspace: string, shard: string): Promise<Connection> {
  const found = primaries(tablets).find((tablet) => tablet.keyspace === keyspace && tablet.shard === shard);
  if (found === undefined) throw new Error(`This cluster has no shard ${keyspace}/${shard}.`);
  return found.mysql.connect();
}

/** Asks until the answer is yes. @throws Error when it has not been for `timeoutMs` */
export async function until(what: string, holds: () => Promise<boolean>, timeoutMs = 180_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown = 'the answer is no';
  for (;;) {
    const answer = await holds().catch((error: unknown) => {
      last = error;
      return false;
    });
    if (answer) return;
    if (Date.now() > deadline) throw new Error(`After ${timeoutMs / 1000} s still not so: ${what} (${String(last)}).`);
    await delay(150);
  }
}
