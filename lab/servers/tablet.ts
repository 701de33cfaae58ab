import { chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MYSQL_PASSWORD, MYSQL_USER } from '../install.js';
import { NOBODY, type Server } from '../process.js';
import type { MysqlAccounts } from '../security.js';
import type { TcpProxy } from '../proxy.js';
import type { Site } from '../site.js';
import { startMysql, type Mysql } from './mysql.js';
import { topologyFlags, type VitessContext } from './vitess.js';

/** One tablet: a vttablet and its MySQL. */
export interface Tablet {
  /** `<cell>-<10 digits>`, as in the topology. */
  alias: string;
  uid: number;
  keyspace: string;
  shard: string;
  /** What it was started as, or what `failOver` has made of it; the topology knows what it is now. */
  type: 'primary' | 'replica';
  hostname: string;
  /** HTTP: `/debug/vars`, `/debug/status`. */
  port: number;
  grpcPort: number;
  mysql: Mysql;
  vttablet: Server;
  /** In front of the gRPC port, for everyone who finds the tablet in the topology. */
  proxy?: TcpProxy;
}

export interface TabletSpec {
  uid: number;
  keyspace: string;
  shard: string;
  type: 'primary' | 'replica';
  /** Whether others reach its gRPC port through a proxy. */
  proxied?: boolean;
  /** Besides those that every tablet of a lab has. */
  flags?: readonly string[];
  /** See `MysqlSpec`. */
  dataOptions?: readonly string[];
}

const HOSTNAME = '127.0.0.1';
/** Loopback as well. A tablet publishes its host name with the port it listens at, so a proxy needs another host. */
const PROXY_HOSTNAME = '127.0.0.2';
const ROLES = ['app', 'dba', 'allprivs', 'repl', 'filtered', 'appdebug'];

/**
 * Starts the MySQL of a tablet, and its vttablet as soon as `topology` is there; the tablet comes
 * up as a replica, as Vitess's tablets do, until it is made the primary.
 */
export async function startTablet(
  spec: TabletSpec,
  site: Site,
  topology: Promise<VitessContext>,
  accounts?: MysqlAccounts,
): Promise<Tablet> {
  const folder = join(site.folder, `tablet-${spec.uid}`);
  const grpcPort = await site.ports.take();
  const port = await site.ports.take();
  const mysql = await startMysql(
    {
      folder: join(folder, 'mysql'),
      name: `mysqld ${spec.uid}`,
      serverId: spec.uid,
      database: `vt_${spec.keyspace}`,
      dataOptions: spec.dataOptions ?? [],
      ...(accounts === undefined ? {} : { statements: accounts.statements }),
    },
    site,
  );
  const context = await topology;
  const alias = `${context.cell}-${String(spec.uid).padStart(10, '0')}`;
  const data = join(folder, 'vt');
  await mkdir(data, { recursive: true });
  if (process.getuid?.() === 0) await chown(data, NOBODY, NOBODY);
  const proxy =
    spec.proxied === true
      ? await site.proxy({ host: PROXY_HOSTNAME, port: grpcPort }, { host: HOSTNAME, port: grpcPort })
      : undefined;
  const vttablet = await site.start({
    name: `vttablet ${alias}`,
    command: context.vttablet,
    args: [
      ...topologyFlags(context),
      '--tablet-path',
      alias,
      '--init-keyspace',
      spec.keyspace,
      '--init-shard',
      spec.shard,
      '--port',
      String(port),
      '--grpc-port',
      String(grpcPort),
      ...databaseFlags(mysql, accounts),
      '--tablet-hostname',
      spec.proxied === true ? PROXY_HOSTNAME : HOSTNAME,
      ...TABLET_FLAGS,
      ...(context.security?.tablet ?? []),
      ...(spec.flags ?? []),
    ],
    env: { VTDATAROOT: data },
    cwd: data,
    log: join(folder, 'vttablet.log'),
    unprivileged: true,
    needsOthers: true,
    // Vitess 24.0.0 panics when a query for the schema gets the rows of another one (mysqlctl/schema.go).
    supervised: true,
    ready: async () => (await fetch(`http://${HOSTNAME}:${port}/debug/vars`)).ok,
  });
  const { uid, keyspace, shard, type } = spec;
  const tablet = { uid, keyspace, shard, type, alias, hostname: HOSTNAME, port, grpcPort, mysql, vttablet };
  return proxy === undefined ? tablet : { ...tablet, proxy };
}

/** Whether the tablet says that it serves queries as the given type. */
export async function isServing(tablet: Tablet, type: 'primary' | 'replica'): Promise<boolean> {
  const answer = await fetch(`http://${tablet.hostname}:${tablet.port}/debug/vars`);
  const vars = (await answer.json()) as { TabletStateName?: string; TabletType?: string };
  return vars.TabletStateName === 'SERVING' && vars.TabletType === type;
}

// Shorter than Vitess's defaults where a test would only wait. What decides the behaviour of a
// migration (copy phase, schema reload, lock leases) is left as users have it.
const TABLET_FLAGS = [
  '--init-tablet-type',
  'replica',
  '--bind-address',
  HOSTNAME,
  '--grpc-bind-address',
  HOSTNAME,
  '--service-map',
  'grpc-queryservice,grpc-tabletmanager,grpc-updatestream',
  '--health-check-interval',
  '1s',
  '--enable-replication-reporter',
  '--vreplication-retry-delay',
  '1s',
  '--shard-sync-retry-delay',
  '1s',
  '--publish-retry-interval',
  '1s',
  '--shutdown-grace-period',
  '1s',
  '--onterm-timeout',
  '2s',
];

function databaseFlags(mysql: Mysql, accounts?: MysqlAccounts): string[] {
  return [
    // MySQL is started by the lab; Vitess does not manage it.
    '--unmanaged',
    '--db-host',
    'localhost',
    '--db-socket',
    mysql.socket,
    '--init-db-name-override',
    mysql.database,
    ...ROLES.flatMap((role) => {
      const { user, password } = accounts?.users[role] ?? { user: MYSQL_USER, password: MYSQL_PASSWORD };
      return [`--db-${role}-user`, user, `--db-${role}-password`, password];
    }),
  ];
}
