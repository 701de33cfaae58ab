import { randomUUID } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Activities } from '../../src/activities/index.js';
import { vdiffActivities } from '../../src/activities/vdiff.js';
import { Pace } from '../../src/activities/step/pace.js';
import { JournalStore } from '../../src/effects/journal.js';
import type { MigrateInput } from '../../src/migration/input/input.js';
import type { VDiffReport } from '../../src/migration/proof/vdiff.js';
import { readConfig } from '../../src/config/config.js';
import { absent } from '../../src/vitess/topology/kv.js';
import { buildClients } from '../../src/worker.js';
import { Program, resultOf, until } from '../support/lab/program.js';
import { statusOf } from '../support/status.js';
import { changeRecord } from '../support/lab/record.js';
import { contentsOf } from '../support/lab/rows.js';
import { emptyTarget, lab, mysqlOf, sourceMount as mount, sql, vtctldclient } from '../support/lab/lab.js';

let program: Program;

beforeAll(async () => {
  program = await Program.start();
  await emptyTarget('commerce');
  await sql(
    'source',
    'load',
    '0',
    "drop table if exists compared; create table compared (id bigint primary key, v varchar(20)); insert into compared values (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd')",
  );
  await vtctldclient('source', 'ReloadSchemaShard', '--include-primary', 'load/0');
});
afterEach(async () => {
  await program.settle();
  await emptyTarget('commerce');
});
afterAll(async () => {
  await sql('source', 'load', '0', 'drop table compared');
  await program.stop();
});

describe('a VDiff that finds differences', () => {
  const spoil =
    "update compared set v = 'spoilt' where id = 3; delete from compared where id = 2; insert into compared values (5, 'extra')";
  const mend =
    "update compared set v = 'c' where id = 3; insert into compared values (2, 'b'); delete from compared where id = 5";

  test('is reported with sample rows, and never completes until it is clean', async () => {
    const handle = await program.migrate({
      source: 'ext1.load',
      target: 'commerce.dirty',
      tables: ['compared'],
      mount,
    });
    await until(handle, (status) => status.phase === 'replicating');
    await sql('target', 'commerce', '0', spoil);
    const { clean, vdiff } = await handle.executeUpdate<{ clean: boolean; vdiff: VDiffReport }, []>('vdiff');
    expect(clean).toBe(false);
    expect(vdiff.tables[0]).toMatchObject({ name: 'compared', mismatched: '1', extraSource: '1', extraTarget: '1' });
    expect(vdiff.tables[0]?.samples.map((sample) => sample.kind)).toEqual([
      'mismatch',
      'only in source',
      'only in target',
    ]);
    const answer = await handle.executeUpdate<{ outcome: string; waitingFor: string[] }, []>('complete');
    expect(answer).toMatchObject({
      outcome: 'remembered',
      waitingFor: ['vdiff once more, complete with acceptRows or force, or cancel'],
    });
    expect((await statusOf(handle)).phase).toBe('replicating');

    // Mended by hand, a clean VDiff lets the remembered Complete through.
    await sql('target', 'commerce', '0', mend);
    await handle.signal('vdiff');
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed' });
    expect(await contentsOf('target', 'commerce', ['compared'])).toEqual(
      await contentsOf('source', 'load', ['compared']),
    );
  });

  test('is stopped when a stream ends meanwhile, and runs again when a person has mended that', async () => {
    const handle = await program.migrate({
      source: 'ext1.load',
      target: 'commerce.ended',
      tables: ['compared'],
      mount,
    });
    await until(handle, (status) => status.phase === 'replicating');
    // The stream waits for this row, and the VDiff for the stream.
    const blocker = await mysqlOf('target', 'commerce', '0');
    onTestFinished(() => blocker.destroy());
    await blocker.query("begin; insert into compared values (9, 'mine')");
    await sql('source', 'load', '0', "insert into compared values (9, 'yours')");
    onTestFinished(async () => {
      await sql('source', 'load', '0', 'delete from compared where id = 9');
    });
    await handle.signal('vdiff');
    await until(handle, (status) => status.phase === 'verifying');
    await blocker.query('commit');
    const { waitingFor, vdiff } = await until(handle, (status) => status.phase === 'paused', 60);
    expect(waitingFor).toEqual([expect.stringMatching(/^a person: the row is there already/)]);
    expect(vdiff?.state).not.toBe('stalled');
    await blocker.query('delete from compared where id = 9');
    await handle.signal('resume');
    await handle.signal('complete');
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed', vdiff: { state: 'completed' } });
  });

  test('rows on one side only, of which Vitess cannot say more, hold Complete back as well', async () => {
    const handle = await program.migrate({
      source: 'ext1.load',
      target: 'commerce.oneside',
      tables: ['compared'],
      mount,
    });
    await until(handle, (status) => status.phase === 'replicating');
    await sql('target', 'commerce', '0', 'delete from compared where id = 2');
    const { clean, vdiff } = await handle.executeUpdate<{ clean: boolean; vdiff: VDiffReport }, []>('vdiff');
    expect({ clean, state: vdiff.state }).toEqual({ clean: false, state: 'differs' });
    expect(vdiff.errors['0']).toMatch(/only the source or only the target/);
    expect((await handle.executeUpdate<{ outcome: string }, []>('complete')).outcome).toBe('remembered');
    await sql('target', 'commerce', '0', "insert into compared values (2, 'b')");
    await handle.signal('vdiff');
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed' });
  });

  test('force completes all the same', async () => {
    const handle = await program.migrate({
      source: 'ext1.load',
      target: 'commerce.forced',
      tables: ['compared'],
      mount,
    });
    await until(handle, (status) => status.phase === 'replicating');
    await sql('target', 'commerce', '0', spoil);
    await handle.executeUpdate('vdiff');
    await handle.signal('complete', { force: true });
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed', vdiff: { tables: [{ mismatched: '1' }] } });
  });
});

describe('the watchdog', () => {
  /**
   * Runs the step by itself for the migration `commerce.<workflow>`, with a watchdog of a few seconds.
   * @param asked what its record says that was asked for besides
   */
  async function compare(workflow: string, uuid: string, asked: Partial<MigrateInput> = {}): Promise<VDiffReport> {
    const { clients, close } = buildClients(readConfig(lab.environment));
    const id = { keyspace: 'commerce', workflow };
    const step = (...args: Parameters<Activities['vdiff']>) => vdiffActivities(clients, new Pace()).vdiff(...args);
    const journal = await new JournalStore(clients.target, id).read();
    const ref = { id, runId: journal?.runId ?? '' };
    const putBack = await changeRecord(id, (record) => {
      record.input = { ...record.input, vdiffStallTimeout: '10s', ...asked };
    });
    try {
      return await new MockActivityEnvironment().run<Parameters<Activities['vdiff']>, VDiffReport, typeof step>(
        step,
        ref,
        uuid,
        {},
      );
    } finally {
      await putBack();
      await close();
    }
  }

  async function replicating(workflow: string) {
    const handle = await program.migrate({
      source: 'ext1.load',
      target: `commerce.${workflow}`,
      tables: ['compared'],
      mount,
    });
    await until(handle, (status) => status.phase === 'replicating');
    return handle;
  }

  const streamOf = async (workflow: string) =>
    (
      await sql(
        'target',
        'commerce',
        '0',
        `select cast(state as char) as state, cast(message as char) as message, ifnull(cast(stop_pos as char), '') as stop from _vt.vreplication where workflow = '${workflow}'`,
      )
    )[0];

  test('a VDiff that finds no tablet is stopped, and the streams run again', async () => {
    const handle = await replicating('stall');
    // The target's cell name in the source's topology: what the peer does.
    expect((await compare('stall', randomUUID(), { cells: ['zone1'] })).state).toBe('stalled');
    expect(await streamOf('stall')).toMatchObject({ state: 'Running', stop: '' });
    expect((await handle.executeUpdate<{ outcome: string }, []>('complete')).outcome).toBe('completed');
  });

  test('the lock of a tablet that has died is removed, and the VDiff that waits for it goes on', async () => {
    const handle = await replicating('dead');
    const { clients, close } = buildClients(readConfig(lab.environment));
    const { kv, root } = clients.target;
    const key = `${root}/internal/named_locks/commerce/dead/locks/0123456789abcdef`;
    await kv.put(key, Buffer.from(JSON.stringify({ Action: 'vdiff', HostName: 'gone', Time: 'then' })), absent);
    expect((await compare('dead', randomUUID(), { vdiffStallTimeout: '90s' })).state).toBe('completed');
    expect(await kv.get(key)).toBeUndefined();
    await close();
    expect((await handle.executeUpdate<{ outcome: string }, []>('complete')).outcome).toBe('completed');
  });

  test('streams that a VDiff has left behind are started again', async () => {
    const handle = await replicating('left');
    const uuid = randomUUID();
    expect((await compare('left', uuid)).state).toBe('completed');
    // As a VDiff leaves them that cannot reach its MySQL at the moment it has its snapshots.
    await vtctldclient('target', 'Workflow', '--keyspace', 'commerce', 'stop', '--workflow', 'left');
    await sql(
      'target',
      'commerce',
      '0',
      "update _vt.vreplication set message = 'for vdiff', stop_pos = pos where workflow = 'left'",
    );
    expect((await compare('left', uuid)).state).toBe('completed');
    expect(await streamOf('left')).toMatchObject({ state: 'Running', stop: '' });
    expect((await handle.executeUpdate<{ outcome: string }, []>('complete')).outcome).toBe('completed');
  });

  test('the lock of a VDiff whose tablet has died does not keep the workflow for a day', async () => {
    const handle = await replicating('locked');
    const { clients, close } = buildClients(readConfig(lab.environment));
    const lock = `${lab.target.topoRoot}/internal/named_locks/commerce/locked/locks/7587870000000000001`;
    await clients.target.kv.put(
      lock,
      Buffer.from(
        JSON.stringify({
          Action: 'vdiff',
          HostName: 'gone',
          UserName: 'vitess',
          Time: '2026-01-01T00:00:00Z',
          Status: 'Running',
        }),
      ),
      '0',
    );
    expect((await compare('locked', randomUUID())).state).toBe('completed');
    expect(await clients.target.kv.get(lock)).toBeUndefined();
    await close();
    expect((await handle.executeUpdate<{ clean: boolean }, []>('vdiff')).clean).toBe(true);
    expect((await handle.executeUpdate<{ outcome: string }, []>('complete')).outcome).toBe('completed');
  });
});
