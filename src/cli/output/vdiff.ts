import { isClean, type VDiffReport, type VDiffSample } from '../../migration/proof/vdiff.js';
import { columns, count, grouped, moment, oneLine } from './format.js';

/** A VDiff for a person: a line for each table, and the rows that differ. */
export function renderVDiff(id: string, report: VDiffReport): string[] {
  const when = report.completedAt === null ? '' : ` at ${moment(report.completedAt)}`;
  return [
    `VDiff ${report.uuid} of ${id}: ${report.state}${when}, ${verdict(report)}`,
    ...(report.readsPrimaries === undefined ? [] : [`  it reads primaries first: ${report.readsPrimaries}`]),
    ...errorLines(report),
    '',
    ...tableLines(report),
    ...sampleLines(report),
  ];
}

function verdict(report: VDiffReport): string {
  if (report.state !== 'completed') return 'no verdict';
  return isClean(report) ? 'clean' : 'NOT CLEAN';
}

function errorLines(report: VDiffReport): string[] {
  return Object.entries(report.errors).map(
    ([shard, text]) => `  ${shard === '' ? '' : `shard ${shard}: `}${oneLine(text)}`,
  );
}

function tableLines(report: VDiffReport): string[] {
  if (report.tables.length === 0) return ['no table has been compared'];
  const head = ['table', 'rows compared', 'mismatched', 'only in source', 'only in target', 'state'];
  const rows = report.tables.map((table) => [
    table.name,
    grouped(table.rowsCompared),
    grouped(table.mismatched),
    grouped(table.extraSource),
    grouped(table.extraTarget),
    table.state,
  ]);
  const more = report.totals.tables - rows.length;
  return [...columns([head, ...rows]), ...(more > 0 ? [`and ${count(more, 'more table')}`] : [])];
}

function sampleLines(report: VDiffReport): string[] {
  return report.tables.flatMap((table) =>
    table.samples.flatMap((sample) => [
      '',
      `${table.name}, shard ${sample.shard}: ${headOf(sample)}`,
      ...rowLines(sample),
    ]),
  );
}

function headOf({ kind, source = {}, target = {} }: VDiffSample): string {
  if (kind !== 'mismatch') return kind;
  const differing = [...new Set([...Object.keys(source), ...Object.keys(target)])].filter(
    (column) => source[column] !== target[column],
  );
  return differing.length === 0 ? 'differs' : `differs in ${differing.join(', ')}`;
}

function rowLines({ source, target }: VDiffSample): string[] {
  return [
    ...(source === undefined ? [] : [`  source: ${rowLine(source)}`]),
    ...(target === undefined ? [] : [`  target: ${rowLine(target)}`]),
  ];
}

function rowLine(row: Record<string, string>): string {
  return Object.entries(row)
    .map(([column, value]) => `${column}=${JSON.stringify(value)}`)
    .join(', ');
}

/** The three ways to continue after a VDiff that is not clean. */
export function waysOn(id: string): string[] {
  const ways = [
    [
      `VDiff ${id}`,
      'compare again, once the rows have been repaired; a requested Complete then runs by itself if it is clean',
    ],
    [
      `Migrate -accept_rows <table> Complete ${id}`,
      'take the rows of a table as they are; -force those of every table',
    ],
    [`Migrate Cancel ${id}`, 'restore the target as it was'],
  ];
  const width = `Migrate -accept_rows <table> Complete ${id}`.length;
  return [
    'There are three ways on:',
    ...ways.map(([line = '', about = '']) => `  vtmigrate ${line.padEnd(width)}   ${about}`),
  ];
}
