import { RowReader } from '../../effects/row-reader.js';
import type { Plan } from '../../migration/plan/plan.js';
import type { Clients } from '../../vitess/clients.js';
import type { TabletHandle } from '../../vitess/tablet/tablet-handle.js';

/** The primaries of the plan's target shards, in their order. */
export function targetPrimaries(clients: Clients, { target }: Plan): Promise<TabletHandle[]> {
  return Promise.all(target.shards.map(({ name }) => clients.primary(clients.target, target.keyspace, name)));
}

/** The rows of the target, read from its primaries: they have what the streams have written. */
export async function targetRows(clients: Clients, plan: Plan): Promise<RowReader> {
  return new RowReader(await targetPrimaries(clients, plan), false);
}
