import { bytesOf } from '../problem/bounded.js';
import type { StreamProblem } from '../watch/diagnosis.js';

/** What VDiff found in one table, over all target shards. Counts are decimal strings: 64-bit. */
export interface VDiffTable {
  name: string;
  state: string;
  rowsCompared: string;
  mismatched: string;
  extraSource: string;
  extraTarget: string;
  /** A few rows that differ, as Vitess reports them. */
  samples: VDiffSample[];
}

export interface VDiffSample {
  kind: 'mismatch' | 'only in source' | 'only in target';
  shard: string;
  source?: Record<string, string>;
  target?: Record<string, string>;
}

/** Numbers over all tables of a VDiff; rows are decimal strings. */
export interface VDiffTotals {
  tables: number;
  /** Tables in which a row differs. */
  differing: number;
  mismatched: string;
  extraSource: string;
  extraTarget: string;
}

/** The state of one VDiff over all target shards. */
export interface VDiffReport {
  uuid: string;
  /**
   * `stalled`: it made no progress and was stopped by the watchdog. `differs`: Vitess found rows on
   * one side only and broke off before it could say which (docs/adr/0008).
   */
  state: 'running' | 'completed' | 'differs' | 'error' | 'stopped' | 'stalled';
  rowsCompared: string;
  totals: VDiffTotals;
  /** All tables, or the first ones: see `boundedReport`. */
  tables: VDiffTable[];
  /** Vitess's own words, by target shard. */
  errors: Record<string, string>;
  /** ISO 8601; of the last shard, when completed. */
  completedAt: string | null;
  /** Why it has read primaries first although nobody asked for it. */
  readsPrimaries?: string;
  /** What keeps a stream from running, for which only a person can help: it was stopped because of that. */
  trouble?: StreamProblem;
}

/** The VDiff of a lane on a target shard. */
export interface VDiffPart {
  shard: string;
  /** The lane's Vitess workflow. */
  workflow: string;
}

/** One row of Vitess's VDiff summary: one for each table of one part. */
export interface VDiffRow extends VDiffPart {
  vdiffState: string;
  lastError: string;
  /** Empty while the part has not begun. */
  table: string;
  tableState: string;
  rowsCompared: string;
  hasMismatch: boolean;
  /** JSON, or empty. */
  report: string;
}

interface VitessReport {
  ProcessedRows?: number;
  MismatchedRows?: number;
  ExtraRowsSource?: number;
  ExtraRowsTarget?: number;
  MismatchedRowsSample?: { Source?: VitessRow; Target?: VitessRow }[];
  ExtraRowsSourceSample?: VitessRow[];
  ExtraRowsTargetSample?: VitessRow[];
}
interface VitessRow {
  Row?: Record<string, string>;
}

const samplesPerTable = 3;
/** Characters of an error that a report keeps. */
const longestError = 1_000;

/**
 * When a row is on one side only, Vitess looks up the source keyspace's VSchema to learn whether the
 * table is a reference table. For an external cluster it looks in the wrong topology, and fails.
 */
const oneSided = /failed to reconcile extra rows: .*node doesn't exist.*VSchema/;
const oneSidedMeaning =
  'there are rows that only the source or only the target has; ' +
  'for an external cluster Vitess cannot say which they are';

/** True when every table was compared to its end and no row differs. */
export function isClean(report: VDiffReport): boolean {
  return report.state === 'completed' && report.totals.differing === 0;
}

/** True when a row of the table differs. */
export function differs(table: VDiffTable): boolean {
  return table.mismatched !== '0' || table.extraSource !== '0' || table.extraTarget !== '0';
}

/** How many tables a report lists in a history, and in a heartbeat. */
export const vdiffTablesInHistory = 20;
export const vdiffTablesInHeartbeat = 40;
/** Bytes of all samples that it holds. */
const bytesOfSamples = 8_000;

/**
 * A report, cut to `mostTables` tables: those that differ, or at which it broke off, come first. The samples of rows
 * that do not fit are left out.
 */
export function boundedReport(report: VDiffReport, mostTables: number): VDiffReport {
  const { tables, ...rest } = listedReport(report, mostTables);
  let room = bytesOfSamples;
  const kept = (sample: VDiffSample) => (room -= bytesOf(sample)) >= 0;
  return { ...rest, tables: tables.map((table) => ({ ...table, samples: table.samples.filter(kept) })) };
}

function listedReport(report: VDiffReport, mostTables: number): VDiffReport {
  if (report.tables.length <= mostTables) return report;
  const isTold = (table: VDiffTable) => differs(table) || table.state === 'error';
  const differing = report.tables.filter(isTold);
  const others = report.tables.filter((table) => !isTold(table));
  return { ...report, tables: [...differing, ...others].slice(0, mostTables) };
}

/** The report of a VDiff that could not be run. */
export function failedReport(uuid: string, message: string): VDiffReport {
  return {
    uuid,
    state: 'error',
    rowsCompared: '0',
    totals: totalsOf([]),
    tables: [],
    errors: { '': message },
    completedAt: null,
  };
}

/**
 * A finished VDiff without some of its tables. What it says of the others holds; of a table that it does not list, the
 * rows stay counted.
 * @returns undefined when it does not say whether the others are equal: then it has to run again
 */
export function reportWithout(report: VDiffReport, tables: readonly string[]): VDiffReport | undefined {
  const gone = report.tables.filter(({ name }) => tables.includes(name));
  const unlisted = report.totals.tables - report.tables.length;
  const unlistedDiffer = report.totals.differing - report.tables.filter(differs).length > 0;
  const unlistedGone = Math.min(tables.length - gone.length, unlisted);
  if (report.state !== 'completed' || (unlistedDiffer && unlistedGone > 0)) return undefined;
  const less = (total: string, field: (table: VDiffTable) => string) =>
    gone.reduce((left, table) => left - BigInt(field(table)), BigInt(total)).toString();
  const { totals } = report;
  return {
    ...report,
    rowsCompared: less(report.rowsCompared, (table) => table.rowsCompared),
    totals: {
      tables: totals.tables - gone.length - unlistedGone,
      differing: totals.differing - gone.filter(differs).length,
      mismatched: less(totals.mismatched, (table) => table.mismatched),
      extraSource: less(totals.extraSource, (table) => table.extraSource),
      extraTarget: less(totals.extraTarget, (table) => table.extraTarget),
    },
    tables: report.tables.filter((table) => !gone.includes(table)),
  };
}

function totalsOf(tables: readonly VDiffTable[]): VDiffTotals {
  return {
    tables: tables.length,
    differing: tables.filter(differs).length,
    mismatched: sum(tables.map((table) => table.mismatched)),
    extraSource: sum(tables.map((table) => table.extraSource)),
    extraTarget: sum(tables.map((table) => table.extraTarget)),
  };
}

/** Adds up the parts of a VDiff: an error of one is an error of all, completed needs every one. */
export function summarizeVDiff(
  uuid: string,
  rows: readonly VDiffRow[],
  parts: readonly VDiffPart[],
  completedAt: string,
): VDiffReport {
  const states = parts.map(
    ({ shard, workflow }) =>
      rows.find((row) => row.shard === shard && row.workflow === workflow)?.vdiffState ?? 'pending',
  );
  const tables = new Map<string, VDiffTable>();
  for (const row of rows) if (row.table !== '') tables.set(row.table, addRow(tables.get(row.table), row));
  const has = (state: string) => states.includes(state) || [...tables.values()].some((table) => table.state === state);
  // Of several errors of a shard, the last one is told.
  const isOneSided = ({ lastError }: VDiffRow) => oneSided.test(lastError);
  const failed = [...rows.filter((row) => !isOneSided(row)), ...rows.filter(isOneSided)];
  const errors = Object.fromEntries(
    failed.filter((row) => row.lastError !== '').map((row) => [row.shard, row.lastError]),
  );
  const state = Object.values(errors).some((text) => oneSided.test(text))
    ? 'differs'
    : has('error')
      ? 'error'
      : states.includes('stopped')
        ? 'stopped'
        : states.every((each) => each === 'completed')
          ? 'completed'
          : 'running';
  return {
    uuid,
    state,
    rowsCompared: sum(rows.map((row) => row.rowsCompared)),
    totals: totalsOf([...tables.values()]),
    tables: [...tables.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    errors: Object.fromEntries(
      Object.entries(errors).map(([shard, text]) => [
        shard,
        oneSided.test(text) ? oneSidedMeaning : text.slice(0, longestError),
      ]),
    ),
    completedAt: state === 'completed' ? completedAt : null,
  };
}

/** Changes as long as a VDiff makes progress: the watchdog compares two of these. */
export function vdiffPulse(report: VDiffReport): string {
  return [
    report.state,
    report.rowsCompared,
    ...report.tables.map((table) => `${table.name}:${table.state}:${table.rowsCompared}`),
  ].join('|');
}

function addRow(table: VDiffTable | undefined, row: VDiffRow): VDiffTable {
  const report = (row.report === '' ? {} : JSON.parse(row.report)) as VitessReport;
  const before = table ?? {
    name: row.table,
    state: 'completed',
    rowsCompared: '0',
    mismatched: '0',
    extraSource: '0',
    extraTarget: '0',
    samples: [],
  };
  const mismatched = sum([before.mismatched, report.MismatchedRows]);
  const extraSource = sum([before.extraSource, report.ExtraRowsSource]);
  const extraTarget = sum([before.extraTarget, report.ExtraRowsTarget]);
  return {
    ...before,
    state: before.state === 'error' || row.tableState === 'completed' ? before.state : row.tableState,
    rowsCompared: sum([before.rowsCompared, row.rowsCompared]),
    // The flag is set as soon as a difference is seen, the counts later.
    mismatched: row.hasMismatch && mismatched === '0' && extraSource === '0' && extraTarget === '0' ? '1' : mismatched,
    extraSource,
    extraTarget,
    samples: [...before.samples, ...samplesOf(report, row.shard)].slice(0, samplesPerTable),
  };
}

function samplesOf(report: VitessReport, shard: string): VDiffSample[] {
  return [
    ...(report.MismatchedRowsSample ?? []).map((pair): VDiffSample => ({
      kind: 'mismatch',
      shard,
      source: pair.Source?.Row ?? {},
      target: pair.Target?.Row ?? {},
    })),
    ...(report.ExtraRowsSourceSample ?? []).map((row): VDiffSample => ({
      kind: 'only in source',
      shard,
      source: row.Row ?? {},
    })),
    ...(report.ExtraRowsTargetSample ?? []).map((row): VDiffSample => ({
      kind: 'only in target',
      shard,
      target: row.Row ?? {},
    })),
  ];
}

function sum(values: readonly (string | number | undefined)[]): string {
  return values.reduce<bigint>((total, value) => total + BigInt(value ?? 0), 0n).toString();
}
