import { expect } from 'vitest';
import { migrateInputSchema, parseWith } from '../../../src/migration/input/input.js';
import type { PlanFacts, ShardFacts, VSchemaFacts } from '../../../src/migration/plan/facts.js';
import type { ColumnFacts, TableFacts } from '../../../src/migration/plan/table-facts.js';
import { makePlan } from '../../../src/migration/plan/plan.js';
import { checks, type CheckName } from '../../../src/migration/preflight/checks/index.js';
import type { Answers, FactName, Facts, JournalFacts } from '../../../src/migration/preflight/facts.js';
import { judge } from '../../../src/migration/preflight/judge.js';
import { describeFinding, type Finding } from '../../../src/migration/preflight/finding.js';

/** Facts of an unsharded source with three tables and an empty target, and the places in it. */

export const sourcePlace = { cluster: 'ext1', keyspace: 'load', shard: '0', tablet: 'ext-0000000100' };
export const targetPlace = { cluster: 'target', keyspace: 'commerce', shard: '0', tablet: 'zone1-0000000200' };

export const unsharded: VSchemaFacts = { sharded: false, vindexes: {}, tables: {} };

/** Tables that are sharded by `id`. */
export function hashed(...tables: string[]): VSchemaFacts {
  return {
    sharded: true,
    vindexes: { xxhash: { type: 'xxhash', params: {} } },
    tables: Object.fromEntries(
      tables.map((name) => [name, { type: '', columnVindexes: [{ name: 'xxhash', columns: ['id'] }] }]),
    ),
  };
}

export const whole: ShardFacts[] = [{ name: '0', keyRange: '' }];
export const halves: ShardFacts[] = [
  { name: '-80', keyRange: '-80' },
  { name: '80-', keyRange: '80-' },
];

export const ddl = (name: string) => `CREATE TABLE \`${name}\` (\n  \`id\` bigint NOT NULL,\n  PRIMARY KEY (\`id\`)\n)`;

/** The source's part of the facts. Estimates are those of all its shards together. */
export function source({
  shards = whole,
  tables = ['customer', 'corder', 'product'],
  vschema = unsharded,
}: { shards?: ShardFacts[]; tables?: string[]; vschema?: VSchemaFacts } = {}): Pick<
  PlanFacts,
  'sourceCells' | 'sourceShards' | 'sourceTablets' | 'sourceSchemas' | 'sourceVSchema'
> {
  return {
    sourceCells: ['ext', 'ext2'],
    sourceShards: shards,
    sourceTablets: shards.flatMap(({ name: shard }) => [
      { shard, alias: 'ext-0000000100', cell: 'ext', type: 'PRIMARY', hostname: 'h' },
      { shard, alias: 'ext2-0000000101', cell: 'ext2', type: 'REPLICA', hostname: 'h' },
    ]),
    sourceSchemas: shards.map(({ name: shard }) => ({
      shard,
      tables: tables.map((name, i) => ({
        name,
        rows: (10 * i) / shards.length,
        bytes: (100 * i) / shards.length,
        ddl: ddl(name),
      })),
    })),
    sourceVSchema: vschema,
  };
}

/** The target's part of the facts. */
export function target(
  vschema: VSchemaFacts = unsharded,
  shards: ShardFacts[] = whole,
  { tables = [], deniedTables = [] }: { tables?: string[]; deniedTables?: string[] } = {},
): Pick<PlanFacts, 'targetCells' | 'targetShards' | 'targetTables' | 'targetVSchema'> {
  return {
    targetCells: ['zone1'],
    targetShards: shards.map((shard) => ({ ...shard, deniedTables })),
    targetTables: shards.map(({ name: shard }) => ({ shard, tables })),
    targetVSchema: vschema,
  };
}

/** The input of a migration of everything, unless tables are named. */
export function input(changes: Record<string, unknown> = {}) {
  const all = changes['tables'] === undefined;
  return parseWith(migrateInputSchema, { source: 'ext1.load', target: 'commerce.wf', all, ...changes }, 'it');
}

/** Everything that the plan is made of, and the plan. */
export function planned(
  facts: Partial<PlanFacts> = {},
  changes: Record<string, unknown> = {},
): PlanFacts & Pick<Facts, 'request' | 'plan'> {
  const all = { ...source(), ...target(), ...facts };
  const request = {
    input: input(changes),
    source: { mount: 'ext1', keyspace: 'load' },
    target: { keyspace: 'commerce', workflow: 'wf' },
    runId: 'run',
  };
  return { ...all, request, plan: makePlan(request.input, all) };
}

/** Facts as they are when everything could be read. */
export function answersOf(facts: Partial<Facts>): Answers {
  return Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [name, { value, unread: [], what: 'a fact' }]),
  );
}

/** What some checks find; every fact that they need must be given. */
export function ask(names: readonly CheckName[], facts: Partial<Facts>): Finding[] {
  const asked = checks.filter(({ name }) => names.includes(name));
  const needed = new Set<FactName>(asked.flatMap(({ needs }) => needs));
  for (const name of needed) expect(Object.keys(facts), `facts of ${names.join()}`).toContain(name);
  return judge(answersOf(facts), asked);
}

/** `check: message`, without place and remedy. */
export function said(findings: readonly Finding[]): string[] {
  for (const each of findings) expect(each.remedy, describeFinding(each)).not.toBe('');
  return findings.map(({ check, message }) => `${check}: ${message}`);
}

export function journal(changes: Partial<JournalFacts> = {}): JournalFacts {
  return {
    workflow: 'wf',
    runId: 'run',
    source: 'ext1.load',
    createdTables: {},
    deniedTables: {},
    streams: false,
    workflows: [],
    ...changes,
  };
}

export function column(name: string, changes: Partial<ColumnFacts> = {}): ColumnFacts {
  return {
    name,
    type: 'bigint',
    nullable: false,
    hasDefault: false,
    collation: '',
    generated: false,
    autoIncrement: false,
    ...changes,
  };
}

export const primary = { name: 'PRIMARY', columns: ['id'], notNull: true };

/** A table with nothing odd. */
export function table(changes: Partial<TableFacts> = {}): TableFacts {
  return {
    name: 't',
    engine: 'InnoDB',
    columns: [column('id')],
    uniqueKeys: [primary],
    foreignKeys: [],
    triggers: [],
    ...changes,
  };
}
