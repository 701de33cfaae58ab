import { setTimeout as sleep } from 'node:timers/promises';
import { parseSourceIdentifier, type WorkflowIdentifier } from '../migration/input/identifier.js';
import type { Plan } from '../migration/plan/plan.js';
import { containsPosition } from '../migration/proof/position.js';
import type { Gap } from '../migration/proof/gaps.js';
import type { Clients } from '../vitess/clients.js';
import { allowTables, deniedTables, denyTables } from '../vitess/topology/shard-record.js';
import { JournalStore, type Journal } from './journal.js';
import { withKeyspaceLock } from '../vitess/topology/lock.js';
import type { Topology } from '../vitess/topology/topology.js';
import type { Tablet } from '../vitess/tablet/tablet.js';
import { addTo, refreshShard } from './refresh-shard.js';

/** Milliseconds. Vitess's tablets end a transaction after 30 s, unless they were told otherwise. */
const drainTimeout = 35_000;
const drainPoll = 200;
const settleTime = 500;
const changesTimeout = 15_000;
/** How often late writes may come in before the fence is said to leak. */
const settleTries = 5;

/**
 * Denies the plan's tables to applications on every source shard, as Vitess's `SwitchTraffic` does
 * for writes, and waits until the transactions that were under way have ended. What was denied
 * before by somebody else is not ours and stays.
 */
export async function raiseFence(
  clients: Clients,
  plan: Plan,
  runId: string,
  beforeEffect: () => Promise<void>,
): Promise<Gap[]> {
  const { mount, keyspace, shards } = plan.source;
  const topology = await clients.source(mount);
  const names = plan.tables.map((table) => table.name);
  for (const { name } of shards) {
    await beforeEffect();
    const before = deniedTables(await topology.shard(keyspace, name));
    const missing = names.filter((table) => !before.includes(table));
    if (missing.length > 0) {
      await new JournalStore(clients.target, plan.target).update(runId, (journal) =>
        addTo(journal.fencedTables, name, missing),
      );
      await updateDenied(topology, keyspace, name, (record) => denyTables(record, missing), beforeEffect);
    }
    await refreshShard(clients, topology, keyspace, name);
  }
  const open = await Promise.all(
    shards.map(async ({ name }) =>
      drain(await clients.primary(topology, keyspace, name), topology.place({ keyspace, shard: name })),
    ),
  );
  return open.flat();
}

/** True when every table of the plan is denied on every source shard. */
export async function fenceStands(clients: Clients, plan: Plan): Promise<boolean> {
  const topology = await clients.source(plan.source.mount);
  const denied = await Promise.all(
    plan.source.shards.map(async ({ name }) => deniedTables(await topology.shard(plan.source.keyspace, name))),
  );
  return denied.every((tables) => plan.tables.every((table) => tables.includes(table.name)));
}

/**
 * The positions at which the fenced source stands still, by source shard: nothing of the plan's
 * tables is written after them. A write that was on its way when the fence went up is waited for.
 */
export async function quietPositions(
  clients: Clients,
  plan: Plan,
): Promise<{ positions: Record<string, string>; gaps: Gap[] }> {
  const { mount, keyspace, shards } = plan.source;
  const topology = await clients.source(mount);
  const found = await Promise.all(
    shards.map(
      async ({ name }) => [name, await quietPosition(await clients.primary(topology, keyspace, name), plan)] as const,
    ),
  );
  const gaps = found.flatMap(([shard, { writes }]): Gap[] =>
    writes.map((table) => ({
      code: 'FENCE_DOWN',
      message:
        'the table is still written to, past the fence: something writes to its MySQL without Vitess, or the fence was taken down',
      place: topology.place({ keyspace, shard, table }),
      remedy: 'stop what writes there, and complete again',
    })),
  );
  return { positions: Object.fromEntries(found.map(([shard, { position }]) => [shard, position])), gaps };
}

async function quietPosition(tablet: Tablet, plan: Plan): Promise<{ position: string; writes: string[] }> {
  const names = plan.tables.map((table) => table.name);
  let position = await tablet.primaryPosition();
  let writes: string[] = [];
  for (let count = 0; count < settleTries; count++) {
    await sleep(settleTime);
    const now = await tablet.primaryPosition();
    writes = await tablet.changedTables(names, position, now, changesTimeout);
    if (writes.length === 0) return { position, writes };
    position = now;
  }
  return { position, writes };
}

/** Takes down what `raiseFence` put up, by the journal, and nothing else. To be called under the migration's locks. */
export async function takeDownFence(
  clients: Clients,
  id: WorkflowIdentifier,
  runId: string,
  beforeEffect: () => Promise<void>,
): Promise<void> {
  const journals = new JournalStore(clients.target, id);
  const journal = await journals.read();
  const fenced = Object.entries(journal?.fencedTables ?? {});
  if (journal === undefined || fenced.length === 0) return;
  const { topology, keyspace } = await sourceOf(clients, journal);
  for (const [shard, tables] of fenced) {
    await beforeEffect();
    await updateDenied(topology, keyspace, shard, (record) => allowTables(record, tables), beforeEffect);
    await refreshShard(clients, topology, keyspace, shard);
    await journals.update(runId, (record) => {
      record.fencedTables = Object.fromEntries(Object.entries(record.fencedTables).filter(([name]) => name !== shard));
    });
  }
}

/** The source a journal names. @throws MOUNT_NOT_FOUND */
async function sourceOf(clients: Clients, journal: Journal): Promise<{ topology: Topology; keyspace: string }> {
  const { mount, keyspace } = parseSourceIdentifier(journal.source);
  return { topology: await clients.source(mount), keyspace };
}

async function updateDenied(
  topology: Topology,
  keyspace: string,
  shard: string,
  change: Parameters<Topology['updateShard']>[2],
  beforeEffect: () => Promise<void>,
): Promise<void> {
  await withKeyspaceLock(topology, keyspace, 'vtmigrate fence', async (checkLock) => {
    await beforeEffect();
    await checkLock();
    await topology.updateShard(keyspace, shard, change);
  });
}

/**
 * Waits until every transaction that has changed rows and was open when the fence went up has ended.
 * Vitess takes LOCK TABLES for this, which has no time-out and, left waiting, holds up every later
 * writer; this only looks.
 */
async function drain(tablet: Tablet, place: Gap['place']): Promise<Gap[]> {
  let open = await openTransactions(tablet);
  // Statements that had passed the tablet's check just before the fence went up show themselves now.
  await sleep(drainPoll);
  open = new Set([...open, ...(await openTransactions(tablet))]);
  const deadline = Date.now() + drainTimeout;
  while (open.size > 0) {
    await sleep(drainPoll);
    const now = await openTransactions(tablet);
    open = new Set([...open].filter((id) => now.has(id)));
    if (open.size > 0 && Date.now() > deadline) {
      return [
        {
          code: 'FENCE_DOWN',
          message: `transactions that began before the fence are still open after ${drainTimeout / 1000} s: ${[...open].slice(0, 5).join(', ')} (trx_id of information_schema.innodb_trx)`,
          place: { ...place, tablet: tablet.alias },
          remedy: 'end those transactions, and complete again',
        },
      ];
    }
  }
  return [];
}

async function openTransactions(tablet: Tablet): Promise<Set<string>> {
  const rows = await tablet.query('select trx_id as id from information_schema.innodb_trx where trx_rows_modified > 0');
  return new Set(rows.flatMap((row) => row['id'] ?? []));
}

/** True when a stream's position has everything up to the source shard's `positions`. */
export function hasReached(
  stream: { sourceShard: string; position: string },
  positions: Record<string, string>,
): boolean {
  return containsPosition(stream.position, positions[stream.sourceShard] ?? '');
}
