import type { Definitions } from '../migration/proof/drift.js';
import type { Plan } from '../migration/plan/plan.js';
import type { Clients } from '../vitess/clients.js';
import type { TabletHandle } from '../vitess/tablet/tablet-handle.js';

/** The plan's tables as the primary of the first source shard has them; a table that is not there is left out. */
export async function readSourceDefinitions(clients: Clients, plan: Plan): Promise<Definitions> {
  const { mount, keyspace, shards } = plan.source;
  return definitionsOf(plan, await clients.primary(await clients.source(mount), keyspace, shards[0]?.name ?? ''));
}

/** The plan's tables as each target primary has them. */
export function readTargetDefinitions(clients: Clients, plan: Plan): Promise<Definitions[]> {
  return Promise.all(
    plan.target.shards.map(async ({ name }) =>
      definitionsOf(plan, await clients.primary(clients.target, plan.target.keyspace, name)),
    ),
  );
}

async function definitionsOf(plan: Plan, tablet: TabletHandle): Promise<Definitions> {
  const tables = await tablet.tables(plan.tables.map((table) => table.name));
  return Object.fromEntries(tables.map((table) => [table.name, table.ddl]));
}
