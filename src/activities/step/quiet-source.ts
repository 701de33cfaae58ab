import { setTimeout as sleep } from 'node:timers/promises';
import type { Source } from '../../effects/source/source.js';
import { tableNames, type Plan } from '../../migration/plan/plan.js';
import { containsPosition } from '../../migration/proof/position.js';
import type { Gap } from '../../migration/proof/gaps.js';

/** Milliseconds. Vitess's tablets end a transaction after 30 s, unless configured otherwise. */
const drainTimeout = 35_000;
const drainPoll = 200;
const settleTime = 500;
const changesTimeout = 15_000;
/** How often late writes may come in before the fence is said to leak. */
const settleTries = 5;

/**
 * Waits until every transaction that has changed rows and was open when the fence went up has ended. Vitess takes
 * LOCK TABLES for this, which has no time-out and, while it waits, blocks every later writer; this only looks.
 * @param stop throws when nobody waits for it any more
 */
export async function drain(source: Source, stop: () => void): Promise<Gap[]> {
  return (await Promise.all(source.shards.map((shard) => drainShard(source, shard, stop)))).flat();
}

async function drainShard(source: Source, shard: string, stop: () => void): Promise<Gap[]> {
  const before = await source.openTransactions(shard);
  // Statements that had passed the tablet's check just before the fence went up appear now.
  await sleep(drainPoll);
  let open = [...new Set([...before, ...(await source.openTransactions(shard))])];
  const deadline = Date.now() + drainTimeout;
  while (open.length > 0) {
    stop();
    await sleep(drainPoll);
    const now = new Set(await source.openTransactions(shard));
    open = open.filter((id) => now.has(id));
    if (open.length > 0 && Date.now() > deadline) return [stillOpen(source, shard, open)];
  }
  return [];
}

function stillOpen(source: Source, shard: string, open: readonly string[]): Gap {
  const ids = open.slice(0, 5).join(', ');
  return {
    code: 'FENCE_DOWN',
    message:
      `transactions that began before the fence are still open after ${drainTimeout / 1000} s: ` +
      `${ids} (trx_id of information_schema.innodb_trx)`,
    place: source.place({ shard }),
    remedy: 'let them end, or kill their connections, and complete again',
  };
}

/**
 * The positions of the fenced source, by source shard, after which none of the plan's tables is written to. A write
 * that was in progress when the fence went up is waited for.
 * @param stop throws when nobody waits for it any more
 */
export async function quietPositions(
  source: Source,
  plan: Plan,
  stop: () => void,
): Promise<{ positions: Record<string, string>; gaps: Gap[] }> {
  const found = await Promise.all(
    source.shards.map(async (shard) => [shard, await quietPosition(source, shard, tableNames(plan), stop)] as const),
  );
  const gaps = found.flatMap(([shard, { writes }]) => writes.map((table) => leak(source, shard, table)));
  return { positions: Object.fromEntries(found.map(([shard, { position }]) => [shard, position])), gaps };
}

async function quietPosition(
  source: Source,
  shard: string,
  tables: readonly string[],
  stop: () => void,
): Promise<{ position: string; writes: string[] }> {
  let position = await source.position(shard);
  let writes: string[] = [];
  for (let count = 0; count < settleTries; count++) {
    stop();
    await sleep(settleTime);
    const now = await source.position(shard);
    writes = await source.changedTables(shard, tables, position, now, changesTimeout);
    if (writes.length === 0) return { position, writes };
    position = now;
  }
  return { position, writes };
}

function leak(source: Source, shard: string, table: string): Gap {
  return {
    code: 'FENCE_DOWN',
    message:
      'the table is still written to, past the fence: a program writes to its MySQL without Vitess, ' +
      'or the fence was taken down',
    place: source.place({ shard, table }),
    remedy: 'stop that program, and complete again',
  };
}

/** True when a stream's position contains everything up to its source shard's position. */
export function hasReached(
  stream: { sourceShard: string; position: string },
  positions: Record<string, string>,
): boolean {
  return containsPosition(stream.position, positions[stream.sourceShard] ?? '');
}
