import { describeProblem } from '../../migration/problem/errors.js';
import type { ShardFacts } from '../../migration/plan/facts.js';
import { streamsOf, type Plan, type PlanDetails } from '../../migration/plan/plan.js';
import type { Finding } from '../../migration/problem/finding.js';
import { bytes, columns, count, grouped } from './format.js';

/** The plan of a dry run for a person: everything that Create and Complete would do. */
export function renderPlan(plan: Plan): string[] {
  const { source, target } = plan;
  return [
    `Dry run of ${target.keyspace}.${target.workflow}: nothing has been changed.`,
    '',
    `Source:       ${source.mount}.${source.keyspace}, shards ${shardNames(source)}`,
    `Target:       ${target.keyspace} (${target.sharded ? 'sharded' : 'unsharded'}), shards ${shardNames(target)}`,
    `Cells:        ${source.cells.join(', ')}`,
    `Tablet types: ${plan.tabletTypes.join(', ')}${plan.inOrder ? ', in this order of preference' : ''}`,
    `Streams:      ${optionsOf(plan)}`,
    '',
    ...tableLines(plan),
    ...target.shards.flatMap((shard) => shardLines(plan, shard)),
    '',
    ...completeLines(plan),
    ...detailLines(plan.details),
    ...findingLines(plan.findings ?? []),
  ];
}

function shardNames({ shards }: { shards: readonly ShardFacts[] }): string {
  return shards.map((shard) => shard.name).join(', ');
}

function optionsOf(plan: Plan): string {
  return [
    plan.autoStart ? 'started at once' : 'not started',
    ...(plan.stopAfterCopy ? ['stopped after the copy'] : []),
    `secondary keys ${plan.deferSecondaryKeys ? 'after the copy' : 'from the beginning'}`,
    `on DDL: ${plan.onDdl}`,
  ].join('; ');
}

function tableLines({ tables }: Plan): string[] {
  const sum = (of: 'rows' | 'bytes') => tables.reduce((total, table) => total + table[of], 0);
  return [
    `${count(tables.length, 'table')}, about ${grouped(sum('rows'))} rows, ${bytes(sum('bytes'))}:`,
    ...columns(tables.map((table) => [`  ${table.name}`, `${grouped(table.rows)} rows`, bytes(table.bytes)])),
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
      `  stream from ${plan.source.keyspace}/${stream.sourceShard}:`,
      ...stream.rules.map((rule) => `    ${rule.match}: ${rule.filter}`),
    ]),
  ];
}

function completeLines(plan: Plan): string[] {
  return [
    'Complete, once the copy is proven whole and VDiff is clean:',
    `  add to the VSchema: ${plan.missingInVSchema.join(', ') || 'nothing, every table is in it'}`,
    '  delete the streams, allow applications, and read every table through vtgate',
  ];
}

function detailLines(details: PlanDetails | undefined): string[] {
  if (details === undefined) return [];
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
    ...details.topologyWrites.map((write) => `  ${write}`),
  ];
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
