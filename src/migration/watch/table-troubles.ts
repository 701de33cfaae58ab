import { anyOf, type Diagnosis, type Trouble } from './trouble-kinds.js';

/** Troubles with tables, their rows and their definitions. The first that matches counts. */
export const tableTroubles: Trouble[] = [
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
    pattern: anyOf(/binary log event missing a needed value/i, /partial row image encountered/i),
    diagnosis: {
      kind: 'partial-row-image',
      remedy:
        'a session of the source has written rows with another binlog_row_image than FULL, of which columns are ' +
        'missing in the binary log: let the table leave (vtmigrate Migrate -tables <table> Leave), or cancel, and ' +
        'create again once nothing sets it any more',
    },
  },
  {
    pattern: anyOf(/not supported for SBR/i, /in row-based replication/i),
    diagnosis: {
      kind: 'statement-binlog',
      remedy:
        'a session of the source has written with another binlog_format than ROW, and the binary log has its ' +
        'statement, not its rows: cancel, and create again once nothing sets it any more',
    },
  },
  {
    pattern: anyOf(
      /not found in table's select filter or the TableMap event/i,
      /cannot determine table columns/i,
      /unknown table \S+ in schema/i,
    ),
    diagnosis: {
      kind: 'source-changed',
      remedy:
        'the source has changed or dropped the table since the rows were written that this stream has to read, and ' +
        'Vitess cannot read them with the definition of now: let the table leave (vtmigrate Migrate -tables <table> ' +
        'Leave), or cancel and create again',
    },
  },
  {
    pattern: /foreign key constraint fails/i,
    diagnosis: {
      kind: 'foreign-key',
      remedy:
        'a row refers to another one that the target does not have: something else has deleted it, or its table is ' +
        'not moved. Insert that row, or drop the foreign key on the target, then resume, or cancel',
    },
  },
  {
    pattern: /there is nothing to replicate/i,
    diagnosis: {
      kind: 'nothing-to-copy',
      remedy: 'another program has taken the rules out of this stream: cancel and create again',
    },
  },
  {
    // The second one is of the next try: Vitess writes down the keys before it drops them.
    pattern: anyOf(/errno (1075|1553|3750)\b/, /duplicate entry .* for key 'post_copy_action\./i),
    diagnosis: {
      kind: 'key-needed',
      remedy:
        'MySQL does not let the stream drop secondary keys of a table of the target for the time of the copy: an ' +
        'AUTO_INCREMENT column, a foreign key or sql_require_primary_key needs one. Let that table leave (vtmigrate ' +
        'Migrate -tables <table> Leave), or cancel, and create again with -defer-secondary-keys=false',
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
    pattern: /could not map .* to a keyspace id/i,
    diagnosis: {
      kind: 'no-keyspace-id',
      remedy:
        'a row of the source has a value to which the primary vindex of its table gives no keyspace ID, such as NULL ' +
        'or text with hash. While its table is being copied: change the row in the source, then resume. Later the ' +
        'change is in the binary log for good: let the table leave (vtmigrate Migrate -tables <table> Leave), or ' +
        'cancel, and create again with another vindex (xxhash takes every value)',
    },
  },
  {
    pattern: anyOf(/in Engine\.reload\(\)/, /failed to reload schema after DDL/i),
    diagnosis: {
      kind: 'schema-read-failed',
      remedy:
        'the source tablet could not read its schema while it changed there: a table went away at that moment, of ' +
        'whatever migration. It is started again, and goes on from where it was',
    },
  },
  {
    pattern: anyOf(
      /unknown column/i,
      /table '[^']*' doesn't exist/i,
      /unknown table/i,
      /table \S+ not found in schema/i,
      /column count/i,
      /cannot find column/i,
      /cannot be null/i,
      /check constraint .* is violated/i,
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
];

/** A statement of the source, with `onDdl` STOP: the stream's position is behind it. */
export const stoppedAtDdl: Diagnosis = {
  kind: 'stopped-at-ddl',
  remedy:
    'the stream was to stop at DDL of the source (-on-ddl STOP). If the statement changes a table that is moved, ' +
    'make the same change on the target; no other one matters. Then resume, and the stream goes on after it',
};
/** A statement of the source, with `onDdl` EXEC. */
export const ddlFailed: Diagnosis = {
  kind: 'ddl-failed',
  remedy:
    'a statement of the source fails on the target (-on-ddl EXEC). Remove the cause and resume, which runs it again. ' +
    'To skip it: vtctldclient Workflow --keyspace <target keyspace> update --workflow <workflow> --on-ddl IGNORE, ' +
    'resume, and once the stream runs the same with --on-ddl EXEC',
};
