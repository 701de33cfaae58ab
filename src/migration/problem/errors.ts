import type { GapCode, StreamCode, WarningCode } from './shown-codes.js';

/**
 * The codes of errors that are thrown. `retryable` says whether trying the same call again can help
 * before a person has acted. Code decides by these codes, never by a message's text. Codes that are
 * only shown are in `shown-codes.ts`.
 */
export const errorCodes = {
  INVALID_INPUT: { retryable: false },
  MOUNT_NOT_FOUND: { retryable: false },
  MOUNT_CONFLICT: { retryable: false },
  KEYSPACE_NOT_FOUND: { retryable: false },
  TABLE_NOT_FOUND: { retryable: false },
  CELL_NOT_FOUND: { retryable: false },
  NO_TABLES: { retryable: false },
  NO_SOURCE_TABLET: { retryable: false },
  NO_VDIFF_TABLET: { retryable: false },
  WORKFLOW_EXISTS: { retryable: false },
  MIGRATION_EXISTS: { retryable: false },
  MIGRATION_NOT_FOUND: { retryable: false },
  NOTHING_TO_ADOPT: { retryable: false },
  NOT_ADOPTABLE: { retryable: false },
  NOT_REMOVABLE: { retryable: false },
  TARGET_TABLE_NOT_EMPTY: { retryable: false },
  TABLE_DENIED: { retryable: false },
  VSCHEMA_TABLE_MISSING: { retryable: false },
  VINDEX_UNUSABLE: { retryable: false },
  BACKTICK_TABLE_NAME: { retryable: false },
  CHECK_FAILED: { retryable: false },
  PREFLIGHT_REFUSED: { retryable: false },
  ACCESS_REFUSED: { retryable: false },
  TABLET_REFUSED: { retryable: false },
  DDL_REFUSED: { retryable: false },
  PAST_NO_RETURN: { retryable: false },
  BEING_CANCELLED: { retryable: false },
  NOTHING_TO_SKIP: { retryable: false },
  STREAMS_MISSING: { retryable: false },
  ROW_TOO_LONG: { retryable: false },
  FENCE_HOOK_FAILED: { retryable: false },
  CANNOT_LEAVE: { retryable: false },
  NO_PRIMARY: { retryable: true },
  TOPO_UNREACHABLE: { retryable: true },
  TABLET_UNREACHABLE: { retryable: true },
  VTGATE_UNREACHABLE: { retryable: true },
  TABLE_UNREADABLE: { retryable: true },
  TABLE_UNWRITABLE: { retryable: true },
  TABLET_CALL_FAILED: { retryable: true },
  LOCKED: { retryable: true },
  LOCK_LOST: { retryable: true },
  RECORD_CHANGED: { retryable: true },
  INTERNAL: { retryable: true },
} as const satisfies Record<string, { retryable: boolean }>;

export type ErrorCode = keyof typeof errorCodes;

/** Every code that a problem can have. */
export type ProblemCode = ErrorCode | GapCode | WarningCode | StreamCode;

/** Where a problem is, as far as that is known. */
export interface Place {
  cluster?: string;
  server?: string;
  cell?: string;
  keyspace?: string;
  shard?: string;
  tablet?: string;
  table?: string;
}

/** What a person reads: what is wrong, where, and what to do. Errors, gaps and warnings are all problems. */
export interface Problem<Code extends ProblemCode = ProblemCode> {
  code: Code;
  message: string;
  place: Place;
  remedy: string;
}

/** An error with a code from the table, a place and a remedy. */
export class MigrationError extends Error implements Problem<ErrorCode> {
  override readonly name = 'MigrationError';
  readonly what: string;

  constructor(
    readonly code: ErrorCode,
    what: string,
    readonly place: Place,
    readonly remedy: string,
    options?: { cause?: unknown },
  ) {
    super(describe(what, place, remedy), options);
    this.what = what;
  }

  get retryable(): boolean {
    return errorCodes[this.code].retryable;
  }

  /** The same as data, for payloads and lists. */
  toProblem(): Problem<ErrorCode> {
    return { code: this.code, message: this.what, place: this.place, remedy: this.remedy };
  }
}

/** `what (cluster ext1, keyspace load, shard 0): remedy` */
export function describe(what: string, place: Place, remedy: string): string {
  const where = describePlace(place);
  return `${what}${where === '' ? '' : ` (${where})`}${remedy === '' ? '' : `: ${remedy}`}`;
}

/** `cluster ext1, keyspace load, shard 0`, in that order, without what is not known. */
export function describePlace(place: Place): string {
  const order: (keyof Place)[] = ['cluster', 'server', 'cell', 'keyspace', 'shard', 'tablet', 'table'];
  return order.flatMap((key) => (place[key] === undefined ? [] : [`${key} ${place[key]}`])).join(', ');
}

/** One line for a Problem held as data. */
export function describeProblem(problem: Problem): string {
  return describe(problem.message, problem.place, problem.remedy);
}

/** True for a code of the table. */
export function isErrorCode(code: string | null | undefined): code is ErrorCode {
  return code !== null && code !== undefined && Object.hasOwn(errorCodes, code);
}
