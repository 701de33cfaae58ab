import type { Cluster } from './cluster.js';
import { binaries, MYSQL_PASSWORD, MYSQL_USER } from './install.js';
import type { Lab } from './lab.js';

/** The environment that this project's programs need to use a lab. */
export function environment(lab: Lab): Record<string, string> {
  const vtgate = lab.target.vtgate;
  return {
    VTMIGRATE_TOPO_SERVER: lab.target.topoServer,
    VTMIGRATE_TOPO_ROOT: lab.target.topoRoot,
    ...(vtgate === undefined ? {} : { VTMIGRATE_VTGATE: `${vtgate.host}:${vtgate.port}` }),
    TEMPORAL_ADDRESS: lab.temporal.address,
  };
}

/** A cluster of a running lab, as plain data. */
export interface ClusterData {
  cell: string;
  topoServer: string;
  topoRoot: string;
  etcdPid: number | undefined;
  vtgate?: { host: string; port: number; pid: number | undefined };
  tablets: {
    alias: string;
    keyspace: string;
    shard: string;
    type: string;
    hostname: string;
    port: number;
    grpcPort: number;
    pid: number | undefined;
    mysql: { socket: string; port: number; database: string; pid: number | undefined };
  }[];
}

/** A running lab, as plain data. */
export interface LabData {
  pid: number;
  folder: string;
  environment: Record<string, string>;
  mysqlAccount: { user: string; password: string };
  programs: { vtctldclient: string; temporal: string };
  temporal: { address: string; uiUrl: string; pid: number | undefined };
  source: ClusterData;
  target: ClusterData;
}

/** Everything another program needs to find its way in a running lab, as plain data. */
export function asData(lab: Lab): LabData {
  const { vtctldclient, temporal } = binaries();
  return {
    pid: process.pid,
    folder: lab.folder,
    environment: environment(lab),
    mysqlAccount: { user: MYSQL_USER, password: MYSQL_PASSWORD },
    programs: { vtctldclient, temporal },
    temporal: { address: lab.temporal.address, uiUrl: lab.temporal.uiUrl, pid: lab.temporal.server.pid },
    source: clusterData(lab.source),
    target: clusterData(lab.target),
  };
}

/** A table of addresses and the environment, for people. */
export function asText(lab: Lab): string {
  const rows: [string, string][] = [
    ['Temporal', `${lab.temporal.address}   UI ${lab.temporal.uiUrl}`],
    ...[lab.source, lab.target].flatMap(clusterRows),
    ['files and logs', lab.folder],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const table = rows.map(([name, value]) => `${name.padEnd(width)}   ${value}`);
  const lines = Object.entries(environment(lab)).map(([name, value]) => `export ${name}=${value}`);
  return [...table, '', ...lines].join('\n');
}

function clusterRows(cluster: Cluster): [string, string][] {
  const { name, cell } = cluster.spec;
  const { vtgate } = cluster;
  const gate = vtgate === undefined ? [] : [`mysql -h ${vtgate.host} -P ${vtgate.port}`];
  return [
    [`${name}: etcd`, `${cluster.topoServer}   root ${cluster.topoRoot}   cell ${cell}`],
    ...gate.map((how): [string, string] => [`${name}: vtgate`, how]),
    ...cluster.tablets.map((tablet): [string, string] => [
      `${name}: ${tablet.keyspace}/${tablet.shard}`,
      `${tablet.alias} (${tablet.type})   gRPC ${tablet.hostname}:${tablet.grpcPort}   MySQL ${tablet.mysql.socket}`,
    ]),
  ];
}

function clusterData(cluster: Cluster): ClusterData {
  return {
    cell: cluster.spec.cell,
    topoServer: cluster.topoServer,
    topoRoot: cluster.topoRoot,
    etcdPid: cluster.etcd.pid,
    ...(cluster.vtgate === undefined ? {} : { vtgate: { ...cluster.vtgate, pid: cluster.vtgateServer?.pid } }),
    tablets: cluster.tablets.map(({ mysql, vttablet, ...tablet }) => ({
      ...tablet,
      pid: vttablet.pid,
      mysql: { socket: mysql.socket, port: mysql.port, database: mysql.database, pid: mysql.server.pid },
    })),
  };
}
