import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { MigrateResult } from '../../src/migration/lifecycle/result.js';
import { Program, resultOf, until } from '../support/lab/program.js';
import { contentsOf } from '../support/lab/rows.js';
import {
  allowOnSource,
  emptyTarget,
  mysqlOf,
  sourceMount as mount,
  sql,
  tablesOf,
  vtctldclient,
  vtgateOf,
  type TargetKeyspace,
} from '../support/lab/lab.js';
import { Writers } from '../support/lab/writers.js';

type Completed = Extract<MigrateResult, { outcome: 'completed' }>;

/** Keys of this file's writers: the sample's own are far below. */
const firstKey = 50_000_000;
let program: Program;
let nextKey = firstKey;

/** Tables of this file alone may be renamed and dropped. */
const ownTables = ['spare', 'spare two'];

async function makeOwnTables(): Promise<void> {
  for (const table of ownTables) {
    await sql(
      'source',
      'load',
      '0',
      `drop table if exists \`${table}\`, \`_${table}_old\`; create table \`${table}\` (id bigint primary key, note varchar(40)); insert into \`${table}\` values (1, 'a'), (2, 'b'), (3, null)`,
    );
  }
  await vtctldclient('source', 'ReloadSchemaShard', '--include-primary', 'load/0');
}

/** Milliseconds. */
const patiently = { timeout: 300_000, interval: 500 };

async function deniedOnSource(): Promise<string[]> {
  const { stdout } = await vtctldclient('source', 'GetShard', 'load/0');
  const { shard } = JSON.parse(stdout) as { shard: { tablet_controls: { denied_tables: string[] }[] } };
  return shard.tablet_controls.flatMap((control) => control.denied_tables);
}

async function writers<T>(work: (writing: Writers) => Promise<T>): Promise<{ result: T; writing: Writers }> {
  const writing = new Writers(4, nextKey);
  nextKey += 1_000_000;
  try {
    const result = await work(writing);
    return { result, writing };
  } finally {
    await writing.stop();
  }
}

async function missingOnTarget(keyspace: TargetKeyspace, keys: readonly number[]): Promise<number[]> {
  const vtgate = await vtgateOf('target');
  const [rows] = await vtgate.query(`select id from ${keyspace}.customer where id >= ${firstKey}`);
  await vtgate.end();
  const present = new Set((rows as { id: number }[]).map(({ id }) => id));
  return keys.filter((key) => !present.has(key));
}

beforeAll(async () => {
  for (const keyspace of ['commerce', 'customer'] as const) await emptyTarget(keyspace);
  await makeOwnTables();
  await allowOnSource(['customer', ...ownTables]);
  program = await Program.start();
});
afterEach(async () => {
  await program.settle();
  await allowOnSource(['customer', ...ownTables]);
  await sql('source', 'load', '0', `delete from customer where id >= ${firstKey}`);
  for (const keyspace of ['commerce', 'customer'] as const) await emptyTarget(keyspace);
  await makeOwnTables();
});
afterAll(async () => {
  for (const table of ownTables)
    await sql('source', 'load', '0', `drop table if exists \`${table}\`, \`_${table}_old\``);
  await program.stop();
});

describe('fenceSource', () => {
  test.each(['commerce', 'customer'] as const)(
    'every acknowledged write of clients that never stop is on %s',
    async (keyspace) => {
      const { writing } = await writers(async (w) => {
        const handle = await program.migrate({
          source: 'ext1.load',
          target: `${keyspace}.fenced`,
          tables: ['customer'],
          mount,
          fenceSource: true,
        });
        await until(handle, (status) => status.phase === 'replicating');
        await handle.signal('complete');
        expect(await resultOf(handle)).toMatchObject({ outcome: 'completed', fenced: true });
        // They go on trying: nobody may get in after the end either.
        const after = w.acknowledged.length;
        await sleep(1_000);
        expect(w.acknowledged.length).toBe(after);
      });
      expect(writing.acknowledged.length).toBeGreaterThan(50);
      expect(await missingOnTarget(keyspace, writing.acknowledged)).toEqual([]);
      expect(await deniedOnSource()).toEqual(['customer']);
      console.log(`${keyspace}: ${writing.acknowledged.length} writes acknowledged, as many found`);
    },
  );

  test('a worker killed while the fence goes up: nothing is lost, nothing stays behind', async () => {
    const { writing } = await writers(async () => {
      const handle = await program.migrate({
        source: 'ext1.load',
        target: 'commerce.fenced',
        tables: ['customer'],
        mount,
        fenceSource: true,
      });
      await until(handle, (status) => status.phase === 'replicating');
      await handle.signal('complete');
      await sleep(2_000);
      await program.killWorker();
      await program.startWorker();
      expect(await resultOf(handle)).toMatchObject({ outcome: 'completed', fenced: true });
    });
    expect(await missingOnTarget('commerce', writing.acknowledged)).toEqual([]);
  });

  test('a transaction that does not end: the fence is taken down, writers go on, and Complete comes later', async () => {
    const handle = await program.migrate({
      source: 'ext1.load',
      target: 'commerce.fenced',
      tables: ['customer'],
      mount,
      fenceSource: true,
    });
    await until(handle, (status) => status.phase === 'replicating');
    const connection = await mysqlOf('source', 'load', '0');
    onTestFinished(() => connection.destroy());
    await connection.query("start transaction; update customer set name = 'held' where id = 1");
    await handle.signal('complete');
    const status = await until(handle, ({ missing }) => missing.length > 0);
    expect(status.missing).toMatchObject([
      {
        code: 'FENCE_DOWN',
        message: expect.stringMatching(/transactions that began before the fence are still open/) as string,
      },
    ]);
    // Complete comes again, with its fence, until the transaction has ended: writers get in between.
    await expect.poll(deniedOnSource, patiently).toEqual([]);
    const writer = await vtgateOf('source');
    const write = () => writer.query('update customer set name = name where id = 2').then(() => 'written', String);
    await expect.poll(write, patiently).toBe('written');
    await writer.end();
    await connection.query('commit');
    await connection.end();
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed', fenced: true });
    const vtgate = await vtgateOf('target');
    const [rows] = await vtgate.query('select name from commerce.customer where id = 1');
    await vtgate.end();
    expect(rows).toMatchObject([{ name: 'held' }]);
  });

  test('somebody who writes past Vitess is noticed, and Cancel takes the fence down', async () => {
    const enough = new AbortController();
    onTestFinished(() => enough.abort());
    const past = (async () => {
      while (!enough.signal.aborted) {
        await sql('source', 'load', '0', "update customer set name = concat('past', rand()) where id = 3").catch(
          () => undefined,
        );
        await sleep(50);
      }
    })();
    const handle = await program.migrate({
      source: 'ext1.load',
      target: 'commerce.fenced',
      tables: ['customer'],
      mount,
      fenceSource: true,
    });
    await until(handle, (status) => status.phase === 'replicating');
    await handle.signal('complete');
    const status = await until(handle, ({ missing }) => missing.length > 0);
    expect(status.missing).toMatchObject([
      {
        code: 'FENCE_DOWN',
        message: expect.stringMatching(/still written to, past the fence/) as string,
        place: { table: 'customer' },
      },
    ]);
    await handle.executeUpdate('cancel');
    enough.abort();
    await past;
    expect(await deniedOnSource()).toEqual([]);
  });
});

describe('without a fence', () => {
  test('status says whether the source still receives writes, and to which tables', async () => {
    const { result } = await writers(async () => {
      const handle = await program.migrate({
        source: 'ext1.load',
        target: 'commerce.open',
        tables: ['customer', 'product'],
        mount,
      });
      await until(handle, (status) => status.phase === 'replicating');
      await handle.signal('complete');
      return resultOf(handle);
    });
    expect((result as Completed).warnings).toMatchObject([
      { code: 'SOURCE_STILL_WRITTEN', message: expect.stringMatching(/: customer$/) as string },
    ]);
    expect(await deniedOnSource()).toEqual([]);
  });

  test('a quiet source is no promise', async () => {
    const handle = await program.migrate({
      source: 'ext1.load',
      target: 'commerce.open',
      tables: ['product'],
      mount,
      complete: 'auto',
    });
    expect(((await resultOf(handle)) as Completed).warnings).toMatchObject([{ code: 'SOURCE_NOT_FENCED' }]);
  });
});

describe('what Complete looks at again', () => {
  test('a VDiff that is too old is run once more', async () => {
    const handle = await program.migrate({
      source: 'ext1.load',
      target: 'commerce.old',
      tables: ['product'],
      mount,
      vdiffMaxAge: '2s',
    });
    const { vdiff } = await until(handle, (status) => status.phase === 'replicating');
    await sleep(3_000);
    await handle.signal('complete');
    const result = (await resultOf(handle)) as Completed;
    expect(result.vdiff?.state).toBe('completed');
    expect(result.vdiff?.uuid).not.toBe(vdiff?.uuid);
  });

  test('a definition changed in the source holds Complete back, with the difference, until the target has it too', async () => {
    const handle = await program.migrate({ source: 'ext1.load', target: 'commerce.drift', tables: ['spare'], mount });
    await until(handle, (status) => status.phase === 'replicating');
    await sql('source', 'load', '0', 'alter table spare add column extra int');
    await vtctldclient('source', 'ReloadSchemaShard', '--include-primary', 'load/0');
    await handle.signal('complete');
    const { missing } = await until(handle, (status) => status.missing.length > 0);
    expect(missing).toMatchObject([
      {
        code: 'SCHEMA_DRIFT',
        message: expect.stringMatching(/\n\+ +`extra` int/) as string,
        place: { table: 'spare' },
      },
    ]);
    await sql('target', 'commerce', '0', 'alter table spare add column extra int');
    await vtctldclient('target', 'ReloadSchemaShard', '--include-primary', 'commerce/0');
    await handle.signal('complete');
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed' });
    expect(await contentsOf('target', 'commerce', ['spare'])).toEqual(await contentsOf('source', 'load', ['spare']));
  });
});

describe("the source's tables", () => {
  test.each(['rename', 'drop'] as const)('%s, once the target serves', async (sourceTables) => {
    const before = await contentsOf('source', 'load', ownTables);
    const handle = await program.migrate({
      source: 'ext1.load',
      target: 'commerce.own',
      tables: ownTables,
      mount,
      complete: 'auto',
      sourceTables,
      fenceSource: sourceTables === 'drop',
    });
    expect(await resultOf(handle)).toMatchObject({
      outcome: 'completed',
      fenced: false,
      sourceTables: { done: sourceTables, kept: null },
    });
    const left = await tablesOf('source', 'load', '0');
    expect(left.filter((table) => table.includes('spare')).sort()).toEqual(
      sourceTables === 'rename' ? ['_spare two_old', '_spare_old'] : [],
    );
    expect(left).toContain('customer');
    expect(await contentsOf('target', 'commerce', ownTables)).toEqual(before);
    expect(await deniedOnSource()).toEqual([]);
  });

  test('are kept when a row was written after the target took over', async () => {
    const handle = await program.migrate({
      source: 'ext1.load',
      target: 'commerce.own',
      tables: ownTables,
      mount,
      complete: 'auto',
      sourceTables: 'drop',
      sourceTablesAfter: '15s',
    });
    const { retireAt } = await until(handle, (status) => status.phase === 'retiring');
    expect(Date.parse(retireAt ?? '')).toBeGreaterThan(Date.now());
    await sql('source', 'load', '0', "insert into spare values (4, 'too late')");
    const result = (await resultOf(handle)) as Completed;
    expect(result.sourceTables).toMatchObject({
      done: 'keep',
      kept: {
        code: 'SOURCE_KEPT',
        message: expect.stringMatching(/rows were written after the target took over.*spare/) as string,
      },
    });
    expect((await tablesOf('source', 'load', '0')).filter((table) => table.includes('spare'))).toEqual([
      'spare',
      'spare two',
    ]);
  });

  test('writes to other tables do not keep them', async () => {
    const { result } = await writers(async () =>
      resultOf(
        await program.migrate({
          source: 'ext1.load',
          target: 'commerce.own',
          tables: ownTables,
          mount,
          complete: 'auto',
          sourceTables: 'rename',
        }),
      ),
    );
    expect(result).toMatchObject({ sourceTables: { done: 'rename' } });
  });

  test('-keep_data while they wait calls it off; the command line says so', async () => {
    const handle = await program.migrate({ source: 'ext1.load', target: 'commerce.own', tables: ownTables, mount });
    await until(handle, (status) => status.phase === 'replicating');
    const completed = await program.cli(
      'Migrate',
      '-rename_tables',
      '-source_tables_after',
      '1h',
      'Complete',
      'commerce.own',
    );
    expect(completed).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /Completed commerce\.own[\s\S]*rename the tables of the source[\s\S]*-keep_data Complete/,
      ) as string,
    });
    const kept = await program.cli('Migrate', '-keep_data', 'Complete', 'commerce.own');
    expect(kept).toMatchObject({ code: 0, stdout: expect.stringMatching(/ext1 keeps its tables/) as string });
    expect((await tablesOf('source', 'load', '0')).filter((table) => table.includes('spare'))).toEqual([
      'spare',
      'spare two',
    ]);
  });

  test('a worker killed while they are dropped: another one finishes', async () => {
    const handle = await program.migrate({
      source: 'ext1.load',
      target: 'commerce.own',
      tables: ownTables,
      mount,
      complete: 'auto',
      sourceTables: 'drop',
    });
    await until(handle, (status) => status.phase === 'retiring' || status.phase === 'completed');
    await sleep(300);
    await program.killWorker();
    await program.startWorker();
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed', sourceTables: { done: 'drop' } });
    expect((await tablesOf('source', 'load', '0')).filter((table) => table.includes('spare'))).toEqual([]);
  });
});

describe('pause and resume', () => {
  test('streams stop and start, while copying and while replicating; Complete is remembered', async () => {
    const handle = await program.migrate({
      source: 'ext1.load',
      target: 'commerce.pausing',
      tables: ['corder', 'customer'],
      mount,
    });
    await until(handle, (status) => status.phase === 'copying');
    // The message of a stream that has just been made, which is no trouble.
    const picked = 'Picked source tablet: cell:"ext" uid:100';
    await sql('target', 'commerce', '0', `update _vt.vreplication set message = '${picked}'`);
    expect(await handle.executeUpdate('pause')).toEqual({ outcome: 'paused' });
    const paused = await until(
      handle,
      (status) =>
        status.phase === 'paused' &&
        status.streams.length > 0 &&
        status.streams.every((stream) => stream.state === 'Stopped'),
    );
    expect(paused.problems).toEqual([]);
    const shown = await program.cli('Workflow', 'Show', 'commerce.pausing');
    expect(shown.stdout).toMatch(/Status: Stopped\..*paused by vtmigrate[\s\S]*Waiting for: resume, or cancel/);
    await handle.signal('complete');
    expect(await program.cli('Workflow', 'Start', 'commerce.pausing')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Resumed/) as string,
    });
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed' });
    expect(await contentsOf('target', 'commerce', ['corder', 'customer'])).toEqual(
      await contentsOf('source', 'load', ['corder', 'customer']),
    );
  });

  test('a stream that needs a person pauses the migration, and goes on after resume', async () => {
    const handle = await program.migrate({ source: 'ext1.load', target: 'commerce.stuck', tables: ['spare'], mount });
    await until(handle, (status) => status.phase === 'replicating');
    await sql('target', 'commerce', '0', "insert into spare values (9, 'in the way')");
    await sql('source', 'load', '0', "insert into spare values (9, 'a secret of 9')");
    const status = await until(handle, ({ phase }) => phase === 'paused');
    expect(status.problems).toMatchObject([{ code: 'STREAM_IN_TROUBLE', kind: 'duplicate-key' }]);
    expect(status.waitingFor[0]).toMatch(/^a person: .*then resume, or cancel/);
    // The statement Vitess shows has the application's rows in it.
    expect(JSON.stringify(status)).not.toContain('a secret of 9');
    await sql('target', 'commerce', '0', 'delete from spare where id = 9');
    await handle.executeUpdate('resume');
    await handle.signal('complete');
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed' });
    expect(await contentsOf('target', 'commerce', ['spare'])).toEqual(await contentsOf('source', 'load', ['spare']));
  });
});
