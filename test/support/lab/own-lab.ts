import { readFileSync } from 'node:fs';
import type { ClusterSpec } from '../../../lab/cluster.js';
import { asData } from '../../../lab/describe.js';
import { customerVSchema, loadSampleData } from '../../../lab/data.js';
import { failOver as failOverLab, rejoin, type Failover, type FailoverKind } from '../../../lab/failover.js';
import { startLab, type Lab } from '../../../lab/lab.js';
import { TcpProxy } from '../../../lab/proxy.js';
import { lab } from './lab.js';

/** Rows of all tables: enough for each phase to last until a fault has struck. */
const rows = 150_000;
const replicated = (name: string, ...shards: string[]) => ({ name, shards, replicas: 1 });

let own: Lab | undefined;
let temporalProxy: TcpProxy | undefined;

/** The lab of this test file, with the handles of its servers. */
export function servers(): Lab {
  if (own === undefined) throw new Error('startOwnLab has not been called.');
  return own;
}

/** In front of Temporal, for the worker alone. */
export function temporalFront(): TcpProxy {
  if (temporalProxy === undefined) throw new Error('startOwnLab has not been called.');
  return temporalProxy;
}

/**
 * Starts a lab in this process: every shard has a replica, every server a proxy in front of it.
 * `lab` then tells of this one.
 */
export async function startOwnLab(): Promise<void> {
  own = await startLab({
    source: { keyspaces: [replicated('load', '0')], proxied: true },
    target: { keyspaces: [replicated('commerce', '0'), replicated('customer', '-80', '80-')], proxied: true },
    vschemas: { customer: customerVSchema },
  });
  const [host = '', port] = own.temporal.address.split(':');
  temporalProxy = await TcpProxy.start({ host: '127.0.0.3', port: Number(port) }, { host, port: Number(port) });
  await loadSampleData(own.source, { rows });
  tell();
}

/** Starts a lab whose target has these flags, with few rows. */
export async function startLabWith(flags: NonNullable<ClusterSpec['flags']>): Promise<void> {
  own = await startLab({ target: { flags }, vschemas: { customer: customerVSchema } });
  await loadSampleData(own.source, { rows: 300 });
  tell();
}

/** Starts a lab in which the MySQL of one side keeps names of tables in lower case, with few rows. */
export async function startLabInLowerCase(side: 'source' | 'target'): Promise<void> {
  const keyspaces = [{ name: side === 'source' ? 'load' : 'commerce', shards: ['0'] }];
  own = await startLab({ [side]: { keyspaces, dataOptions: ['--lower-case-table-names=1'] } });
  await loadSampleData(own.source, { rows: 300 });
  tell();
}

/** Starts a lab in which the source, and the target's only keyspace, have a replica, with few rows. */
export async function startLabWithReplicas(): Promise<void> {
  own = await startLab({
    source: { keyspaces: [replicated('load', '0')] },
    target: { keyspaces: [replicated('commerce', '0')] },
  });
  await loadSampleData(own.source, { rows: 300 });
  tell();
}

/**
 * Starts a lab that nobody will harm, with few rows; or takes the one that VTMIGRATE_LAB names (see lab-setup.ts).
 * @param pollSeconds see `TemporalOptions`
 */
export async function startPlainLab(pollSeconds?: number): Promise<void> {
  const running = process.env['VTMIGRATE_LAB'];
  if (running !== undefined) {
    Object.assign(lab, JSON.parse(readFileSync(running, 'utf8')));
    return;
  }
  own = await startLab({
    vschemas: { customer: customerVSchema },
    ...(pollSeconds === undefined ? {} : { temporal: { pollSeconds } }),
  });
  await loadSampleData(own.source, { rows: 30_000 });
  tell();
}

export async function stopOwnLab(): Promise<void> {
  await temporalProxy?.close();
  await own?.stop();
}

/** Changes the primary of a shard; from then on `sql` goes to the new one. */
export async function failOver(
  cluster: 'source' | 'target',
  keyspace: string,
  shard: string,
  kind: FailoverKind,
): Promise<Failover> {
  const failover = await failOverLab(servers()[cluster], keyspace, shard, kind);
  tell();
  return failover;
}

/** Whatever a fault has done to the servers is mended: all run, nothing is held back, each shard has its replica. */
export async function mend(failover?: Failover): Promise<void> {
  const { source, target, temporal } = servers();
  temporalFront().resume();
  for (const cluster of [source, target]) {
    cluster.proxies.etcd?.resume();
    cluster.proxies.vtgate?.resume();
    for (const { proxy } of cluster.tablets) proxy?.resume();
    for (const server of [
      cluster.etcd,
      cluster.vtgateServer,
      ...cluster.tablets.flatMap((tablet) => [tablet.mysql.server, tablet.vttablet]),
    ])
      server?.signal('SIGCONT');
    await cluster.etcd.start();
  }
  temporal.server.signal('SIGCONT');
  await temporal.server.start();
  if (failover !== undefined) await rejoin(failover);
  for (const cluster of [source, target]) {
    await Promise.all(
      cluster.tablets.map(async (tablet) => {
        await tablet.mysql.server.start();
        await tablet.vttablet.start();
      }),
    );
    await cluster.vtgateServer?.start();
  }
}

function tell(): void {
  Object.assign(lab, asData(servers()));
}
