import type { ErrorCode, Place } from '../problem/errors.js';
import type { FactName, Facts } from './facts.js';

/**
 * `error`: the migration cannot work, or is certain to do harm. `warning`: it can work, and may cost rows or an
 * outage: it stops the migration unless its check is accepted by name. `notice`: only shown.
 */
export type Severity = 'error' | 'warning' | 'notice';

/** What a check found. The code is CHECK_FAILED unless the error table has one of its own for it. */
export interface Found {
  message: string;
  place: Place;
  remedy: string;
  code?: ErrorCode;
}

/** A check of preflight. `N` is its name, `U` that of the check which reports that a fact could not be read. */
export interface Check<N extends string = string, U extends string = string> {
  readonly name: N;
  readonly severity: Severity;
  /** The facts that it judges. */
  readonly needs: readonly FactName[];
  judge(facts: Facts): Found[];
  /** The check that reports a fact of this one that could not be read. */
  readonly unread: U;
  /** Errors of a read without which there is no plan, where they are findings of this check. */
  readonly codes: readonly ErrorCode[];
  /** MySQL's global variables that it looks at. */
  readonly variables: readonly string[];
  /** When the check is asked again; null for never. */
  readonly again: 'complete' | null;
}

/**
 * Defines a check. A check without `judge` finds nothing itself: it names what the reading of facts, or another
 * check, reports.
 */
export function defineCheck<
  const N extends string,
  const K extends FactName = never,
  const U extends string = 'not-readable',
>(check: {
  name: N;
  severity: Severity;
  needs?: readonly K[];
  judge?: (facts: Pick<Facts, K>) => Found[];
  unread?: U;
  codes?: readonly ErrorCode[];
  variables?: readonly string[];
  again?: 'complete';
}): Check<N, U | 'not-readable'> {
  const { name, severity, needs = [], judge = () => [], unread, codes = [], variables = [], again = null } = check;
  return { name, severity, needs, judge, unread: unread ?? 'not-readable', codes, variables, again };
}
