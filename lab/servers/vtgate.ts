import { chown, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createConnection, type Connection } from 'mysql2/promise';
import { NOBODY, type Server } from '../process.js';
import type { TcpProxy } from '../proxy.js';
import type { ClusterSecurity } from '../security.js';
import type { Site } from '../site.js';
import { topologyFlags, type VitessContext } from './vitess.js';

export interface Vtgate {
  server: Server;
  host: string;
  /** Speaks the MySQL protocol; without accounts, unless the cluster is secured. */
  port: number;
  /** Listens at a port of its own, which applications use; `port` and `connect` go past it. */
  proxy?: TcpProxy;
  connect(): Promise<Connection>;
}

const HOST = '127.0.0.1';

/** Starts a vtgate; it answers queries once its keyspaces have primaries. */
export async function startVtgate(
  site: Site,
  context: VitessContext,
  preferredPort?: number,
  proxied = false,
  security?: ClusterSecurity,
  flags: readonly string[] = [],
): Promise<Vtgate> {
  const folder = join(site.folder, 'vtgate');
  const port = await site.ports.take(preferredPort);
  await mkdir(folder, { recursive: true });
  if (process.getuid?.() === 0) await chown(folder, NOBODY, NOBODY);
  const http = await site.ports.take();
  const grpc = await site.ports.take();
  const connect = async (): Promise<Connection> => {
    if (security === undefined) return createConnection({ host: HOST, port, user: 'root', multipleStatements: false });
    const { trusted, vitess, vtgate } = security;
    const ssl = {
      ca: await readFile(trusted),
      cert: await readFile(vitess.cert),
      key: await readFile(vitess.key),
      verifyIdentity: true,
    };
    return createConnection({
      host: 'localhost',
      port,
      user: vtgate[0].Username,
      password: vtgate[0].Password,
      ssl,
      multipleStatements: false,
    });
  };
  const server = await site.start({
    name: `vtgate ${context.cell}`,
    command: context.vtgate,
    args: [
      ...topologyFlags(context),
      '--cell',
      context.cell,
      '--cells-to-watch',
      context.cell,
      '--port',
      String(http),
      '--grpc-port',
      String(grpc),
      '--mysql-server-port',
      String(port),
      ...VTGATE_FLAGS,
      ...(context.security?.vtgate ?? ['--mysql-auth-server-impl', 'none']),
      ...flags,
    ],
    env: { VTDATAROOT: folder },
    cwd: folder,
    log: join(folder, 'vtgate.log'),
    unprivileged: true,
    needsOthers: true,
    ready: async () => (await fetch(`http://${HOST}:${http}/debug/vars`)).ok,
  });
  if (!proxied) return { server, host: HOST, port, connect };
  const proxy = await site.proxy({ host: HOST, port: await site.ports.take() }, { host: HOST, port });
  return { server, host: HOST, port, connect, proxy };
}

/** Whether every given shard's primary answers through this vtgate. */
export async function reachesAll(vtgate: Vtgate, shards: { keyspace: string; shard: string }[]): Promise<boolean> {
  const connection = await vtgate.connect();
  try {
    await connection.query('select 1');
    for (const { keyspace, shard } of shards) {
      await connection.query(`use \`${keyspace}:${shard}@primary\``);
      await connection.query('select 1 from dual');
    }
    return true;
  } finally {
    connection.destroy();
  }
}

const VTGATE_FLAGS = [
  '--bind-address',
  HOST,
  '--grpc-bind-address',
  HOST,
  '--mysql-server-bind-address',
  HOST,
  '--service-map',
  'grpc-vtgateservice',
  '--tablet-types-to-wait',
  'PRIMARY',
  // vtgate starts along with the tablets, and finds them by polling the topology.
  '--tablet-refresh-interval',
  '1s',
  '--onterm-timeout',
  '2s',
];
