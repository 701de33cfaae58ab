import type { TargetKeyspace } from '../support/lab/lab.js';
import { randomDdl, type Ddl } from './ddl.js';
import { Random } from './random.js';
import { randomTables, type Table } from './tables.js';

/** The phases in which something happens, in their order. */
export const moments = [
  'before Create',
  'copying',
  'verifying',
  'replicating',
  'before Complete',
  'completing',
] as const;
export type Moment = (typeof moments)[number];

const mishaps = ['pause and resume', 'worker killed', 'target tablet frozen'] as const;

/** All that a seed decides. What it does not decide is how long the servers take. */
export interface Scenario {
  seed: number;
  tables: Table[];
  keyspace: TargetKeyspace;
  fenced: boolean;
  /** Rows of each table before anything else. */
  rows: number;
  writers: Random[];
  ddl: { moment: Moment; delayMs: number; ddl: Ddl }[];
  mishap?: { moment: Moment; delayMs: number; kind: (typeof mishaps)[number] };
  vdiffAgain: boolean;
  /** Tables whose FLOAT columns are set from the source; the loss of others is accepted. */
  repaired: string[];
}

export function scenarioOf(seed: number): Scenario {
  const random = new Random(`referee ${seed}`);
  const sharded = random.chance(0.5);
  const fenced = random.chance(0.5);
  const tables = randomTables(random.fork('tables'), sharded);
  const events = random.chance(0.35) ? random.int(1, 2) : 0;
  const mishap = random.chance(0.25);
  return {
    seed,
    tables,
    keyspace: sharded ? 'customer' : 'commerce',
    fenced,
    rows: random.pick([0, 20, 20, 100, 300]),
    writers: Array.from({ length: random.int(1, 3) }, (_, i) => random.fork(`writer ${i}`)),
    ddl: Array.from({ length: events }, (_, i) => eventOf(random.fork(`ddl ${i}`), tables, fenced)),
    ...(mishap ? { mishap: mishapOf(random.fork('mishap')) } : {}),
    vdiffAgain: random.chance(0.2),
    repaired: seed % 2 === 0 ? tables.filter(isRepairable).map(({ name }) => name) : [],
  };
}

function isRepairable({ floats, key, keyColumns }: Table): boolean {
  return floats.length > 0 && key !== 'none' && !keyColumns.some((column) => floats.includes(column));
}

/** FLOAT columns of a table that may have lost digits. */
export function lossyFloats({ repaired }: Scenario, { name, floats }: Table): string[] {
  return repaired.includes(name) ? [] : floats;
}

/** Where there is no fence, nothing is written once Complete has been asked for, for nothing of it would be copied. */
function eventOf(random: Random, tables: readonly Table[], fenced: boolean): Scenario['ddl'][number] {
  const moment = random.pick(fenced ? moments : moments.slice(0, -1));
  return { moment, delayMs: random.int(0, 500), ddl: randomDdl(random, random.pick(tables)) };
}

function mishapOf(random: Random): NonNullable<Scenario['mishap']> {
  const moment = random.pick(['copying', 'verifying', 'replicating', 'completing'] as const);
  const kind = random.pick(moment === 'completing' ? mishaps.slice(1) : mishaps);
  return { moment, delayMs: random.int(0, 500), kind };
}

/** One line for each thing that a reader of a failure wants to know first. */
export function describeScenario({ keyspace, fenced, tables, rows, writers, ddl, mishap }: Scenario): string {
  return [
    `${keyspace === 'customer' ? 'sharded' : 'unsharded'}, ${fenced ? 'fenced' : 'not fenced'}, ${rows} rows in each table, ${writers.length} writers`,
    ...tables.map(
      (table) => `table ${JSON.stringify(table.name)} ${table.definition} vindex ${JSON.stringify(table.vindex)}`,
    ),
    ...ddl.map(({ moment, delayMs, ddl }) => `DDL while ${moment}, after ${delayMs} ms: ${ddl.kind} of ${ddl.table}`),
    ...(mishap === undefined ? [] : [`${mishap.kind} while ${mishap.moment}, after ${mishap.delayMs} ms`]),
  ].join('\n');
}
