import type { Found, Severity } from './check.js';
import type { CheckName } from './checks/index.js';
import { more } from './checks/more.js';
import { fitting } from '../problem/bounded.js';
import { MigrationError, describeProblem, type ErrorCode, type Problem } from '../problem/errors.js';

export type { CheckName, Severity };

/** Something preflight found. Plain data: part of preflight's answer and of the query `status`. */
export interface Finding extends Problem<ErrorCode> {
  check: CheckName;
  severity: Severity;
}

/** What a check found, with its name and severity. */
export function stamp(check: { name: CheckName; severity: Severity }, found: Found): Finding {
  const { message, place, remedy, code = 'CHECK_FAILED' } = found;
  return { check: check.name, severity: check.severity, code, message, place, remedy };
}

/** The findings that stop a migration: errors, and warnings that are not accepted. */
export function blocking(findings: readonly Finding[], accepted: readonly string[]): Finding[] {
  return findings.filter(
    ({ check, severity }) => severity === 'error' || (severity === 'warning' && !accepted.includes(check)),
  );
}

/** Errors first, then warnings, then notices; otherwise in the order they were found. */
export function bySeverity(findings: readonly Finding[]): Finding[] {
  const order: Severity[] = ['error', 'warning', 'notice'];
  return [...findings].sort((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
}

/** Findings, and their bytes, that an answer of preflight holds; a migration keeps fewer, and `status` shows them. */
const mostFindings = 200;
const mostBytes = 100_000;
export const bytesInStatus = 12_000;

/** More findings than a history should hold are counted only; the gravest come first. */
export function capped(findings: readonly Finding[], bytes = mostBytes): Finding[] {
  const sorted = bySeverity(findings);
  const shown = fitting(sorted, mostFindings, bytes);
  const rest = sorted.length - shown.length;
  if (rest === 0) return sorted;
  return [
    ...shown,
    stamp(more, {
      message: `${rest} more findings are not shown`,
      place: {},
      remedy: 'look at fewer tables at once, with -tables and -dry_run',
    }),
  ];
}

/** `warning no-primary-key: table t has … (cluster ext1 …): do this` */
export function describeFinding(found: Finding): string {
  return `${found.severity} ${found.check}: ${describeProblem(found)}`;
}

/**
 * The error that stops a migration, with every finding that stops it. A single error keeps its own code, so that
 * the step is tried again where that can help.
 */
export function refusal(stopping: readonly Finding[]): MigrationError {
  const [first] = stopping;
  if (stopping.length === 1 && first?.severity === 'error')
    return new MigrationError(first.code, first.message, first.place, first.remedy);
  const list = capped(stopping)
    .map((each) => `\n  - ${describeFinding(each)}`)
    .join('');
  const warnings = [...new Set(stopping.flatMap(({ check, severity }) => (severity === 'warning' ? [check] : [])))];
  const how =
    warnings.length === 0
      ? ''
      : `\nOnce you understand a warning, accept it by its name: -accept ${warnings.join(',')} (in JSON "accept")`;
  const count = stopping.length === 1 ? 'one thing is' : `${stopping.length} things are`;
  return new MigrationError('PREFLIGHT_REFUSED', `${count} in the way; nothing has been changed:${list}${how}`, {}, '');
}
