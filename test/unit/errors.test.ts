import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { stopIfCancelled, toFailure, withFailures } from '../../src/activities/step/failure.js';
import { diagnose, problemOf, problemToHeal, type StreamProblem } from '../../src/migration/watch/diagnosis.js';
import { withoutSecrets } from '../../src/migration/watch/stream-message.js';
import {
  describePlace,
  describeProblem,
  errorCodes,
  isErrorCode,
  MigrationError,
  type ErrorCode,
} from '../../src/migration/problem/errors.js';
import { ObserveBackoff } from '../../src/workflows/observe-backoff.js';

describe('an error', () => {
  const error = new MigrationError(
    'LOCKED',
    'the keyspace is locked',
    { keyspace: 'load', cluster: 'ext1', shard: '0' },
    'wait, or remove the lock',
  );

  it('reads: what, where, what to do', () => {
    expect(error.message).toBe(
      'the keyspace is locked (cluster ext1, keyspace load, shard 0): wait, or remove the lock',
    );
    expect(describeProblem(error.toProblem())).toBe(error.message);
    expect(error.toProblem()).toEqual({
      code: 'LOCKED',
      message: 'the keyspace is locked',
      place: error.place,
      remedy: 'wait, or remove the lock',
    });
  });

  it('leaves out what is not known', () => {
    expect(new MigrationError('NO_TABLES', 'no table', {}, '').message).toBe('no table');
    expect(describePlace({ table: 't', tablet: 'zone1-1', cell: 'c', server: 's:1' })).toBe(
      'server s:1, cell c, tablet zone1-1, table t',
    );
  });

  it('is told by its code', () => {
    expect(isErrorCode('LOCKED')).toBe(true);
    for (const code of ['locked', 'toString', 'Error', '', null, undefined]) expect(isErrorCode(code)).toBe(false);
  });
});

describe('how an error leaves an activity', () => {
  it.each(Object.keys(errorCodes) as ErrorCode[])(
    '%s: with its code, its Problem, and its own word on trying again',
    (code) => {
      const cause = new Error('why');
      const error = new MigrationError(code, 'what', { table: 't' }, 'do', { cause });
      const failure = toFailure(error);
      expect(failure).toBeInstanceOf(ApplicationFailure);
      expect(failure).toMatchObject({
        message: 'what (table t): do',
        type: code,
        nonRetryable: !errorCodes[code].retryable,
        details: [error.toProblem()],
        cause,
      });
    },
  );

  it('other errors leave as they are', () => {
    const bug = new TypeError('x is undefined');
    expect(toFailure(bug)).toBe(bug);
    const cancelled = new CancelledFailure('stop');
    expect(toFailure(cancelled)).toBe(cancelled);
  });

  it('every function of a set is wrapped, and keeps its arguments and its answer', async () => {
    const steps = withFailures({
      add: (a: number, b: number) => Promise.resolve(a + b),
      fail: () => Promise.reject(new MigrationError('LOCKED', 'locked', {}, '')),
    });
    expect(await steps.add(1, 2)).toBe(3);
    await expect(steps.fail()).rejects.toMatchObject({ type: 'LOCKED', nonRetryable: false });
  });

  it('a cancelled activity stops before its next effect', () => {
    const controller = new AbortController();
    expect(() => stopIfCancelled(controller.signal)).not.toThrow();
    controller.abort();
    expect(() => stopIfCancelled(controller.signal)).toThrow(CancelledFailure);
  });
});

describe('what a message of a stream means', () => {
  it.each([
    ['Error picking tablet: context has expired', 'no-tablet'],
    ["can't find any healthy source tablet for load/0", 'no-tablet'],
    ['vindex load.xxhash not found', 'vindex-not-found'],
    ['Cannot replicate because the source purged required binary logs', 'purged-binlogs'],
    ['(errno 1236) (sqlstate HY000) during replication', 'purged-binlogs'],
    [
      'rpc error: code = Unavailable desc = connection error: dial tcp 10.0.0.1:15999: connect: connection refused',
      'source-unreachable',
    ],
    ["Duplicate entry '1' for key 'corder.PRIMARY' (errno 1062)", 'duplicate-key'],
    [
      'Incorrect table definition; there can be only one auto column and it must be defined as a key (errno 1075) (sqlstate 42000) during query: alter table vt_commerce.booking drop key by_id',
      'key-needed',
    ],
    [
      "Cannot drop index 'depot_state': needed in a foreign key constraint (errno 1553) (sqlstate HY000) during query: alter table vt_commerce.parcel drop key depot_state",
      'key-needed',
    ],
    ["Unknown column 'x' in 'field list'", 'schema-mismatch'],
    ["Table 'vt_load.t' doesn't exist", 'schema-mismatch'],
    [
      'vttablet: rpc error: code = Unknown desc = uncaught panic: unable to decode object elements: [0 1 0 11 0 11 0 0 0 4 1 0]',
      'unreadable-json',
    ],
    [
      'vttablet: rpc error: code = Unknown desc = stream (at source tablet) error @ (including the GTID we failed to process) dac642d7-ec04-11f1-925a-02fc00000001:1-102: could not map [NULL] to a keyspace id, got destination DestinationNone()',
      'no-keyspace-id',
    ],
    [
      'vttablet: rpc error: code = Unknown desc = could not map [VARCHAR("out of range value")] to a keyspace id, got destination DestinationNone()',
      'no-keyspace-id',
    ],
    [
      "terminal error: vttablet: rpc error: code = Unknown desc = stream (at source tablet) error @ (including the GTID we failed to process) x:1-76: in Engine.reload(), reading table report_old: in Mysqld.GetColumns(): Table 'vt_load.report_old' doesn't exist (errno 1146) (sqlstate 42S02)",
      'schema-read-failed',
    ],
    ["terminal error: error applying event: Table 'vt_commerce.t' doesn't exist (errno 1146)", 'schema-mismatch'],
    ['Stopped at DDL drop user reporter', 'stopped-at-ddl'],
    ['Stopped at DDL CREATE TRIGGER throttled_ins BEFORE INSERT ON t FOR EACH ROW SET NEW.id = 1', 'stopped-at-ddl'],
    [
      "terminal error: error applying event: Table 'vt_commerce.side_a' doesn't exist (errno 1146) (sqlstate 42S02) " +
        'during query: CREATE DEFINER=`vt_lab`@`%` trigger side_a_ins before insert on side_a for each row set new.id = 1',
      'ddl-failed',
    ],
    [
      'error applying event while processing position ba645235-eb98-11f1-beaf-02fc00000001:1-170: ' +
        "Operation CREATE USER failed for 'a'@'%' (errno 1396) (sqlstate HY000) during query: CREATE USER a IDENTIFIED",
      'ddl-failed',
    ],
    ['error applying event: Lost connection to MySQL (errno 2013) during query: alter table t add c int', 'mysql-down'],
    [
      "Duplicate entry '1' for key 't.u' (errno 1062) during query: alter table t add unique key u (v)",
      'duplicate-key',
    ],
    ["error applying event: Duplicate entry '1' (errno 1062) during query: insert into t values (1)", 'duplicate-key'],
    [
      'error applying event for table pv while processing position c32c2399-ec04-11f1-8bc2-02fc00000001:1-39: binary ' +
        'log event missing a needed value for pv.id due to not using binlog-row-image=FULL; you will need to re-run the ' +
        'workflow with binlog-row-image=FULL',
      'partial-row-image',
    ],
    [
      'error applying event while processing position x:1-49: filter rules are not supported for SBR replication: ' +
        '[match:"pv" filter:"select * from pv"]',
      'statement-binlog',
    ],
    ["error applying event: Check constraint 'pvc' is violated. (errno 3819) (sqlstate HY000)", 'schema-mismatch'],
    ["terminal error: error applying event: Column 'n' cannot be null (errno 1048)", 'schema-mismatch'],
    ['minimal binlog_row_image is not supported by Vitess VReplication', 'binlog-row-image'],
    [
      'error applying event for table pv while processing position x:1-73: failed to build replication plan for pv ' +
        "table: primary key column &{id   int int true false} not found in table's select filter or the TableMap event " +
        'within the GTID',
      'source-changed',
    ],
    [
      'stream (at source tablet) error @ (including the GTID we failed to process) x:1-88: cannot determine table ' +
        'columns for pv: event has [3 15 3], schema has [name:"id" type:INT32]',
      'source-changed',
    ],
    ['unknown table pv in schema\nfailed to build table replication plan for table pv', 'source-changed'],
    [
      'error applying event: Cannot add or update a child row: a foreign key constraint fails (`vt_commerce`.`pv`, ' +
        'CONSTRAINT `pvf` FOREIGN KEY (`n`) REFERENCES `pp` (`id`)) (errno 1452) (sqlstate 23000)',
      'foreign-key',
    ],
    ["error applying event: The table 'pv' is full (errno 1114) (sqlstate HY000)", 'disk-full'],
    ['Lock wait timeout exceeded; try restarting transaction (errno 1205)', 'row-locked'],
    ['relay log I/O stalled: progress stalled; vplayer was unable to replicate the transaction', 'stalled'],
    ["INSERT command denied to user 'vt_filtered'@'localhost' for table 'pv' (errno 1142)", 'target-permissions'],
    ['GTIDSet Mismatch: requested source position:x, current target vrep position: y', 'source-behind'],
    ['There is nothing to replicate', 'nothing-to-copy'],
    ['unable to handle journal event: tables were partially matched', 'tables-moved'],
    ['cannot redirect on journal: not all sources are present in this workflow: missing load:80-', 'resharded'],
    ['rpc error: code = Unknown desc = operation not allowed in state NOT_SERVING', 'source-unreachable'],
    ['panic: runtime error: index out of range', 'panic'],
    ['something nobody has seen', 'unknown'],
  ])('%s', (message, kind) => {
    const diagnosis = diagnose('Copying', message);
    expect(diagnosis?.kind).toBe(kind);
    expect(diagnosis?.remedy).not.toBe('');
  });

  const bare = { code: 'STREAM_IN_TROUBLE' as const, message: 'stream 1: x', place: {} };
  const healed = (message: string, state: string, seconds = 0) => {
    const diagnosis = diagnose(state, message);
    if (diagnosis === undefined) throw new Error('no diagnosis');
    return problemOf(bare, diagnosis, state, seconds);
  };

  it.each([
    {
      what: 'Vitess tries again',
      message: 'connection refused',
      state: 'Running',
      healer: 'vitess',
      says: /by itself$/,
    },
    {
      what: 'Vitess has given up something that goes away by itself',
      message: 'terminal error: connection refused',
      state: 'Error',
      healer: 'program',
      says: /it is started again by itself$/,
    },
    { what: 'nothing else helps', message: 'Duplicate entry', state: 'Running', healer: 'person', says: /or cancel$/ },
    {
      what: 'Vitess has given up something unknown',
      message: 'terminal error: never seen',
      state: 'Error',
      healer: 'person',
      says: /resume it \(vtmigrate Workflow Start\), or cancel$/,
    },
    {
      what: 'another tablet may have the logs',
      message: 'errno 1236',
      state: 'Running',
      healer: 'vitess',
      says: /first/,
    },
  ])('$healer, where $what', ({ message, state, healer, says }) => {
    expect(healed(message, state)).toMatchObject({ healer, remedy: expect.stringMatching(says) as string });
  });

  it('a person is called once Vitess has tried all tablets for the logs', () => {
    expect(healed('errno 1236', 'Running', 29).healer).toBe('vitess');
    expect(healed('errno 1236', 'Running', 30).healer).toBe('person');
  });

  it('what an earlier version has observed means what it meant', () => {
    const old = (kind: StreamProblem['kind']) => [{ ...bare, kind, remedy: '' }];
    expect(problemToHeal(old('unknown'))).toBeUndefined();
    expect(problemToHeal(old('no-tablet'))).toBeUndefined();
    expect(problemToHeal(old('purged-binlogs'))).toBeDefined();
    expect(problemToHeal(old('schema-read-failed'))).toBeDefined();
  });

  it('a connection that breaks in the middle of a write may be a row that is too long', () => {
    const message =
      'task error: failed inserting rows: conn 3838: Write(packet) failed: write unix @->/vt/mysql.sock: write: ' +
      "broken pipe (errno 2006) (sqlstate HY000) during query: insert into pk(id,b) values (1,_binary'x";
    expect(diagnose('Copying', message)).toMatchObject({
      kind: 'mysql-down',
      remedy: expect.stringMatching(/a row is longer than its max_allowed_packet/) as string,
    });
  });

  it.each(['', '  ', 'for vdiff', 'Picked source tablet: ext-100', 'Stopped after copy.'])(
    '%j is part of normal work',
    (message) => {
      expect(diagnose('Running', message)).toBeUndefined();
    },
  );

  it('no remedy asks to make definitions alike where a DDL of the source fails', () => {
    const message = "error applying event: Table 'vt_commerce.side_a' doesn't exist during query: create trigger x";
    expect(diagnose('Error', message)?.remedy).not.toMatch(/alike/);
    expect(diagnose('Error', message)?.remedy).toMatch(/--on-ddl IGNORE/);
  });

  it('the state Error is trouble whatever it says', () => {
    expect(diagnose('Error', '')?.kind).toBe('unknown');
    expect(diagnose('Error', 'for vdiff')?.kind).toBe('unknown');
  });
});

describe('what is kept of a message of a stream', () => {
  const hash = "AS '$A$00A$+ mM-9fgLJKNpjAwIaQmRt2fQMMJvmDBjoYG0yq3Msfg0tysnA'";
  const account = "CREATE USER 'reporter'@'%' IDENTIFIED";
  it.each([
    ['', ''],
    ["Duplicate entry '1' during query: insert into t values (1, 'a row')", "Duplicate entry '1'"],
    ["Duplicate entry '1' during query: update t set v = 'during query: create'", "Duplicate entry '1'"],
    ['it fails during query: create trigger x', 'it fails during query: create trigger x'],
    [`Stopped at DDL ${account} WITH 'caching_sha2_password' ${hash}`, `Stopped at DDL ${account} …`],
    [`it fails during query: ${account} BY 'x' ${hash}`, `it fails during query: ${account} …`],
    [`Stopped at DDL alter user a identified by 'x', b identified by 'y'`, 'Stopped at DDL alter user a identified …'],
    [
      "Stopped at DDL create server s foreign data wrapper mysql options (password 'x')",
      'Stopped at DDL create server s …',
    ],
    ['Stopped at DDL drop user reporter', 'Stopped at DDL drop user reporter'],
    [`Stopped at DDL create trigger ${'x'.repeat(1_000)}`, `Stopped at DDL create trigger ${'x'.repeat(370)}…`],
  ])('%s', (message, kept) => {
    expect(withoutSecrets(message)).toBe(kept);
  });
});

describe('the pace', () => {
  it('waits longer and longer while nothing changes, up to a day', () => {
    const backoff = new ObserveBackoff({ quietSeconds: 10, changes: 0 });
    expect(backoff.next(1_000)).toEqual({ minSeconds: 0, maxSeconds: 10 });
    const waits = Array.from({ length: 60 }, () => {
      backoff.recorded(false, 1_000);
      return backoff.next(1_000).maxSeconds;
    });
    expect(waits.slice(0, 2)).toEqual([12.5, 15.625]);
    expect(waits.every((wait, i) => i === 0 || wait >= (waits[i - 1] ?? 0))).toBe(true);
    expect(waits.at(-1)).toBe(86_400);
  });

  it('records fifty changes at once, and then slower and slower, up to two hours', () => {
    const backoff = new ObserveBackoff({ quietSeconds: 10, changes: 0 });
    const change = (times: number) => {
      for (let i = 0; i < times; i++) backoff.recorded(true, 1_000);
      return backoff.next(1_000);
    };
    expect(change(50).minSeconds).toBe(0);
    expect(change(1).minSeconds).toBeCloseTo(1.1, 10);
    expect(change(1).minSeconds).toBeCloseTo(1.21, 10);
    expect(change(1_000)).toEqual({ minSeconds: 7_200, maxSeconds: 7_200 });
  });

  it('counts a large record as several, so that the history grows alike in bytes', () => {
    const backoff = new ObserveBackoff({ quietSeconds: 10, changes: 0 });
    const bytesUntilSlow = 30_000 * Array.from({ length: 20 }, () => backoff.recorded(true, 30_000)).length;
    expect(bytesUntilSlow).toBe(600_000);
    expect(backoff.next(30_000)).toEqual({ minSeconds: 72_000, maxSeconds: 72_000 });
    expect(backoff.next(1_000).minSeconds).toBe(7_200);
  });
});
