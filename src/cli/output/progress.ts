import type { Live } from '../../migration/lifecycle/live.js';
import type { Status } from '../../migration/lifecycle/status.js';
import { describeProblem, type Problem } from '../../migration/problem/errors.js';
import { count, duration, grouped, oneLine } from './format.js';
import { createdLine } from './status.js';
import type { Terminal } from './terminal.js';

/** Shows a followed migration as a line of progress. */
export function progressOn(terminal: Terminal) {
  return {
    live: ({ status }: Live) => terminal.progress(progressLine(status), status.phase),
    noAnswer: (reason: string) => terminal.progress(reason, reason),
  };
}

/** Prints a line for each phase, and for each error of a step that is retried. */
export function phasesOn(terminal: Terminal) {
  const printed = new Set<string>();
  const print = (line: string) => {
    if (!printed.has(line)) terminal.print(line);
    printed.add(line);
  };
  return {
    live: ({ status, closed }: Live) => {
      if (closed !== null) return;
      print(`${status.workflow}: ${status.phase}`);
      if (status.lastError !== null) print(`${status.workflow}: ${describeProblem(status.lastError)} (tried again)`);
    },
    noAnswer: (reason: string) => terminal.progress(reason, reason),
  };
}

/** A status in one line. */
export function progressLine(status: Status): string {
  const error = status.lastError ?? hindrance(status);
  const problem = error === undefined ? '' : ` — ${describeProblem({ ...error, message: oneLine(error.message) })}`;
  return `${status.workflow} ${status.phase}${detail(status)}${problem}`;
}

/** What keeps a migration where it is. */
function hindrance({ phase, problems, missing }: Status): Problem | undefined {
  // A pause names its problem in what it waits for.
  if (phase === 'paused') return undefined;
  return problems[0] ?? (phase === 'replicating' ? missing[0] : undefined);
}

function detail(status: Status): string {
  const { phase, creating, waitingFor, lagSeconds } = status;
  const waiting = waitingFor.join('; ');
  switch (phase) {
    case 'creating':
      return creating === null ? '' : `: ${createdLine(creating)}`;
    case 'copying':
      return `: ${copyingDetail(status)}`;
    case 'verifying':
      return `: ${comparing(status)}`;
    case 'paused':
    case 'retiring':
      return `: waiting for ${waiting}`;
    case 'replicating':
      return (
        `: lag ${lagSeconds === null ? 'not known' : duration(lagSeconds)}` + (waiting && `, waiting for ${waiting}`)
      );
    default:
      return '';
  }
}

function copyingDetail({ totals, copiedPercent, remainingSeconds }: Status): string {
  const remaining = remainingSeconds === null ? '' : `, about ${duration(remainingSeconds)} remaining`;
  return `${copiedPercent}%, ${totals.copied} of ${count(totals.tables, 'table')} done${remaining}`;
}

function comparing({ vdiff, totals }: Status): string {
  if (vdiff === null || vdiff.state === 'completed') return 'VDiff begins';
  // The workflow retries a VDiff that ended without a verdict.
  if (vdiff.state !== 'running') {
    const errors = Object.values(vdiff.errors).map((text) => `, ${oneLine(text)}`);
    return `VDiff ended as ${vdiff.state}${errors.join('')}; it is tried again`;
  }
  return `VDiff has compared ${grouped(vdiff.rowsCompared)} of about ${grouped(totals.rowsTotal)} rows`;
}
