import type { Problem } from '../problem/errors.js';
import type { StreamCode } from '../problem/shown-codes.js';
import { partsOf } from './stream-message.js';

/** A stream that does not do its work. */
export interface StreamProblem extends Problem<StreamCode> {
  kind: DiagnosisKind;
}

/**
 * What a stream's message means and what to do about it. Vitess gives its reasons only as text: this
 * table is the one place that reads it, and everything else goes by `kind`.
 */
export interface Diagnosis {
  kind: DiagnosisKind;
  remedy: string;
}

/** `person`: the stream needs a person before it can go on; `itself`: it goes on once the cause is gone. */
export const healedBy = {
  'no-tablet': 'itself',
  'source-unreachable': 'itself',
  'mysql-down': 'itself',
  throttled: 'itself',
  'vindex-not-found': 'person',
  'purged-binlogs': 'person',
  'duplicate-key': 'person',
  'schema-read-failed': 'person',
  'unreadable-json': 'person',
  'schema-mismatch': 'person',
  'stopped-at-ddl': 'person',
  'ddl-failed': 'person',
  unknown: 'itself',
} as const satisfies Record<string, 'itself' | 'person'>;
export type DiagnosisKind = keyof typeof healedBy;

/** One pattern of several. */
function anyOf(...patterns: RegExp[]): RegExp {
  return new RegExp(patterns.map(({ source }) => source).join('|'), 'i');
}

const table: { pattern: RegExp; diagnosis: Diagnosis }[] = [
  {
    pattern: anyOf(
      /error picking tablet/i,
      /no tablet available/i,
      /can't find any healthy source tablet/i,
      /no healthy tablets?/i,
      /has expired/i,
    ),
    diagnosis: {
      kind: 'no-tablet',
      remedy:
        'no healthy source tablet of the chosen types in the chosen cells: start one, or cancel and create again ' +
        'with -cells and -tablet_types that fit. The stream goes on by itself when a tablet is back',
    },
  },
  {
    pattern: /vindex \S+ not found|vschema.*vindex/i,
    diagnosis: {
      kind: 'vindex-not-found',
      remedy:
        'the source cluster does not know this vindex: ' +
        'add it to the VSchema of the source keyspace, then resume, or cancel',
    },
  },
  {
    pattern: anyOf(
      /purged required binary logs/i,
      /cannot replicate because the (source|master) purged/i,
      /errno 1236/i,
      /requested.*binlog.*(not found|missing)/i,
    ),
    diagnosis: {
      kind: 'purged-binlogs',
      remedy:
        'the source has deleted binary logs that this stream still needs, so it cannot catch up: ' +
        'cancel, raise binlog_expire_logs_seconds on the source, and create again',
    },
  },
  {
    pattern: /duplicate entry/i,
    diagnosis: {
      kind: 'duplicate-key',
      remedy:
        'the row is there already: the source has truncated or replaced the table, something else writes to the ' +
        'target tables, or a unique key is not unique across source shards. Remove the row from the target (after a ' +
        'TRUNCATE, remove all that the source has not), then resume, or cancel',
    },
  },
  {
    pattern: /unable to decode (object|array) elements/i,
    diagnosis: {
      kind: 'unreadable-json',
      remedy:
        'the source has written a JSON document that Vitess cannot read from the binary log, such as one with an ' +
        'empty key: let the table that has it leave (vtmigrate Migrate -tables <table> Leave), or cancel, and create ' +
        'again once such documents are gone and are not written any more',
    },
  },
  {
    pattern: /in Engine\.reload\(\)/,
    diagnosis: {
      kind: 'schema-read-failed',
      remedy:
        'the source tablet could not read its schema while it changed there: a table went away at that moment, of ' +
        'whatever migration. Resume it: it goes on from where it was',
    },
  },
  {
    pattern: anyOf(
      /unknown column/i,
      /table '[^']*' doesn't exist/i,
      /unknown table/i,
      /column count/i,
      /cannot find column/i,
      /cannot determine table columns/i,
      /doesn't have a default value/i,
      /incorrect .* value/i,
      /data too long/i,
      /out of range value/i,
    ),
    diagnosis: {
      kind: 'schema-mismatch',
      remedy: 'the definitions of the table differ between source and target: make them alike, then resume, or cancel',
    },
  },
  {
    pattern: /throttle/i,
    diagnosis: {
      kind: 'throttled',
      remedy:
        'the tablet throttler holds the stream back, usually because of replication lag: ' +
        'see vtctldclient CheckThrottler. The stream goes on by itself',
    },
  },
  {
    // MySQL closes the connection at a statement that is too long, and says nothing.
    pattern: /Write\(packet\) failed/,
    diagnosis: {
      kind: 'mysql-down',
      remedy:
        "the tablet's MySQL closed the connection in the middle of a statement: it is down, or a row is longer than " +
        'its max_allowed_packet, which the source allows: raise it there. The stream goes on by itself',
    },
  },
  {
    pattern: anyOf(
      /mysql\.sock/i,
      /errno 20(02|03|06|13)\b/i,
      /mysql server has gone away/i,
      /lost connection to mysql/i,
      /read-only option/i,
      /errno 1290/i,
      /no such file or directory/i,
    ),
    diagnosis: {
      kind: 'mysql-down',
      remedy:
        "the tablet's MySQL does not answer, or is read-only: start it, or promote another tablet. " +
        'The stream goes on by itself',
    },
  },
  {
    pattern: anyOf(
      /connection refused/i,
      /connection error/i,
      /unavailable/i,
      /transport is closing/i,
      /no route to host/i,
      /connection reset/i,
      /code = DeadlineExceeded/i,
      /EOF/i,
    ),
    diagnosis: {
      kind: 'source-unreachable',
      remedy:
        'the target tablet cannot reach the source tablet: check it and the network between them. ' +
        'The stream goes on by itself',
    },
  },
];
/** A statement of the source, with `onDdl` STOP: the stream's position is behind it. */
const stoppedAtDdl: Diagnosis = {
  kind: 'stopped-at-ddl',
  remedy:
    'the stream was to stop at DDL of the source (-on-ddl STOP). If the statement changes a table that is moved, ' +
    'make the same change on the target; no other one matters. Then resume, and the stream goes on after it',
};
/** A statement of the source, with `onDdl` EXEC. */
const ddlFailed: Diagnosis = {
  kind: 'ddl-failed',
  remedy:
    'a statement of the source fails on the target (-on-ddl EXEC). Remove the cause and resume, which runs it again. ' +
    'To skip it: vtctldclient Workflow --keyspace <target keyspace> update --workflow <workflow> --on-ddl IGNORE, ' +
    'resume, and once the stream runs the same with --on-ddl EXEC',
};

const unknown: Diagnosis = {
  kind: 'unknown',
  remedy: "Vitess says no more than this; the target tablet's log has the details",
};

/** Vitess retries a stream unless its state is Error. */
const ended =
  'Vitess has stopped retrying this stream: once the cause is gone, resume it (vtmigrate Workflow Start), or cancel';

/** Messages that are part of normal work. */
const harmless = /^(|for vdiff|for repair|paused by vtmigrate|picked source tablet:.*|stopped after copy\.?)$/is;

/** The diagnosis of a stream's state and message; undefined when both are normal. */
export function diagnose(state: string, message: string): Diagnosis | undefined {
  if (state !== 'Error' && harmless.test(message.trim())) return undefined;
  const diagnosis = diagnosisOf(message);
  return state === 'Error' ? { ...diagnosis, remedy: `${diagnosis.remedy}. ${ended}` } : diagnosis;
}

function diagnosisOf(message: string): Diagnosis {
  if (/^stopped at ddl /i.test(message)) return stoppedAtDdl;
  const { reason, ddl } = partsOf(message);
  const diagnosis = table.find(({ pattern }) => pattern.test(reason))?.diagnosis ?? unknown;
  // A DDL that Vitess runs by itself, such as adding keys after the copy, is not of an event.
  const ofEvent = ddl !== undefined && /error applying event/i.test(reason);
  return ofEvent && (diagnosis === unknown || healedBy[diagnosis.kind] === 'person') ? ddlFailed : diagnosis;
}

/** The remedy for a throttled stream. Vitess reports throttling in a field of its own, not in the message. */
export function throttledRemedy(): string {
  return table.find(({ diagnosis }) => diagnosis.kind === 'throttled')?.diagnosis.remedy ?? '';
}
