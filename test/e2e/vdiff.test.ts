import { randomUUID } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Activities } from '../../src/activities/index.js';
import { verifyActivities } from '../../src/activities/verify.js';
import type { Plan } from '../../src/migration/plan.js';
import type { VDiffReport } from '../../src/migration/vdiff.js';
import { readConfig } from '../../src/config.js';
import { buildClients } from '../../src/worker.js';
import { Program, resultOf, statusOf, until } from '../support/program.js';
import { contentsOf } from '../support/rows.js';
import { emptyTarget, lab, sourceMount as mount, sql, vtctldclient } from '../support/lab.js';

let program: Program;

beforeAll(async () => {
  program = await Program.start();
  await emptyTarget('commerce');
  await sql('source', 'load', '0', "drop table if exists compared; create table compared (id bigint primary key, v varchar(20)); insert into compared values (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd')");
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
  const spoil = "update compared set v = 'spoilt' where id = 3; delete from compared where id = 2; insert into compared values (5, 'extra')";
  const mend = "update compared set v = 'c' where id = 3; insert into compared values (2, 'b'); delete from compared where id = 5";

  test('is reported with sample rows, and never completes until it is clean', async () => {
    const handle = await program.migrate({ source: 'ext1.load', target: 'commerce.dirty', tables: ['compared'], mount });
    await until(handle, (status) => status.phase === 'replicating');
    await sql('target', 'commerce', '0', spoil);
    const { clean, vdiff } = await handle.executeUpdate<{ clean: boolean; vdiff: VDiffReport }, []>('vdiff');
    expect(clean).toBe(false);
    expect(vdiff.tables[0]).toMatchObject({ name: 'compared', mismatched: '1', extraSource: '1', extraTarget: '1' });
    expect(vdiff.tables[0]?.samples.map((sample) => sample.kind)).toEqual(['mismatch', 'only in source', 'only in target']);
    const answer = await handle.executeUpdate<{ outcome: string; waitingFor: string[] }, []>('complete');
    expect(answer).toMatchObject({ outcome: 'remembered', waitingFor: ['vdiff once more, complete with force, or cancel'] });
    expect((await statusOf(handle)).phase).toBe('replicating');

    // Mended by hand, a clean VDiff lets the remembered Complete through.
    await sql('target', 'commerce', '0', mend);
    await handle.signal('vdiff');
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed' });
    expect(await contentsOf('target', 'commerce', ['compared'])).toEqual(await contentsOf('source', 'load', ['compared']));
  });

  test('rows on one side only, of which Vitess cannot say more, hold Complete back as well', async () => {
    const handle = await program.migrate({ source: 'ext1.load', target: 'commerce.oneside', tables: ['compared'], mount });
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
    const handle = await program.migrate({ source: 'ext1.load', target: 'commerce.forced', tables: ['compared'], mount });
    await until(handle, (status) => status.phase === 'replicating');
    await sql('target', 'commerce', '0', spoil);
    await handle.executeUpdate('vdiff');
    await handle.signal('complete', { force: true });
    expect(await resultOf(handle)).toMatchObject({ outcome: 'completed', vdiff: { tables: [{ mismatched: '1' }] } });
  });
});

describe('the watchdog', () => {
  test('a VDiff that finds no tablet is stopped, and the streams run again', async () => {
    const handle = await program.migrate({ source: 'ext1.load', target: 'commerce.stall', tables: ['compared'], mount });
    await until(handle, (status) => status.phase === 'replicating');
    const { clients, close } = buildClients(readConfig(lab.environment));
    const plan: Plan = {
      target: { keyspace: 'commerce', workflow: 'stall', sharded: false, cells: ['zone1'], shards: [{ name: '0', keyRange: '' }] },
      // The target's cell name in the source's topology: what the peer does.
      source: { mount: 'ext1', keyspace: 'load', cells: ['zone1'], shards: [{ name: '0', keyRange: '' }] },
      tables: [{ name: 'compared', rows: 0, bytes: 0 }],
      missingTables: {}, missingInVSchema: [], tabletTypes: ['PRIMARY'], inOrder: true, autoStart: true, stopAfterCopy: false, deferSecondaryKeys: true, onDdl: 'IGNORE',
    };
    const compare = (...args: Parameters<Activities['vdiff']>) => verifyActivities(clients).vdiff(...args);
    const report = await new MockActivityEnvironment().run<Parameters<Activities['vdiff']>, VDiffReport, typeof compare>(compare, plan, randomUUID(), 5);
    expect(report.state).toBe('stalled');
    await close();
    const [stream] = await sql('target', 'commerce', '0', "select cast(state as char) as state, cast(message as char) as message from _vt.vreplication where workflow = 'stall'");
    expect(stream).toEqual({ state: 'Running', message: '' });
    expect((await handle.executeUpdate<{ outcome: string }, []>('complete')).outcome).toBe('completed');
  });
});
