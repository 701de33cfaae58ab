import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import type { Connection } from 'mysql2/promise';
import { mysqlOf, targets } from '../support/lab/lab.js';
import type { Problem } from '../../src/migration/problem/errors.js';
import { resultOf, type Program } from '../support/lab/program.js';
import type { Account } from './account.js';
import { difference, readTable, type Difference } from './compare.js';
import type { Outcome } from './lifecycle.js';
import { objection } from './reasons.js';
import type { Done } from './run.js';
import { lossyFloats, type Scenario } from './scenario.js';
import { targetTables } from './servers.js';

export interface Verdict {
  outcome: 'completed' | 'not completed';
  /** Code and message of each, cut. */
  reasons: string[];
  /** What must not be; empty in a run that is as it should be. */
  failures: string[];
  /** FLOAT columns that have lost digits, as it was accepted. */
  floatLosses: number;
  /** Tables that were changed when nobody could tell whether Complete was past its point of no return. */
  notJudged: number;
}

export interface Evidence {
  scenario: Scenario;
  account: Account;
  outcome: Outcome;
  done: readonly Done[];
  /** Milliseconds of the account: the migration could still be undone. */
  returnableAt: number;
  program: Program;
  handle: WorkflowHandle;
}

export function judge(evidence: Evidence): Promise<Verdict> {
  return evidence.outcome.completed ? judgeCompleted(evidence) : judgeUnfinished(evidence, evidence.outcome);
}

async function judgeCompleted({ scenario, done, returnableAt }: Evidence): Promise<Verdict> {
  const verdict: Verdict = { outcome: 'completed', reasons: [], failures: [], floatLosses: 0, notJudged: 0 };
  for (const table of scenario.tables) {
    const { name } = table;
    const floats = lossyFloats(scenario, table);
    if (done.some(({ table, endedAt }) => table === name && endedAt > returnableAt)) {
      verdict.notJudged++;
      continue;
    }
    const sides = await bothSides(scenario, name);
    if (difference(...sides) === undefined) continue;
    const rest = difference(...sides, floats);
    if (rest === undefined) verdict.floatLosses += floats.length;
    else verdict.failures.push(`completed, but table ${name} differs: ${show(rest)}`);
  }
  return verdict;
}

async function bothSides({ keyspace }: Scenario, table: string): Promise<[Side, Side[]]> {
  const read = async (connecting: Promise<Connection>): Promise<Side> => {
    const connection = await connecting;
    return readTable(connection, table).finally(() => connection.end());
  };
  const shards = targets[keyspace].shards.map((shard) => read(mysqlOf('target', keyspace, shard)));
  return [await read(mysqlOf('source', 'load', '0')), await Promise.all(shards)];
}
type Side = Awaited<ReturnType<typeof readTable>>;

function show({ what, onlySource, onlyTarget }: Difference): string {
  const rows = (side: string, all: string[]) => all.slice(0, 10).map((row) => `\n  only in the ${side}: ${row}`);
  const more = ` (${onlySource.length} only in the source, ${onlyTarget.length} only in the target)`;
  return `${what}${more}${[...rows('source', onlySource), ...rows('target', onlyTarget)].join('')}`;
}

async function judgeUnfinished(evidence: Evidence, outcome: Extract<Outcome, { completed: false }>): Promise<Verdict> {
  const { reasons } = outcome;
  const { scenario, done } = evidence;
  const ddl = done.flatMap(({ kind, phase }) => (phase === 'before Create' ? [] : [kind]));
  const objected = reasons.map((reason) => objection(reason, { scenario, ddl })).filter((text) => text !== '');
  return {
    outcome: 'not completed',
    reasons: [...new Set(reasons.map(({ code, message }) => `${code} (${message.slice(0, 200)})`))],
    failures: [
      ...(reasons.length === 0 ? ['not completed, and no reason given'] : []),
      ...(objected.length > 0 ? [...new Set(objected), await comparison(scenario)] : []),
      ...(await falseAlarms(scenario, reasons)),
      ...(await undone(evidence, outcome.ended)),
    ],
    floatLosses: 0,
    notJudged: 0,
  };
}

/** Tables of which it was said that their rows differ, and whose rows do not. */
async function falseAlarms(scenario: Scenario, reasons: readonly Problem[]): Promise<string[]> {
  const said = new Set(reasons.flatMap(({ code, place }) => (code === 'ROWS_DIFFER' ? [place.table ?? ''] : [])));
  if (said.size > 0) await sleep(2_000);
  const same: string[] = [];
  for (const { name } of scenario.tables)
    if (said.has(name) && difference(...(await bothSides(scenario, name))) === undefined) same.push(name);
  return same.map((name) => `the rows of table ${name} are the same, though it was said that they differ`);
}

/** Whether the rows differ: the writers have stopped, and the streams have had time. */
async function comparison(scenario: Scenario): Promise<string> {
  await sleep(2_000);
  const found: string[] = [];
  for (const table of scenario.tables) {
    const { name } = table;
    const rest = difference(...(await bothSides(scenario, name)), lossyFloats(scenario, table));
    if (rest !== undefined) found.push(`table ${name} differs: ${show(rest)}`);
  }
  return found.length === 0 ? 'both sides are the same' : found.join('\n');
}

/** Cancels, and lists what is left of the migration in the target. */
async function undone({ scenario, account, program, handle }: Evidence, ended: boolean): Promise<string[]> {
  if (!ended) {
    await account.doing('user', 'cancel', () => handle.executeUpdate('cancel'));
    const { outcome } = await resultOf(handle);
    if (outcome !== 'cancelled') return [`Cancel ended as ${outcome}`];
  }
  const tables = await targetTables(scenario.keyspace);
  const audit = await program.cli('Audit', scenario.keyspace, '-json');
  const { found } = JSON.parse(audit.stdout) as { found: { name: string; live: boolean }[] };
  return [
    ...tables.map((table) => `Cancel has left the table ${table}`),
    ...found.filter(({ live }) => !live).map(({ name }) => `Cancel has left ${name}`),
  ];
}
