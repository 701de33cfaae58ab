import type { NameList } from '../../migration/plan/reference.js';
import { describeProblem, type Problem } from '../../migration/problem/errors.js';
import { parseSourceIdentifier, parseWorkflowIdentifier } from '../../migration/input/identifier.js';
import { nothingUnlisted, type StreamObservation } from '../../migration/watch/observation.js';
import type { Finding } from '../../migration/preflight/finding.js';
import type { Retirement } from '../../migration/proof/source-tables.js';
import type { Live, Retry } from '../../migration/lifecycle/live.js';
import type { MigrateResult } from '../../migration/lifecycle/result.js';
import type { CreateReport, Status } from '../../migration/lifecycle/status.js';
import { differs, isClean, type VDiffReport } from '../../migration/proof/vdiff.js';
import { cutoverLines, overriddenLines, proofLines, repairLines } from './proof.js';
import { tableLine } from './tables.js';
import { count, duration, grouped, moment, nameListLine, oneLine, since } from './format.js';

/**
 * A migration for a person, in the format of Vitess's `Workflow Show` and progress.
 * @param maxTables where space is limited, the number of tables shown; the others are only counted
 */
export function renderStatus(live: Live, now: Date, maxTables = Infinity): string[] {
  const { status } = live;
  return [
    ...streamLines(status, live.closed !== null),
    '',
    ...tableLines(status, maxTables, live.closed !== null),
    ...summaryLines(live, now),
  ];
}

function streamLines(status: Status, ended: boolean): string[] {
  const { streams, workflow, phase } = status;
  if (streams.length === 0) return [noStreams(status, ended)];
  const gone = phase === 'completed' || phase === 'cancelled';
  const head = gone
    ? `The vreplication streams of workflow ${workflow} are gone; they were last seen as`
    : `The following vreplication streams exist for workflow ${workflow}`;
  const more = unlistedOf(status).streams;
  return [
    `${head}:`,
    '',
    ...streams.map((stream) => streamLine(stream, status.source)),
    ...(more === 0 ? [] : [`and ${count(more, 'more stream')}`]),
  ];
}

/** A worker of an earlier version does not say it. */
function unlistedOf({ unlisted }: { unlisted?: Status['unlisted'] }): Status['unlisted'] {
  return unlisted ?? nothingUnlisted;
}

function noStreams({ workflow, phase, problems }: Status, ended: boolean): string {
  if (!ended && problems.length > 0)
    return `No vreplication streams of workflow ${workflow} can be seen (${phase}): see the problems below.`;
  return `There are no vreplication streams ${ended ? 'any more' : 'yet'} for workflow ${workflow} (${phase}).`;
}

/** `id=1 on 0/zone1-0000000200: Status: Copying. Lag: 0s. …` */
function streamLine(stream: StreamObservation, source: string): string {
  const facts = [
    `Status: ${stream.state}.`,
    `Lag: ${stream.lagSeconds === null ? 'not known yet' : `${stream.lagSeconds}s`}.`,
    `Source: ${source === '' ? '' : `${parseSourceIdentifier(source).keyspace}/`}${stream.sourceShard}.`,
    ...(stream.copying.count === 0 ? [] : [`Copying: ${nameListLine(stream.copying)}.`]),
    ...(stream.throttledBy === '' ? [] : [`Throttled by: ${stream.throttledBy}.`]),
    ...(stream.message === '' ? [] : [`Message: ${oneLine(stream.message)}`]),
  ];
  const of = stream.lane === undefined ? '' : ` of ${stream.lane}`;
  return `id=${stream.id}${of} on ${stream.shard}/${stream.tablet}: ${facts.join(' ')}`;
}

function tableLines({ tables, totals }: Status, maxTables: number, ended: boolean): string[] {
  if (tables.length === 0) return [];
  // If not all tables fit, those being copied come first.
  const order = { copying: 0, waiting: 1, copied: 2 };
  const chosen =
    tables.length > maxTables
      ? [...tables].sort((a, b) => order[a.phase] - order[b.phase]).slice(0, maxTables)
      : tables;
  const left = totals.tables - chosen.length;
  const hint = totals.tables > tables.length && !ended ? ': vtmigrate Workflow -page 1 Show lists them all' : '';
  return [
    `Copy Progress (approx)${ended ? ', as last seen' : ''}:`,
    '',
    ...chosen.map(tableLine),
    ...(left === 0 ? [] : [`and ${count(left, 'more table')}${hint}`]),
    '',
  ];
}

function summaryLines(live: Live, now: Date): string[] {
  const { status, closed } = live;
  const { keyspace } = parseWorkflowIdentifier(status.workflow);
  const asOf =
    status.observedAt === null
      ? []
      : [`As of: ${moment(status.observedAt)}${closed === null ? ` (${since(status.observedAt, now)} ago)` : ''}`];
  return [
    `Migration: ${status.source === '' ? status.workflow : `${status.source} → ${keyspace}`}`,
    `Phase: ${status.phase} since ${moment(status.since)} (${since(status.since, now)})` +
      (status.pastNoReturn && closed === null ? ', past the point of no return' : ''),
    ...asOf,
    ...(status.creating === null ? [] : [`Created: ${createdLine(status.creating)}`]),
    ...copyLines(status),
    ...leftLines(status.left),
    `Last VDiff: ${vdiffLine(status.vdiff)}`,
    ...proofLines(status.proof),
    ...repairLines(status.repair),
    ...cutoverLines(status.cutover),
    ...(status.requested.length === 0 ? [] : [`Requested: ${status.requested.join(', ')}`]),
    ...(status.waitingFor.length === 0 ? [] : [`Waiting for: ${status.waitingFor.join('; ')}`]),
    ...(status.missing.length === 0 || closed !== null
      ? []
      : ['Complete lacked, when it was last tried:', ...gapLines(status.missing)]),
    ...troubleLines(live, now),
    ...overriddenLines(status.overridden),
    ...status.warnings.map((warning) => `Warning: ${describeProblem(warning)}`),
    ...endLines(live),
  ];
}

/** The tables that have left; a worker of an earlier version does not say it. */
function leftLines(left: NameList | undefined): string[] {
  return left === undefined || left.count === 0 ? [] : [`Left the migration: ${nameListLine(left)}`];
}

/** `700 of 1,500 tables`: of all shards together */
export function createdLine({ tables, of }: CreateReport): string {
  return `${grouped(tables)} of ${count(of, 'table')}`;
}

function copyLines(status: Status): string[] {
  if (status.tables.length === 0) return [];
  const remaining =
    status.remainingSeconds === null || status.remainingSeconds === 0
      ? ''
      : `, about ${duration(status.remainingSeconds)} remaining`;
  const { copied, tables } = status.totals;
  return [
    `Copied: ${status.copiedPercent}%${remaining}; ${copied} of ${count(tables, 'table')} done`,
    ...(status.lagSeconds === null ? [] : [`Lag: ${duration(status.lagSeconds)}`]),
  ];
}

/** A VDiff in one line. */
export function vdiffLine(vdiff: VDiffReport | null): string {
  if (vdiff === null) return 'none yet';
  const compared = `${grouped(vdiff.rowsCompared)} rows compared`;
  if (vdiff.state !== 'completed')
    return `${vdiff.state}, ${compared}${Object.values(vdiff.errors)
      .map((text) => `; ${oneLine(text)}`)
      .join('')}`;
  const { differing } = vdiff.totals;
  const dirty = vdiff.tables.filter(differs).map((table) => table.name);
  const verdict = isClean(vdiff)
    ? 'clean'
    : `NOT CLEAN: differences in ${nameListLine({ count: differing, names: dirty.slice(0, 5) })}`;
  return `${verdict}, ${compared}${vdiff.completedAt === null ? '' : `, ${moment(vdiff.completedAt)}`}`;
}

/** What Complete's proof lacks, where, and what to do: a line for each gap. */
export function gapLines(missing: readonly Problem[]): string[] {
  return missing.map((gap) => `  - ${describeProblem(gap)}`);
}

function troubleLines({ status, retries, closed }: Live, now: Date): string[] {
  const current = retries.map((retry) => `Current error: ${describeProblem(retry.problem)} (${retryLine(retry, now)})`);
  const last =
    current.length > 0 || status.lastError === null || closed !== null
      ? []
      : [`Last error: ${describeProblem(status.lastError)}`];
  const more = unlistedOf(status).problems;
  const problems = new Set(
    status.problems.map((problem) => `  - ${describeProblem({ ...problem, message: oneLine(problem.message) })}`),
  );
  return [
    ...current,
    ...last,
    ...(status.restarts === null
      ? []
      : [`Streams started again: ${count(status.restarts.count, 'time')}, last ${moment(status.restarts.at)}`]),
    ...(problems.size === 0 ? [] : ['Problems:', ...problems, ...(more === 0 ? [] : [`  - and ${more} more`])]),
    ...findingLines(status.findings),
  ];
}

/** Notices are only counted: the dry run shows them. */
function findingLines(findings: readonly Finding[]): string[] {
  const accepted = findings.filter(({ severity }) => severity === 'warning');
  const notices = findings.length - accepted.length;
  return [
    ...(accepted.length === 0
      ? []
      : ['Accepted warnings of preflight:', ...accepted.map((each) => `  - ${each.check}: ${describeProblem(each)}`)]),
    ...(notices === 0 ? [] : [`Preflight: ${count(notices, 'notice')} (Workflow Show -json has them)`]),
  ];
}

function retryLine({ activity, attempt, nextAt }: Retry, now: Date): string {
  const when =
    nextAt === null ? 'being tried now' : `tried again in ${duration((Date.parse(nextAt) - now.getTime()) / 1000)}`;
  return `step ${activity}, attempt ${attempt}, ${when}`;
}

function endLines({ closed }: Live): string[] {
  if (closed === null) return [];
  const { result } = closed;
  if (result?.outcome === 'completed')
    return [
      `Ended: ${moment(closed.at)}, completed with ${count(result.tables.count, 'table')}` +
        (result.fenced ? '; the fence on the source still stands' : '') +
        sourceTablesLine(result.sourceTables),
    ];
  if (result?.outcome === 'cancelled')
    return [`Ended: ${moment(closed.at)}, cancelled; dropped ${droppedLine(result.droppedTables)}`];
  if (result?.outcome === 'planned') return [`Ended: ${moment(closed.at)}, a dry run: nothing was changed`];
  return [`Ended: ${moment(closed.at)}, ${closed.how}: ${closed.failure ?? ''}`];
}

function sourceTablesLine(sourceTables: Retirement): string {
  if (sourceTables.done === 'keep') return '';
  return `; the source's tables were ${sourceTables.done === 'drop' ? 'dropped' : 'renamed to _<table>_old'}`;
}

/** What a person reads after Cancel. */
export function cancelledLines(
  id: string,
  { droppedTables, warnings = [] }: Extract<MigrateResult, { outcome: 'cancelled' }>,
): string[] {
  return [
    `Cancelled ${id}: the target is as it was${warnings.length === 0 ? '.' : ', but for this:'}`,
    ...warnings.map((warning) => `Warning: ${describeProblem(warning)}`),
    `Dropped: ${droppedLine(droppedTables)}`,
  ];
}

/** The tables that Cancel dropped, by shard. */
function droppedLine(dropped: Record<string, NameList>): string {
  const shards = Object.entries(dropped).filter(([, tables]) => tables.count > 0);
  if (shards.length === 0) return 'no table: Create had created none';
  return shards.map(([shard, tables]) => `${nameListLine(tables)} on shard ${shard}`).join('; ');
}
