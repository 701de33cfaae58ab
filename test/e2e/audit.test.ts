import { Etcd3 } from 'etcd3';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { AuditResult } from '../../src/workflows/audit.js';
import { emptyTarget, lab, sourceMount as mount, sql, vtctldclient } from '../support/lab/lab.js';
import { Program, until } from '../support/lab/program.js';
import { contentsOf } from '../support/lab/rows.js';
import { snapshot, withoutProofs } from '../support/lab/snapshot.js';

const moved = ['customer', 'order line'];
let program: Program;

beforeAll(async () => {
  program = await Program.start();
  await program.client.workflow.execute('mount', {
    taskQueue: program.taskQueue,
    workflowId: `mount-${program.taskQueue}`,
    args: [{ action: 'mount', name: 'ext1', config: mount }],
  });
  await emptyTarget('commerce');
});
afterEach(async () => {
  await program.settle();
  await emptyTarget('commerce');
});
afterAll(() => program.stop());

async function audit(of = 'commerce'): Promise<{ code: number; result: AuditResult; residue: string[] }> {
  const { code, stdout } = await program.cli('Audit', of, '-json');
  const result = JSON.parse(stdout) as AuditResult;
  return {
    code,
    result,
    residue: result.found
      .filter(({ live }) => !live)
      .map(({ name }) => name)
      .sort(),
  };
}

const remove = (...names: string[]) => program.cli('Audit', 'commerce', '-remove', JSON.stringify(names));
const start = async () => {
  const handle = await program.migrate({ source: 'ext1.load', target: 'commerce.lost', tables: moved });
  await until(handle, (status) => status.phase === 'replicating');
  return handle;
};

/** One of each kind, as programs that died have been seen to leave it; with the names Audit gives them. */
const planted: { name: string; plant: () => Promise<unknown> }[] = [
  {
    name: 'denied:commerce/0/order line',
    plant: () =>
      vtctldclient('target', 'SetShardTabletControl', '--denied-tables', 'order line', 'commerce/0', 'primary'),
  },
  {
    name: 'copy-state:commerce/0/4711',
    plant: () =>
      sql('target', 'commerce', '0', "insert into _vt.copy_state (vrepl_id, table_name) values (4711, 'corder')"),
  },
  {
    name: 'vdiff:commerce/0/11111111-2222-3333-4444-555555555555',
    plant: () =>
      sql(
        'target',
        'commerce',
        '0',
        [
          'insert into _vt.vdiff (vdiff_uuid, workflow, keyspace, shard, db_name, state) values',
          "('11111111-2222-3333-4444-555555555555', 'gone', 'commerce', '0', 'vt_commerce', 'completed')",
        ].join(' '),
      ),
  },
  {
    name: 'vdiff:commerce/0/#998',
    plant: () =>
      sql(
        'target',
        'commerce',
        '0',
        "insert into _vt.vdiff_log (vdiff_id, message) values (998, 'left by a delete by UUID')",
      ),
  },
  {
    name: 'table:commerce/0/stray',
    plant: () =>
      sql('target', 'commerce', '0', 'create table stray (id int primary key)').then(() =>
        vtctldclient('target', 'ReloadSchemaShard', '--include-primary', 'commerce/0'),
      ),
  },
  { name: 'lock:commerce/gone', plant: () => plantLock('gone', '2026-01-01T00:00:00Z') },
];

async function plantLock(workflow: string, since: string): Promise<void> {
  const etcd = new Etcd3({ hosts: `http://${lab.target.topoServer}` });
  await etcd
    .put(`${lab.target.topoRoot}/internal/named_locks/commerce/${workflow}/locks/4711`)
    .value(JSON.stringify({ Action: 'vdiff', HostName: 'dead', UserName: 'vitess', Time: since, Status: 'Running' }));
  etcd.close();
}

describe('residue of every kind', () => {
  test('is found, named, and removed by its name; the keyspace is then as it was', async () => {
    const before = await snapshot('commerce');
    expect(await audit()).toMatchObject({ code: 0, residue: [] });
    for (const { plant } of planted) await plant();
    const names = planted.map(({ name }) => name).sort();
    expect(await audit()).toMatchObject({ code: 1, residue: names });
    const shown = await program.cli('Audit', 'commerce');
    expect(shown.code).toBe(1);
    for (const name of names) expect(shown.stdout).toContain(`- ${name}`);
    for (const [i, { name }] of planted.entries()) {
      const removed = await remove(name);
      expect(removed.stdout, removed.stderr).toContain(`Removed ${name}`);
      expect((await audit()).residue).toEqual(
        planted
          .slice(i + 1)
          .map((each) => each.name)
          .sort(),
      );
    }
    expect(await snapshot('commerce')).toEqual(before);
  });

  test('a table with rows is neither listed nor dropped', async () => {
    await sql('target', 'commerce', '0', 'create table stray (id int primary key); insert into stray values (1)');
    await vtctldclient('target', 'ReloadSchemaShard', '--include-primary', 'commerce/0');
    expect((await audit()).residue).toEqual([]);
    expect(await remove('table:commerce/0/stray')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/table:commerce\/0\/stray is not there/) as string,
    });
    expect(await sql('target', 'commerce', '0', 'select * from stray')).toHaveLength(1);
  });
});

test("the tables that vtctldclient's complete leaves denied are found and opened by name", async () => {
  const args = ['Migrate', '--workflow', 'theirs', '--target-keyspace', 'commerce'];
  await vtctldclient(
    'target',
    ...args,
    'create',
    '--source-keyspace',
    'load',
    '--mount-name',
    'ext1',
    '--tables',
    moved.join(','),
    '--cells',
    'ext',
  );
  expect((await audit()).residue).toEqual([]);
  for (let tries = 0; tries < 100; tries++) {
    const rows = await sql(
      'target',
      'commerce',
      '0',
      [
        'select state, pos, (select count(*) from _vt.copy_state) as copying',
        "from _vt.vreplication where workflow = 'theirs'",
      ].join(' '),
    );
    if (rows[0]?.['state'] === 'Running' && String(rows[0]['pos']) !== '' && Number(rows[0]['copying']) === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  expect((await vtctldclient('target', ...args, 'complete')).code).toBe(0);
  const left = moved.map((table) => `denied:commerce/0/${table}`).sort();
  expect((await audit()).residue).toEqual(left);
  expect(await remove(...left)).toMatchObject({ code: 0 });
  expect(await contentsOf('target', 'commerce', moved)).toEqual(await contentsOf('source', 'load', moved));
});

describe('what is live', () => {
  test('nothing of a running migration is residue, nor removed by its name', async () => {
    const handle = await start();
    const before = await snapshot('commerce');
    const { code, result, residue } = await audit();
    expect({ code, residue }).toEqual({ code: 0, residue: [] });
    const names = result.found.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining([
        'journal:lost',
        'stream:commerce/0/lost',
        'denied:commerce/0/customer',
        'table:commerce/0/customer',
      ]),
    );
    for (const name of names)
      expect(await remove(name)).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/nothing has been removed: .* is not residue/) as string,
      });
    expect(withoutProofs(await snapshot('commerce')).topology).toEqual(withoutProofs(before).topology);
    await handle.signal('cancel');
    await handle.result();
  });

  test('a lock that was taken just now', async () => {
    await plantLock('new', new Date().toISOString());
    expect((await audit()).residue).toEqual([]);
    expect(await remove('lock:commerce/new')).toMatchObject({ code: 1 });
    const etcd = new Etcd3({ hosts: `http://${lab.target.topoServer}` });
    await etcd.delete().prefix(`${lab.target.topoRoot}/internal/named_locks/commerce/new/`);
    etcd.close();
  });
});

test('a migration that no workflow runs is residue, and can be removed piece by piece, the journal last', async () => {
  const before = await snapshot('commerce');
  const handle = await start();
  await handle.terminate('a test');
  const { result, residue } = await audit('commerce.lost');
  expect(result.owners).toMatchObject([{ workflow: 'lost', state: 'orphaned', adoptable: true }]);
  expect(await remove('journal:lost')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/journal:lost goes last/) as string,
  });
  expect(await remove('table:commerce/0/customer')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/it has rows/) as string,
  });
  const removable = residue.filter((name) => !name.startsWith('table:'));
  const removed = await remove(...removable);
  expect(removed.stdout, removed.stderr).toContain('Removed journal:lost');
  // The rows are for a person to decide about.
  await sql('target', 'commerce', '0', 'drop table customer; drop table `order line`');
  expect(await snapshot('commerce')).toEqual(before);
});
