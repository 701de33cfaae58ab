import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { StreamProblem } from '../../src/migration/watch/diagnosis.js';
import type { Status } from '../../src/migration/lifecycle/status.js';
import type { Problem } from '../../src/migration/problem/errors.js';
import { Program, until } from '../support/lab/program.js';
import { emptyTarget, lab, mysqlOf, sourceMount as mount, sql, vtctldclient } from '../support/lab/lab.js';

/** What Vitess says when a stream stops, provoked; and what its remedy says, done. */
let program: Program;
const tables = ['stopping', 'stopping_too'];
const source = (statement: string) => sql('source', 'load', '0', statement);
const target = (statement: string) => sql('target', 'commerce', '0', statement);
const dropTables = () => source('drop table if exists stopping, stopping_too');
const reload = () => vtctldclient('source', 'ReloadSchemaShard', '--include-primary', 'load/0');
const vitess = (...action: string[]) => vtctldclient('target', 'Workflow', '--keyspace', 'commerce', ...action);

beforeAll(async () => {
  program = await Program.start();
});
beforeEach(async () => {
  await emptyTarget('commerce');
  await dropTables();
  for (const table of tables)
    await source(
      `create table ${table} (id int primary key, v varchar(20), n int); insert into ${table} values (1, 'a', 1)`,
    );
  await reload();
});
afterEach(() => program.settle());
afterAll(async () => {
  await program.stop();
  await dropTables();
  await emptyTarget('commerce');
});

async function replicating(): Promise<WorkflowHandle> {
  const handle = await program.migrate({ source: 'ext1.load', target: 'commerce.stops', tables, mount });
  await until(handle, ({ phase }) => phase === 'replicating');
  return handle;
}

const isOfStream = (problem: Problem | StreamProblem): problem is StreamProblem => 'kind' in problem;
const problemsOf = ({ problems }: Status) => problems.filter(isOfStream);
const says = (kind: StreamProblem['kind']) => (status: Status) => problemsOf(status).some((each) => each.kind === kind);
/** By its reason: the pause may have come while Vitess tried again, without the message. */
const isPausedFor =
  (kind: StreamProblem['kind']) =>
  ({ phase, needsPerson }: Status) =>
    phase === 'paused' && (needsPerson?.reason ?? []).some((each) => isOfStream(each) && each.kind === kind);

/** The tables are the same on both sides again. */
async function goesOn(names = tables): Promise<void> {
  await source(`insert into ${names[0] ?? ''} (id) values (99)`);
  const rows = (side: typeof source) => Promise.all(names.map((name) => side(`select * from ${name} order by id`)));
  const expected = await rows(source);
  await expect.poll(() => rows(target), { timeout: 120_000 }).toEqual(expected);
}

describe('a person mends the target and resumes', () => {
  const cases: {
    what: string;
    kind: StreamProblem['kind'];
    stop: () => Promise<unknown>;
    mend: () => Promise<unknown>;
  }[] = [
    {
      what: 'a CHECK that only the target has',
      kind: 'schema-mismatch',
      stop: async () => {
        await target('alter table stopping add constraint small check (n < 10)');
        await source("insert into stopping values (2, 'b', 20)");
      },
      mend: () => target('alter table stopping drop check small'),
    },
    {
      what: 'a column that must have a value there',
      kind: 'schema-mismatch',
      stop: async () => {
        await target('alter table stopping modify n int not null');
        await source("insert into stopping values (2, 'b', null)");
      },
      mend: () => target('alter table stopping modify n int'),
    },
    {
      what: 'a foreign key to a row that is not there',
      kind: 'foreign-key',
      stop: async () => {
        await target('alter table stopping add constraint of_too foreign key (n) references stopping_too (id)');
        await source("insert into stopping values (2, 'b', 20)");
      },
      mend: () => target('alter table stopping drop foreign key of_too'),
    },
    {
      what: 'a column that only the source has',
      kind: 'schema-mismatch',
      stop: async () => {
        await source('alter table stopping add column more int');
        await reload();
        await source("insert into stopping values (2, 'b', 20, 1)");
      },
      mend: () => target('alter table stopping add column more int'),
    },
    {
      what: 'a right that the tablet has lost',
      kind: 'target-permissions',
      stop: async () => {
        await vitess('stop', '--workflow', 'stops');
        // A connection keeps the rights that it had when it was made.
        const admin = await mysqlOf('target', 'commerce', '0');
        grantBack = async () => {
          await admin.query(`grant delete on *.* to ${lab.mysqlAccount.user} with grant option`);
          await admin.end();
          grantBack = () => Promise.resolve();
        };
        await admin.query(`revoke delete on *.* from ${lab.mysqlAccount.user}`);
        await source('delete from stopping');
        await vitess('start', '--workflow', 'stops');
      },
      mend: () => grantBack(),
    },
  ];
  let grantBack = () => Promise.resolve();
  afterEach(() => grantBack());

  test.each(cases)('$kind: $what', async ({ kind, stop, mend }) => {
    const handle = await replicating();
    await stop();
    await until(handle, isPausedFor(kind));
    await mend();
    expect(await program.cli('Workflow', 'Start', 'commerce.stops')).toMatchObject({ code: 0 });
    await goesOn();
  });
});

/**
 * The source's own cluster changes, as the tablets of streams are told: a row of this table, which `Reshard` and
 * `MoveTables` write when they switch traffic.
 */
async function journal(id: number, change: string): Promise<void> {
  const participants = 'participants:{keyspace:"load" shard:"0"}';
  const connection = await mysqlOf('source', 'load', '0');
  await connection.query('insert into _vt.resharding_journal (id, db_name, val) values (?, database(), ?)', [
    id,
    `id:${id} ${change} ${participants}`,
  ]);
  await connection.query('delete from _vt.resharding_journal');
  await connection.end();
}

async function sourcePosition(): Promise<string> {
  const [row] = await source("select replace(@@global.gtid_executed, '\\n', '') as position");
  return `MySQL56/${String(row?.['position'])}`;
}

describe('the table leaves', () => {
  test.each<{ what: string; kind: StreamProblem['kind']; stop: () => Promise<unknown> }>([
    {
      what: 'rows without all their columns',
      kind: 'partial-row-image',
      stop: () => source("set session binlog_row_image = 'MINIMAL'; update stopping set v = 'z'"),
    },
    {
      what: 'a definition that changed before the stream came to its rows',
      kind: 'source-changed',
      stop: async () => {
        await vitess('stop', '--workflow', 'stops');
        await source("insert into stopping values (2, 'b', 2); alter table stopping drop column n");
        await reload();
        await vitess('start', '--workflow', 'stops');
      },
    },
    {
      what: 'a table that was moved to another keyspace of its cluster',
      kind: 'tables-moved',
      stop: async () => {
        const to = `shard_gtids:{keyspace:"other" shard:"0" gtid:"${await sourcePosition()}"}`;
        await journal(1, `migration_type:TABLES tables:"stopping" ${to}`);
      },
    },
    {
      what: 'a table that was dropped before the stream came to its rows',
      kind: 'source-changed',
      stop: async () => {
        await vitess('stop', '--workflow', 'stops');
        await source("insert into stopping values (2, 'b', 2); drop table stopping");
        await reload();
        await vitess('start', '--workflow', 'stops');
      },
    },
  ])('$kind: $what', async ({ kind, stop }) => {
    const handle = await replicating();
    await stop();
    await until(handle, isPausedFor(kind));
    const left = await program.cli('Migrate', '-tables', 'stopping', 'Leave', 'commerce.stops');
    expect(left).toMatchObject({ code: 0 });
    await goesOn(['stopping_too']);
  });
});

describe('it has to be cancelled', () => {
  test.each<{ what: string; kind: StreamProblem['kind']; stop: () => Promise<unknown> }>([
    {
      what: 'a statement in the binary log, without its rows',
      kind: 'statement-binlog',
      stop: () => source("set session binlog_format = 'STATEMENT'; insert into stopping values (2, 'b', 2)"),
    },
    {
      what: 'binary logs that no tablet has any more, after Vitess has tried them',
      kind: 'purged-binlogs',
      stop: async () => {
        await vitess('stop', '--workflow', 'stops');
        await source(
          "insert into stopping values (2, 'b', 2); flush binary logs; insert into stopping values (3, 'c', 3)",
        );
        await source('flush binary logs');
        const [log] = await source('show binary log status');
        await source(`purge binary logs to '${String(log?.['File'])}'`);
        await vitess('start', '--workflow', 'stops');
      },
    },
    {
      what: 'a source that was resharded',
      kind: 'resharded',
      stop: async () => {
        const gtid = await sourcePosition();
        const shards = ['-80', '80-'].map((shard) => `shard_gtids:{keyspace:"load" shard:"${shard}" gtid:"${gtid}"}`);
        await journal(2, `migration_type:SHARDS ${shards.join(' ')}`);
      },
    },
    {
      what: 'tables that were all moved to another keyspace of their cluster',
      kind: 'resharded',
      stop: async () => {
        const moved = tables.map((table) => `tables:"${table}"`).join(' ');
        const to = `shard_gtids:{keyspace:"other" shard:"0" gtid:"${await sourcePosition()}"}`;
        await journal(3, `migration_type:TABLES ${moved} ${to}`);
      },
    },
    {
      what: 'a source of which only one shard of two was resharded',
      kind: 'resharded',
      stop: async () => {
        const to = `shard_gtids:{keyspace:"load" shard:"-40" gtid:"${await sourcePosition()}"}`;
        await journal(4, `migration_type:SHARDS ${to} participants:{keyspace:"load" shard:"80-"}`);
      },
    },
  ])('$kind: $what', async ({ kind, stop }) => {
    const handle = await replicating();
    await stop();
    await until(handle, isPausedFor(kind));
    expect(await program.cli('Migrate', 'Cancel', 'commerce.stops')).toMatchObject({ code: 0 });
  });
});

describe('it goes on by itself', () => {
  test('row-locked: another session holds the row for a while', async () => {
    const handle = await replicating();
    const [before] = await target('select @@global.innodb_lock_wait_timeout as seconds');
    await target('set global innodb_lock_wait_timeout = 1');
    try {
      await vitess('stop', '--workflow', 'stops');
      const held = target("begin; update stopping set v = 'held' where id = 1; do sleep(8); rollback");
      await source("update stopping set v = 'new' where id = 1");
      await vitess('start', '--workflow', 'stops');
      const seen = await until(handle, says('row-locked'));
      expect(problemsOf(seen)[0]?.healer).toBe('vitess');
      await held;
      await goesOn();
    } finally {
      await target(`set global innodb_lock_wait_timeout = ${String(before?.['seconds'])}`);
    }
  });

  test('disk-full: a table that MySQL cannot make longer, until it can', async () => {
    const handle = await replicating();
    await target('set session max_heap_table_size = 16384; alter table stopping engine = memory');
    await source(
      'set cte_max_recursion_depth = 5000; insert into stopping ' +
        "with recursive n as (select 100 as i union all select i + 1 from n where i < 5000) select i, 'x', i from n",
    );
    const seen = await until(handle, says('disk-full'));
    expect(problemsOf(seen)[0]?.healer).toBe('vitess');
    // This engine keeps what it had inserted of the transaction.
    await target(
      'lock tables stopping write; delete from stopping where id > 1; alter table stopping engine = innodb; unlock tables',
    );
    await goesOn();
  });

  test.each([
    { what: 'has stopped', row: "state = 'Stopped', message = 'for vdiff'" },
    { what: 'let run up to its snapshot', row: "stop_pos = pos, message = 'synchronizing for vdiff'" },
  ])('left-by-vdiff: streams that a VDiff $what, and that nobody started again', async ({ row }) => {
    const handle = await replicating();
    // As a VDiff has them when its tablet cannot start them.
    await vitess('stop', '--workflow', 'stops');
    await target(`update _vt.vreplication set ${row} where workflow = 'stops'`);
    const seen = await until(handle, ({ restarts }) => restarts !== null);
    expect(seen).toMatchObject({ phase: 'replicating', restarts: { count: 1 } });
    await goesOn();
  });

  test('binlog-row-image: Vitess gives up after its time, and the streams are started again', async () => {
    const handle = await replicating();
    const retries = 'vreplication-max-time-to-retry-on-error=2s';
    expect(await vitess('update', '--workflow', 'stops', '--config-overrides', retries)).toMatchObject({ code: 0 });
    await target("set global binlog_row_image = 'MINIMAL'");
    try {
      await vitess('stop', '--workflow', 'stops');
      await vitess('start', '--workflow', 'stops');
      const seen = await until(handle, ({ restarts }) => restarts !== null);
      expect(seen.phase).toBe('replicating');
    } finally {
      await target("set global binlog_row_image = 'FULL'");
    }
    await goesOn();
    const shown = await program.cli('Workflow', 'Show', 'commerce.stops');
    expect(shown.stdout).toMatch(/^Streams started again: \d+ times?, last /m);
  });
});
