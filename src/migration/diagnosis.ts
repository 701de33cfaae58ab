/**
 * What a stream's message means and what to do about it. Vitess gives its reasons as
 * text only, so this table is the one place that reads it; everything else goes by `kind`.
 */
export interface Diagnosis {
  kind: 'no-tablet' | 'vindex-not-found' | 'source-unreachable' | 'purged-binlogs' | 'duplicate-key' | 'schema-mismatch' | 'unknown';
  remedy: string;
}

const table: { pattern: RegExp; diagnosis: Diagnosis }[] = [
  {
    pattern: /error picking tablet|no tablet available|can't find any healthy source tablet|no healthy tablets?|has expired/i,
    diagnosis: { kind: 'no-tablet', remedy: 'no healthy source tablet of the chosen types in the chosen cells: start one, or cancel and create again with -cells and -tablet_types that fit. The stream goes on by itself when a tablet is back' },
  },
  {
    pattern: /vindex \S+ not found|vschema.*vindex/i,
    diagnosis: { kind: 'vindex-not-found', remedy: 'the source cluster does not know this vindex: add it to the VSchema of the source keyspace, or cancel' },
  },
  {
    pattern: /purged required binary logs|cannot replicate because the (source|master) purged|errno 1236|requested.*binlog.*(not found|missing)/i,
    diagnosis: { kind: 'purged-binlogs', remedy: 'the source has deleted binary logs this stream still needs; it cannot catch up. Cancel, lengthen binlog_expire_logs_seconds on the source, and create again' },
  },
  {
    pattern: /connection refused|connection error|unavailable|transport is closing|no route to host|connection reset|code = DeadlineExceeded|EOF/i,
    diagnosis: { kind: 'source-unreachable', remedy: 'the source tablet cannot be reached from the target tablet: check it and the network between them. The stream goes on by itself' },
  },
  {
    pattern: /duplicate entry/i,
    diagnosis: { kind: 'duplicate-key', remedy: 'a row is already there: something else writes to the target tables, or a unique key is not unique across source shards. Take the row out of the target, or cancel' },
  },
  {
    pattern: /unknown column|doesn't exist|column count|cannot find column|doesn't have a default value|incorrect .* value/i,
    diagnosis: { kind: 'schema-mismatch', remedy: 'the definitions of the table differ between source and target: make them alike, or cancel' },
  },
];

const unknown: Diagnosis = { kind: 'unknown', remedy: "Vitess says no more than this; the target tablet's log has the details" };

/** Vitess tries a stream again unless it has given it the state Error. */
const ended = 'Vitess has ended this stream: once the cause is gone, start it again with vtctldclient Workflow start, or cancel';

/** Messages that are part of normal work. */
const harmless = /^(|for vdiff|picked source tablet:.*|stopped after copy\.?)$/is;

/** `undefined` when the message is nothing to worry about. */
export function diagnose(state: string, message: string): Diagnosis | undefined {
  if (state !== 'Error' && harmless.test(message.trim())) return undefined;
  const diagnosis = table.find(({ pattern }) => pattern.test(message))?.diagnosis ?? unknown;
  return state === 'Error' ? { ...diagnosis, remedy: `${diagnosis.remedy}. ${ended}` } : diagnosis;
}
