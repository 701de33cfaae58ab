import { anyOf, type Diagnosis, type Trouble } from './trouble-kinds.js';

/** The streams read other sources now, as Vitess's journal of the change told them, or have stopped. */
export const resharded: Diagnosis = {
  kind: 'resharded',
  remedy:
    "the source was resharded, or the tables were moved to another keyspace, in the source's own cluster: cancel, " +
    'and create again from where they are now',
};

/** Vitess stops streams for a VDiff, and forgets them when it cannot start them afterwards. */
export const leftByVDiff: Diagnosis = {
  kind: 'left-by-vdiff',
  remedy: 'a VDiff has stopped it and has ended without starting it again: it is started by itself',
};

/** Troubles with tablets, servers and rights. The first that matches counts. */
export const serverTroubles: Trouble[] = [
  {
    pattern: anyOf(
      /error (picking tablet|creating tablet picker)/i,
      /no tablet available/i,
      /can't find any healthy source tablet/i,
      /no healthy tablets?/i,
      /has expired/i,
    ),
    diagnosis: {
      kind: 'no-tablet',
      remedy:
        'no healthy source tablet of the chosen types in the chosen cells: start one, or choose others with ' +
        'vtmigrate Workflow Update -cells … -tablet_types …. The stream goes on by itself when there is a tablet',
    },
  },
  {
    pattern: /GTIDSet Mismatch/i,
    diagnosis: {
      kind: 'source-behind',
      remedy:
        'the source tablet does not have what the stream has read from another one: it is behind, or has lost ' +
        'transactions. Vitess tries the other tablets of the shard. If none of them has it, cancel and create again',
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
        'the source tablet has deleted binary logs that this stream still needs. Vitess tries the other tablets of ' +
        'the shard first. If none has them: cancel, raise binlog_expire_logs_seconds on the source, and create again',
    },
  },
  {
    pattern: /binlog_row_image is not supported/i,
    diagnosis: {
      kind: 'binlog-row-image',
      remedy:
        "the MySQL of the stream's tablet, or of its source, has another binlog_row_image: set it to FULL there. " +
        'The stream goes on by itself',
    },
  },
  {
    pattern: anyOf(/errno (1021|1114)\b/i, /no space left on device/i, /disk full/i, /table .* is full/i),
    diagnosis: {
      kind: 'disk-full',
      remedy: "the disk of the tablet's MySQL is full: make room there. The stream goes on by itself",
    },
  },
  {
    pattern: anyOf(/errno (1205|1213)\b/i, /lock wait timeout/i, /deadlock found/i),
    diagnosis: {
      kind: 'row-locked',
      remedy:
        'another session of the target holds locks that the stream needs (SHOW PROCESSLIST has it): end it if it is ' +
        'in the way. The stream goes on by itself',
    },
  },
  {
    pattern: /progress stalled/i,
    diagnosis: {
      kind: 'stalled',
      remedy:
        "the target's MySQL takes too long for one transaction: look at its load and locks, and whether the table " +
        'has a key for these rows. Vitess gives a transaction five minutes. The stream goes on by itself',
    },
  },
  {
    pattern: anyOf(/errno (1044|1045|1142|1143|1227|1410)\b/i, /command denied to user/i, /access denied/i),
    diagnosis: {
      kind: 'target-permissions',
      remedy:
        'the user of the tablet may not do this in MySQL: grant what docs/security.md lists, then resume, or cancel',
    },
  },
  {
    pattern: /unable to handle journal event: tables were partially matched/i,
    diagnosis: {
      kind: 'tables-moved',
      remedy:
        "some of the tables were moved to another keyspace in the source's own cluster: let them leave " +
        '(vtmigrate Migrate -tables <table> Leave); the others go on',
    },
  },
  { pattern: /cannot redirect on journal/i, diagnosis: resharded },
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
    pattern: anyOf(/Write\(packet\) failed/, /errno 1153\b/i),
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
      /too many connections/i,
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
      /operation not allowed in state/i,
      /VStreamer is not open/i,
      /vstream ended/i,
      /failed to connect to database/i,
      /unexpected server EOF/i,
      /code = DeadlineExceeded/i,
      /\bEOF\b/,
    ),
    diagnosis: {
      kind: 'source-unreachable',
      remedy:
        'the target tablet cannot reach the source tablet: check it and the network between them. ' +
        'The stream goes on by itself',
    },
  },
  {
    pattern: /\bpanic: /i,
    diagnosis: {
      kind: 'panic',
      remedy:
        "a bug of Vitess: the target tablet's log has its stack. Vitess tries again; if that does not help, let the " +
        'table leave, or cancel',
    },
  },
];
