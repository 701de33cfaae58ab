import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { emptyTarget, mysqlOf, sourceMount as mount, sql, targets, type TargetKeyspace } from '../support/lab/lab.js';
import { Program, resultOf, until } from '../support/lab/program.js';
import { changeRecord } from '../support/lab/record.js';
import { contentsOf } from '../support/lab/rows.js';
import { registerGhost, removeGhost } from '../support/lab/tablet-record.js';

const tables = ['customer', 'product'];
let program: Program;

beforeAll(async () => {
  for (const keyspace of ['commerce', 'customer'] as const) await emptyTarget(keyspace);
  program = await Program.start();
});
afterEach(async () => {
  await program.settle();
  for (const keyspace of ['commerce', 'customer'] as const) await emptyTarget(keyspace);
});
afterAll(() => program.stop());

const migrate = (keyspace: TargetKeyspace, input: object = {}) =>
  program.migrate({ source: 'ext1.load', target: `${keyspace}.options`, tables, mount, ...input });

/** What each shard's stream is like, in Vitess's own row. */
async function rows(keyspace: TargetKeyspace) {
  const columns = ['cell', 'tablet_types', 'state', 'source'].map((name) => `cast(${name} as char) as ${name}`);
  const query = `select ${columns.join(', ')} from _vt.vreplication where workflow = 'options'`;
  const found = await Promise.all(targets[keyspace].shards.map((shard) => sql('target', keyspace, shard, query)));
  return found.flat().map(({ cell, tablet_types: types, state, source }) => ({
    cell: String(cell),
    types: String(types),
    state: String(state),
    onDdl: /on_ddl:(\w+)/.exec(String(source))?.[1] ?? 'IGNORE',
  }));
}

/** The config overrides that count for Vitess, each once: those with a value. */
async function overrides(keyspace: TargetKeyspace): Promise<unknown[]> {
  const query = "select cast(options as char) as options from _vt.vreplication where workflow like 'options%'";
  const found = await Promise.all(targets[keyspace].shards.map((shard) => sql('target', keyspace, shard, query)));
  const configs = found.flat().map(({ options }) => {
    const { config = {} } = JSON.parse(String(options)) as { config?: Record<string, string> };
    return JSON.stringify(
      Object.fromEntries(
        Object.entries(config)
          .filter(([, value]) => value !== '')
          .sort(),
      ),
    );
  });
  return [...new Set(configs)].map((each) => JSON.parse(each) as unknown);
}

async function expectCompleted(keyspace: TargetKeyspace): Promise<void> {
  expect(await program.cli('Migrate', 'Complete', `${keyspace}.options`)).toMatchObject({ code: 0 });
  expect(await contentsOf('target', keyspace, tables)).toEqual(await contentsOf('source', 'load', tables));
}

describe('the streams of a running migration', () => {
  test.each(['commerce', 'customer'] as const)('read what is asked for, on %s', async (keyspace) => {
    const handle = await migrate(keyspace);
    await until(handle, ({ phase }) => phase === 'replicating');
    const line = `-tablet_types PRIMARY -cells ext -on_ddl EXEC_IGNORE Update ${keyspace}.options`.split(' ');
    expect(await program.cli('Workflow', ...line)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Updated .*: cells ext; tabletTypes PRIMARY; .*onDdl EXEC_IGNORE\.\n$/) as string,
    });
    for (const row of await rows(keyspace))
      expect(row).toEqual({ cell: 'ext', types: 'primary', state: 'Running', onDdl: 'EXEC_IGNORE' });
    await expectCompleted(keyspace);
  });

  test.each(['commerce', 'customer'] as const)(
    'have the flags of vttablet that are asked for, on %s',
    async (keyspace) => {
      const flags = { 'vreplication-parallel-insert-workers': '4', 'relay-log-max-items': '500' };
      const handle = await migrate(keyspace, { configOverrides: flags, lanes: 2 });
      await until(handle, ({ phase }) => phase === 'replicating');
      // A filtered stream never repeats several rows with one statement.
      const always = keyspace === 'customer' ? { 'vreplication-experimental-flags': '3' } : {};
      expect(await overrides(keyspace)).toEqual([{ ...flags, ...always }]);
      const update = async (list: string) =>
        expect(await program.cli('Workflow', '-config_overrides', list, 'Update', `${keyspace}.options`)).toMatchObject(
          {
            code: 0,
            stdout: expect.stringContaining(`configOverrides ${list}`) as string,
          },
        );
      await update('vreplication-retry-delay=7s,vreplication-experimental-flags=7');
      const changed = { 'vreplication-retry-delay': '7s', 'vreplication-experimental-flags': '7', ...always };
      expect(await overrides(keyspace)).toEqual([changed]);
      await handle.executeUpdate('updateOptions', { args: [{ configOverrides: {} }] });
      expect(await overrides(keyspace)).toEqual([always]);
      await expectCompleted(keyspace);
    },
  );

  test('stay stopped while they are paused, and begin as they are then', async () => {
    const handle = await migrate('customer');
    await until(handle, ({ phase }) => phase === 'replicating');
    expect(await program.cli('Workflow', 'Stop', 'customer.options')).toMatchObject({ code: 0 });
    const line = ['--keyspace', 'customer', 'update', '--workflow', 'options', '--tablet-types', 'PRIMARY'];
    expect(await program.cli('Workflow', ...line)).toMatchObject({ code: 0 });
    for (const row of await rows('customer'))
      expect(row).toMatchObject({ types: 'in_order:primary', state: 'Stopped' });
    expect(await program.cli('Workflow', 'Start', 'customer.options')).toMatchObject({ code: 0 });
    await expectCompleted('customer');
  });

  test.each([
    ['-cells', 'nope', /cell nope does not exist .*the cells of this cluster are ext/],
    ['-tablet_types', 'RDONLY', /the shard has no tablet of type RDONLY in any cell .*shard 0/],
    ['-vdiff_tablet_types', 'RDONLY', /no tablet of type RDONLY, which VDiff is to read \(cluster ext1, .*shard 0\)/],
  ])('%s %s is refused, with nothing changed', async (flag, value, message) => {
    const handle = await migrate('commerce');
    await until(handle, ({ phase }) => phase === 'replicating');
    const before = await rows('commerce');
    const answer = await program.cli('Workflow', flag, value, 'Update', 'commerce.options');
    expect(answer).toMatchObject({ code: 1, stderr: expect.stringMatching(message) as string });
    expect(await rows('commerce')).toEqual(before);
    await handle.signal('complete');
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed' });
  });

  test('find the cell to which their tablets have moved', async () => {
    const handle = await migrate('customer');
    await until(handle, ({ phase }) => phase === 'replicating');
    expect(await program.cli('Workflow', 'Stop', 'customer.options')).toMatchObject({ code: 0 });
    // As if the tablets had been in another cell when the streams were made.
    await changeRecord({ keyspace: 'customer', workflow: 'options' }, (record) => {
      record.plan.source.cells = ['gone'];
    });
    for (const shard of targets.customer.shards)
      await sql('target', 'customer', shard, "update _vt.vreplication set cell = 'gone' where workflow = 'options'");
    expect(await program.cli('Workflow', 'Start', 'customer.options')).toMatchObject({ code: 0 });
    const { restarts } = await until(handle, (status) => status.restarts !== null);
    expect(restarts?.count).toBe(1);
    await until(handle, ({ problems }) => problems.length === 0);
    for (const row of await rows('customer')) expect(row).toMatchObject({ cell: 'ext', state: 'Running' });
    await expectCompleted('customer');
  });
});

describe('VDiff', () => {
  const optionsOf = async () => {
    const query = 'select cast(options as char) as options from _vt.vdiff order by id desc limit 1';
    const [row] = await sql('target', 'commerce', '0', query);
    return JSON.parse(String(row?.['options'])) as {
      picker_options: { tablet_types: string };
      core_options: { timeout_seconds: number };
    };
  };

  test('reads the tablets that are asked for, and waits for them as long', async () => {
    const handle = await migrate('commerce', { vdiffWaitTime: '40s' });
    await until(handle, ({ phase }) => phase === 'replicating');
    expect(await optionsOf()).toMatchObject({
      picker_options: { tablet_types: 'in_order:REPLICA,PRIMARY,RDONLY' },
      core_options: { timeout_seconds: 40 },
    });
    const line = ['-tablet_types', 'PRIMARY', '-filtered_replication_wait_time', '1m', 'commerce.options'];
    expect(await program.cli('VDiff', ...line)).toMatchObject({ code: 0 });
    expect(await optionsOf()).toMatchObject({
      picker_options: { tablet_types: 'in_order:PRIMARY' },
      core_options: { timeout_seconds: 60 },
    });
    await expectCompleted('commerce');
  });

  test('that finds no healthy tablet is helped on while it hangs', async () => {
    const ghosts = [
      ['source', 'load'],
      ['target', 'commerce'],
    ] as const;
    for (const [side, keyspace] of ghosts) {
      onTestFinished(() => removeGhost(side));
      await registerGhost(side, { keyspace, shard: '0', type: 'RDONLY' });
    }
    const handle = await migrate('commerce', { vdiffTabletTypes: ['RDONLY'] });
    await until(handle, ({ phase }) => phase === 'verifying');
    const line = ['-vdiff_tablet_types', 'REPLICA,PRIMARY', 'Update', 'commerce.options'];
    expect(await program.cli('Workflow', ...line)).toMatchObject({ code: 0 });
    const { vdiff } = await until(handle, ({ phase }) => phase === 'replicating');
    expect(vdiff).toMatchObject({ state: 'completed' });
    await expectCompleted('commerce');
  });
});

test('the time for which Complete waits for the streams can be set', async () => {
  const handle = await migrate('commerce', { catchUpTimeout: '2s' });
  await until(handle, ({ phase }) => phase === 'replicating');
  // The stream cannot change the row.
  const blocker = await mysqlOf('target', 'commerce', '0');
  onTestFinished(() => blocker.destroy());
  await blocker.query('begin; select * from customer where id = 1 for update');
  await sql('source', 'load', '0', "update customer set name = concat(name, '+') where id = 1");
  const dryRun = () => program.cli('Migrate', '-dry_run', 'Complete', 'commerce.options');
  expect((await dryRun()).stdout).toMatch(/has not reached the source's position .* in 2s/);
  expect(await program.cli('Workflow', '-timeout', '3s', 'Update', 'commerce.options')).toMatchObject({ code: 0 });
  expect((await dryRun()).stdout).toMatch(/has not reached the source's position .* in 3s/);
  await blocker.query('rollback');
  await expectCompleted('commerce');
});

test('Complete does not begin while a stream is further behind than is allowed', async () => {
  const handle = await migrate('commerce', { catchUpTimeout: '30m', maxReplicationLagAllowed: '2s' });
  await until(handle, ({ phase }) => phase === 'replicating');
  const blocker = await mysqlOf('target', 'commerce', '0');
  onTestFinished(() => blocker.destroy());
  await blocker.query('begin; select * from customer where id = 1 for update');
  await sql('source', 'load', '0', "update customer set name = concat(name, '+') where id = 1");
  await until(handle, ({ lagSeconds }) => (lagSeconds ?? 0) > 2);
  const completing = program.cli('Migrate', 'Complete', 'commerce.options');
  const { missing } = await until(handle, (status) => status.missing.length > 0);
  expect(missing).toMatchObject([
    {
      code: 'NOT_CAUGHT_UP',
      message: expect.stringMatching(/is \d+ s behind the source, and 2s are allowed/) as string,
    },
  ]);
  await blocker.query('rollback');
  expect(await completing).toMatchObject({ code: 0 });
  expect(await contentsOf('target', 'commerce', tables)).toEqual(await contentsOf('source', 'load', tables));
});

test.each(['LEAVE', 'REMOVE'])(
  'the tables of a sharded target are created with AUTO_INCREMENT: %s',
  async (handling) => {
    const create = ['-source', 'ext1.load', '-tables', 'customer', '-sharded_auto_increment_handling', handling];
    expect(await program.cli('Migrate', ...create, 'Create', 'customer.options')).toMatchObject({ code: 0 });
    const handle = program.client.workflow.getHandle('customer.options');
    await until(handle, ({ phase }) => phase === 'replicating');
    for (const shard of targets.customer.shards) {
      const [made] = await sql('target', 'customer', shard, 'show create table customer');
      expect(/ AUTO_INCREMENT\b(?!=)/.test(String(made?.['Create Table']))).toBe(handling === 'LEAVE');
    }
    expect(await program.cli('Migrate', 'Complete', 'customer.options')).toMatchObject({ code: 0 });
    expect(await contentsOf('target', 'customer', ['customer'])).toEqual(
      await contentsOf('source', 'load', ['customer']),
    );
  },
);
