import { setTimeout as sleep } from 'node:timers/promises';
import type { Source } from '../../effects/source/source.js';
import { tableNames, type Plan } from '../../migration/plan/plan.js';
import { containsPosition } from '../../migration/proof/position.js';
import { drainPoll, drainTimeout, settleTime } from '../../migration/proof/cutover.js';
import type { Gap } from '../../migration/proof/gaps.js';
import { sourcePositions } from './proof.js';

/** Milliseconds. */
const changesTimeout = 15_000;
/** How often late writes may come in before the fence is said to leak. */
const settleTries = 10;

/**
 * Waits until every transaction that has changed rows and was open when the fence went up has ended. Vitess takes
 * LOCK TABLES for this, which has no time-out and, while it waits, blocks every later writer; this only looks.
 * @param stop throws when nobody waits for it any more
 */
async function drain(source: Source, stop: () => void): Promise<Gap[]> {
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
 * The positions of the fenced source, by source shard, after which none of the plan's tables has been written to, as
 * far as that is known by then: what was on its way when the fence went up is waited for. `settle` and `leaks` look
 * once more, at the end.
 * @param meanwhile what can be done at these positions while the source calms down; answers what is lacking
 * @param stop throws when nobody waits for it any more
 */
export async function quietPositions(
  source: Source,
  plan: Plan,
  meanwhile: (positions: Record<string, string>) => Promise<Gap[]>,
  stop: () => void,
): Promise<{ positions: Record<string, string>; gaps: Gap[] }> {
  for (let count = 1; ; count++) {
    stop();
    const positions = await sourcePositions(source);
    // What was open when the fence went up is known after the first time.
    const calm = count === 1 ? drain(source, stop) : sleep(drainPoll).then(() => []);
    const gaps = (await Promise.all([calm, meanwhile(positions)])).flat();
    if (gaps.length > 0) return { positions, gaps };
    const late = await leaks(source, plan, positions);
    if (late.length === 0 || count === settleTries) return { positions, gaps: late };
  }
}

/**
 * Waits until the fence has stood for so long that no statement can be on its way any more.
 * @param refusedSince by source shard: milliseconds since 1970, by the clock of the worker that put the fence up
 */
export async function settle(refusedSince: Readonly<Record<string, number>>): Promise<void> {
  const since = Math.max(0, ...Object.values(refusedSince));
  const left = since + settleTime - Date.now();
  if (left > 0) await sleep(Math.min(left, settleTime));
}

/** The tables that have been written to since these positions, in spite of the fence. */
export async function leaks(source: Source, plan: Plan, positions: Record<string, string>): Promise<Gap[]> {
  const found = source.shards.map(async (shard) => {
    const from = positions[shard] ?? '';
    const now = await source.position(shard);
    if (containsPosition(from, now)) return [];
    const tables = await source.changedTables(shard, tableNames(plan), from, now, changesTimeout);
    return tables.map((table) => leak(source, shard, table));
  });
  return (await Promise.all(found)).flat();
}

function leak(source: Source, shard: string, table: string): Gap {
  return {
    code: 'FENCE_DOWN',
    message:
      'the table is still written to, past the fence: a program writes to its MySQL without Vitess, ' +
      'or the fence was taken down',
    place: source.place({ shard, table }),
    remedy: 'stop that program; Complete is tried again',
  };
}
