import type { Cluster } from './cluster.js';
import { until } from './cluster.js';
import { demote, promote, replicateFrom } from './servers/replication.js';
import { isServing, type Tablet } from './servers/tablet.js';

/** `planned`: the old primary lives and follows the new one. `crash`: it dies first, and stays dead until `rejoin`. */
export type FailoverKind = 'planned' | 'crash';

/** The tablets of one failover. */
export interface Failover {
  from: Tablet;
  to: Tablet;
}

/**
 * Makes another tablet of the shard its primary, as an external tool does: MySQL first, then
 * `TabletExternallyReparented`. No transaction is lost, as with semi-synchronous replication: the old
 * primary takes no writes any more, and the new one has all of its, before either kind goes on.
 */
export async function failOver(
  cluster: Cluster,
  keyspace: string,
  shard: string,
  kind: FailoverKind,
): Promise<Failover> {
  const tablets = cluster.tablets.filter((tablet) => tablet.keyspace === keyspace && tablet.shard === shard);
  const from = tablets.find((tablet) => tablet.type === 'primary');
  const to = tablets.find((tablet) => tablet.type === 'replica');
  if (from === undefined || to === undefined)
    throw new Error(`${keyspace}/${shard} has no primary and replica to change places.`);
  // A crash does not let the tablet say goodbye.
  if (kind === 'crash') from.vttablet.signal('SIGSTOP');
  await demote(from, to);
  if (kind === 'crash') await Promise.all([from.vttablet.kill(), from.mysql.server.kill()]);
  await promote(to);
  const { code, stderr } = await cluster.vtctldclient('TabletExternallyReparented', to.alias);
  if (code !== 0) throw new Error(`TabletExternallyReparented ${to.alias} failed: ${stderr}`);
  [from.type, to.type] = ['replica', 'primary'];
  if (kind === 'planned') await replicateFrom(to, from);
  await until(`${to.alias} serves as primary`, () => isServing(to, 'primary'));
  return { from, to };
}

/** Brings an old primary back as a replica of the new one. Nothing happens when it is one. */
export async function rejoin({ from, to }: Failover): Promise<void> {
  await from.mysql.server.start();
  await replicateFrom(to, from);
  await from.vttablet.start();
  await until(`${from.alias} serves as replica`, () => isServing(from, 'replica'));
}
