import type { Cluster, Tablet } from '../../../lab/cluster.js';
import type { Failover } from '../../../lab/failover.js';
import type { Direction } from '../../../lab/proxy.js';
import { failOver, servers, temporalFront } from './own-lab.js';
import type { TargetKeyspace } from './lab.js';

/** Something that happens to a server, and for how many seconds; `mend` ends it. */
export interface Fault {
  name: string;
  seconds: number;
  strike(keyspace: TargetKeyspace): Promise<Failover | undefined>;
}

const firstShard = { commerce: '0', customer: '-80' } as const;

function tabletOf(cluster: Cluster, keyspace: string, shard: string, type: Tablet['type']): Tablet {
  const found = cluster.tablets.find(
    (tablet) => tablet.keyspace === keyspace && tablet.shard === shard && tablet.type === type,
  );
  if (found === undefined) throw new Error(`the lab has no ${type} in ${keyspace}/${shard}`);
  return found;
}

const sourceTablet = (type: Tablet['type']): Tablet => tabletOf(servers().source, 'load', '0', type);
const targetTablet = (keyspace: TargetKeyspace): Tablet =>
  tabletOf(servers().target, keyspace, firstShard[keyspace], 'primary');

/** Longer than the others, so that time-outs are reached and not only waited through. */
const outage = 5;
const stall = 20;

function kill(name: string, strike: (keyspace: TargetKeyspace) => Promise<void> | undefined): Fault {
  return { name, seconds: outage, strike: async (keyspace) => (await strike(keyspace), undefined) };
}

function stalls(name: string, strike: (keyspace: TargetKeyspace) => void): Fault {
  return { name, seconds: stall, strike: (keyspace) => (strike(keyspace), Promise.resolve(undefined)) };
}

function stallTablet(tablet: Tablet, direction: Direction = 'both'): void {
  tablet.proxy?.stall(direction);
}

/** Every fault, by what it hits. */
export const faults: Fault[] = [
  kill("the target's etcd is stopped", () => servers().target.etcd.stop()),
  kill("the source's etcd is stopped", () => servers().source.etcd.stop()),
  kill('the target tablet is killed', (keyspace) => targetTablet(keyspace).vttablet.kill()),
  kill('the source replica tablet, which the streams read, is killed', () => sourceTablet('replica').vttablet.kill()),
  kill('the source primary tablet is killed', () => sourceTablet('primary').vttablet.kill()),
  kill("the target's mysqld is killed", (keyspace) => targetTablet(keyspace).mysql.server.kill()),
  kill("the source replica's mysqld is killed", () => sourceTablet('replica').mysql.server.kill()),
  kill("the source primary's mysqld is killed", () => sourceTablet('primary').mysql.server.kill()),
  {
    name: 'planned failover on the target',
    seconds: 1,
    strike: (keyspace) => failOver('target', keyspace, firstShard[keyspace], 'planned'),
  },
  {
    name: 'the target primary dies, and the replica takes over',
    seconds: outage,
    strike: (keyspace) => failOver('target', keyspace, firstShard[keyspace], 'crash'),
  },
  { name: 'planned failover on the source', seconds: 1, strike: () => failOver('source', 'load', '0', 'planned') },
  {
    name: 'the source primary dies, and the replica takes over',
    seconds: outage,
    strike: () => failOver('source', 'load', '0', 'crash'),
  },
  kill('Temporal is killed', () => servers().temporal.server.kill()),
  kill('vtgate is killed', () => servers().target.vtgateServer?.kill()),
  stalls("connections to the target's etcd stall", () => servers().target.proxies.etcd?.stall()),
  stalls("answers of the target's etcd stall", () => servers().target.proxies.etcd?.stall('answers')),
  stalls("connections to the source's etcd stall", () => servers().source.proxies.etcd?.stall()),
  stalls('connections to the target tablet stall', (keyspace) => stallTablet(targetTablet(keyspace))),
  stalls('answers of the target tablet stall', (keyspace) => stallTablet(targetTablet(keyspace), 'answers')),
  stalls('connections to both source tablets stall', () => {
    for (const tablet of servers().source.tablets) stallTablet(tablet);
  }),
  stalls("the target's mysqld is frozen", (keyspace) => targetTablet(keyspace).mysql.server.signal('SIGSTOP')),
  stalls("the source replica's mysqld is frozen", () => sourceTablet('replica').mysql.server.signal('SIGSTOP')),
  stalls('connections to vtgate stall', () => servers().target.proxies.vtgate?.stall()),
  stalls('connections of the worker to Temporal stall', () => temporalFront().stall()),
];
