import type { MigrateResult } from '../../migration/lifecycle/result.js';
import type { TopologyWrite } from '../../migration/plan/topology-write.js';
import { describeProblem } from '../../migration/problem/errors.js';
import type { ShardFacts } from '../../migration/plan/facts.js';
import { lanesOf } from '../../migration/plan/lanes.js';
import { streamsOf, type Plan, type PlannedStream } from '../../migration/plan/plan.js';
import { totalsOfPlan, type PlanTotals } from '../../migration/plan/shown-plan.js';
import type { PlanDetails } from '../../migration/plan/topology-write.js';
import type { Finding } from '../../migration/preflight/finding.js';
import { bytes, columns, count, grouped } from './format.js';

/** The answer of a dry run. */
export type Planned = Extract<MigrateResult, { outcome: 'planned' }>;

/** The plan of a dry run for a person: everything that Create and Complete would do. */
export function renderPlan({ plan, findings, details }: Planned): string[] {
  const { source, target } = plan;
  return [
    `Dry run of ${target.keyspace}.${target.workflow}: nothing has been changed.`,
    '',
    `Source:       ${source.mount}.${source.keyspace}, shards ${shardNames(source)}`,
    `Target:       ${target.keyspace} (${target.sharded ? 'sharded' : 'unsharded'}), shards ${shardNames(target)}`,
    `Cells:        ${source.cells.join(', ')}`,
    `Tablet types: ${plan.stream.tabletTypes.join(', ')}` +
      (plan.stream.tabletTypesInPreferenceOrder ? ', in this order of preference' : ''),
    `Streams:      ${optionsOf(plan)}`,
    '',
    ...tableLines(plan, details.totals ?? totalsOfPlan(plan)),
    ...laneLines(plan),
    ...target.shards.flatMap((shard) => shardLines(plan, shard)),
    '',
    ...completeLines(plan),
    ...detailLines(details),
    ...findingLines(findings),
  ];
}

function shardNames({ shards }: { shards: readonly ShardFacts[] }): string {
  return shards.map((shard) => shard.name).join(', ');
}

function optionsOf(plan: Plan): string {
  return [
    plan.stream.autoStart ? 'started at once' : 'not started',
    ...(plan.stream.stopAfterCopy ? ['stopped after the copy'] : []),
    `secondary keys ${plan.stream.deferSecondaryKeys ? 'after the copy' : 'from the beginning'}`,
    `on DDL: ${plan.stream.onDdl}`,
    ...(plan.dropForeignKeys === true ? ['tables without foreign keys'] : []),
    ...(plan.removeAutoIncrement === true ? ['tables without AUTO_INCREMENT'] : []),
    ...(plan.stream.sourceTimeZone === undefined ? [] : [`DATETIME from ${plan.stream.sourceTimeZone} to UTC`]),
    ...Object.entries(plan.stream.configOverrides).map(([flag, value]) => `${flag}=${value}`),
  ].join('; ');
}

function tableLines({ tables }: Plan, totals: PlanTotals): string[] {
  const more = totals.tables - tables.length;
  return [
    `${count(totals.tables, 'table')}, about ${grouped(totals.rows)} rows, ${bytes(totals.bytes)}:`,
    ...columns(tables.map((table) => [`  ${table.name}`, `${grouped(table.rows)} rows`, bytes(table.bytes)])),
    ...(more === 0 ? [] : [`  and ${count(more, 'more table')}, which are left out below, too`]),
  ];
}

function laneLines(plan: Plan): string[] {
  const lanes = lanesOf(plan);
  if (lanes.length === 1) return [];
  const lines = lanes.map(({ workflow, tables }) => `  ${workflow}: ${tables.map(({ name }) => name).join(', ')}`);
  return [
    '',
    `Copied in ${lanes.length} lanes at the same time, each a Vitess workflow (-lanes 1: all in one):`,
    ...lines,
  ];
}

function shardLines(plan: Plan, shard: ShardFacts): string[] {
  const toCreate = plan.missingTables[shard.name] ?? [];
  return [
    '',
    `Create, on ${plan.target.keyspace}/${shard.name}:`,
    `  deny applications: ${plan.tables.map((table) => table.name).join(', ')}`,
    `  create tables:     ${toCreate.join(', ') || 'none, they are all there and empty'}`,
    ...streamsOf(plan, shard).flatMap((stream) => [
      `  stream from ${plan.source.keyspace}/${stream.sourceShard}${ofLane(plan, stream)}:`,
      ...stream.rules.map((rule) => `    ${rule.match}: ${rule.filter}`),
    ]),
  ];
}

/** Nothing for the lane that has the name of the migration. */
function ofLane({ target }: Plan, { workflow }: PlannedStream): string {
  return workflow === target.workflow ? '' : ` of ${workflow}`;
}

function completeLines(plan: Plan): string[] {
  return [
    'Complete, once the copy is proven whole and VDiff is clean:',
    `  add to the VSchema: ${entriesOf(plan).join(', ') || 'nothing, every table is in it'}`,
    '  delete the streams, allow applications, and try every table through vtgate',
    '  with fenceSource, the source refuses writes for half a second or more: a dry run of Complete predicts it',
  ];
}

function entriesOf(plan: Plan): string[] {
  const types = new Map(plan.tables.map(({ name, type }) => [name, type]));
  return plan.missingInVSchema.map((name) => {
    const type = types.get(name);
    return type === undefined ? name : `${name} (${type})`;
  });
}

function detailLines(details: PlanDetails): string[] {
  const ddl = Object.values(details.ddl);
  return [
    ...(ddl.length === 0
      ? []
      : [
          '',
          'Definitions of the tables that are made:',
          ...ddl.flatMap((each) =>
            each.split('\n').map((line, i, all) => `  ${line}${i === all.length - 1 ? ';' : ''}`),
          ),
        ]),
    '',
    'Keys of the topology that are written:',
    ...details.topologyWrites.map(writeLine),
  ];
}

/** `key (what)`; a key of the source is marked with its mount. */
function writeLine({ cluster, key, what }: TopologyWrite): string {
  return `  ${cluster === 'target' ? '' : `in ${cluster}: `}${key} (${what})`;
}

/** Every finding of preflight. */
function findingLines(findings: readonly Finding[]): string[] {
  if (findings.length === 0) return [];
  const of = (severity: Finding['severity']) => findings.filter((each) => each.severity === severity).length;
  return [
    '',
    `Preflight: ${(['error', 'warning', 'notice'] as const).map((each) => count(of(each), each)).join(', ')}:`,
    ...findings.map((each) => `  ${each.severity.padEnd(7)} ${each.check}: ${describeProblem(each)}`),
  ];
}
