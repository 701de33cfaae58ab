import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MigrationError } from '../../src/migration/problem/errors.js';
import { nameList } from '../../src/migration/plan/reference.js';
import { copying, dirtyVDiff, replicating, sampleAdoption, sampleProblem } from '../support/workflow/samples.js';
import { fails, returns, Script, untilCancelled } from '../support/workflow/scripted-activities.js';
import { Bench } from '../support/workflow/workflow-bench.js';

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.start();
});
afterAll(() => bench.stop());

const tables = ['corder'];
const unknown = new MigrationError('TABLE_NOT_FOUND', 'table nope is not in the migration', {}, 'see its tables');
const tooLate = new MigrationError('PAST_NO_RETURN', 'the streams are being deleted', {}, 'let Complete end');
const locked = new MigrationError('LOCKED', 'the keyspace is locked', {}, 'wait');
const left = { outcome: 'left', left: nameList(['corder']), tables: nameList(['customer']) };

describe('a table leaves', () => {
  it('while replicating; status and the result say so, and the VDiff counts the others', async () => {
    const script = new Script().on('vdiff', returns(dirtyVDiff()));
    const migration = await bench.migrate(script);
    await migration.until(({ phase, vdiff }) => phase === 'replicating' && vdiff !== null);
    const differing = dirtyVDiff()
      .tables.filter(({ mismatched }) => mismatched !== '0')
      .map(({ name }) => name);
    expect(await migration.update('leave', { tables: differing })).toMatchObject({ outcome: 'left' });
    const status = await migration.status();
    expect(status).toMatchObject({ left: { names: differing }, requested: [] });
    expect(status.vdiff?.totals.differing).toBe(0);
    await migration.handle.signal('complete');
    expect(await migration.result()).toMatchObject({ outcome: 'completed', left: { names: differing } });
    expect(script.count('vdiff')).toBe(1);
  });

  it('during the copy, which goes on with the others', async () => {
    const script = new Script().on('observe', returns(copying(0.2)), untilCancelled);
    const migration = await bench.migrate(script);
    await migration.until(({ copiedPercent }) => copiedPercent > 0);
    expect(await migration.update('leave', { tables })).toEqual(left);
    await migration.until(({ phase }) => phase === 'replicating');
    await migration.handle.signal('cancel');
    expect(await migration.result()).toMatchObject({ outcome: 'cancelled' });
  });

  it('while VDiff runs: it is stopped, and starts over', async () => {
    const script = new Script();
    script.hold('vdiff');
    const migration = await bench.migrate(script);
    await migration.until(({ phase }) => phase === 'verifying');
    expect(await migration.update('leave', { tables })).toEqual(left);
    await migration.until(({ phase, vdiff }) => phase === 'replicating' && vdiff !== null);
    expect(script.steps().filter((step) => ['vdiff', 'leave'].includes(step))).toEqual(['vdiff', 'leave', 'vdiff']);
    await migration.handle.signal('cancel');
    await migration.result();
  });

  it('and is refused before the VDiff that runs is stopped', async () => {
    const script = new Script().on('mayLeave', fails(unknown), fails(unknown));
    const hold = script.hold('vdiff');
    const migration = await bench.migrate(script);
    await hold.reached;
    expect((await migration.refusal('leave', { tables: ['nope'] })).message).toMatch(/nope is not in the migration/);
    await migration.handle.signal('leave', { tables: ['nope'] });
    await migration.until(({ lastError }) => lastError?.code === 'TABLE_NOT_FOUND');
    hold.release();
    await migration.until(({ phase }) => phase === 'replicating');
    expect([script.count('vdiff'), script.count('leave')]).toEqual([1, 0]);
    expect((await migration.refusal('leave', {})).message).toMatch(/tables must name the tables/);
    expect((await migration.refusal('leave', { tables: [] })).message).toMatch(/must name a table/);
    await migration.handle.signal('cancel');
    await migration.result();
  });

  it('when it is asked for before Create is done: after Create', async () => {
    const script = new Script();
    const hold = script.hold('create');
    const migration = await bench.migrate(script, { complete: 'auto' });
    await hold.reached;
    await migration.handle.signal('leave', { tables });
    await migration.until(({ requested }) => requested.includes('leave'));
    hold.release();
    expect(await migration.result()).toMatchObject({ outcome: 'completed', left: { names: tables } });
    expect(script.count('mayLeave')).toBe(0);
    expect(script.steps().indexOf('leave')).toBe(script.steps().indexOf('create') + 1);
  });

  it('and is refused after Create, when it was not known before', async () => {
    const script = new Script().on('leave', fails(unknown));
    const hold = script.hold('create');
    const migration = await bench.migrate(script);
    await hold.reached;
    const { answer } = await migration.ask('leave', { tables: ['nope'] });
    const refused = expect(answer).rejects.toMatchObject({ cause: { type: 'TABLE_NOT_FOUND' } });
    hold.release();
    await refused;
    expect(await migration.until(({ phase }) => phase === 'replicating')).toMatchObject({ requested: [] });
    await migration.handle.signal('cancel');
    await migration.result();
  });

  it('of a paused migration, which stays paused; the step knows it', async () => {
    const script = new Script();
    const migration = await bench.migrate(script);
    await migration.until(({ phase }) => phase === 'replicating');
    await migration.update('pause');
    expect(await migration.update('leave', { tables })).toEqual(left);
    expect(await migration.status()).toMatchObject({ phase: 'paused' });
    expect(script.calls.find(({ name }) => name === 'leave')?.args).toMatchObject([{}, tables, true]);
    expect(script.count('resume')).toBe(0);
    await migration.handle.signal('cancel');
    await migration.result();
  });

  it('of one that paused because of a stream: it resumes', async () => {
    const trouble = { ...sampleProblem, kind: 'schema-mismatch' as const };
    const script = new Script().on('observe', returns(replicating({ copyFinished: false, problems: [trouble] })));
    const migration = await bench.migrate(script);
    await migration.until(({ phase }) => phase === 'paused');
    expect(await migration.update('leave', { tables })).toEqual(left);
    await migration.until(({ phase }) => phase === 'replicating');
    expect(script.count('resume')).toBe(1);
    await migration.handle.signal('cancel');
    await migration.result();
  });

  it('is tried again until it succeeds; Cancel cuts it off', async () => {
    const script = new Script().on('leave', fails(locked), fails(locked), fails(locked), fails(locked));
    const migration = await bench.migrate(script);
    await migration.until(({ phase }) => phase === 'replicating');
    expect(await migration.update('leave', { tables })).toEqual(left);
    script.hold('leave');
    const { answer } = await migration.ask('leave', { tables });
    await migration.until(({ requested }) => requested.includes('leave'));
    await migration.handle.signal('cancel');
    expect(await answer).toMatchObject({ outcome: 'ended' });
    expect(await migration.result()).toMatchObject({ outcome: 'cancelled' });
  });

  it('not past the point of no return, of which only the journal knows', async () => {
    const script = new Script().on('leave', fails(tooLate));
    const migration = await bench.migrate(script);
    await migration.until(({ phase }) => phase === 'replicating');
    expect((await migration.refusal('leave', { tables })).message).toMatch(/point of no return/);
    expect(await migration.result()).toMatchObject({ outcome: 'completed', left: { count: 0 } });
  });
});

describe('Complete with leaveTables', () => {
  it('lets them leave before anything else', async () => {
    const script = new Script();
    const migration = await bench.migrate(script);
    await migration.until(({ phase }) => phase === 'replicating');
    expect(await migration.update('complete', { leaveTables: tables })).toMatchObject({ outcome: 'completed' });
    expect(await migration.result()).toMatchObject({ left: { names: tables } });
    const steps = script.steps();
    expect(steps.indexOf('leave')).toBeLessThan(steps.indexOf('prove'));
  });

  it('by a signal, during the copy, is remembered', async () => {
    const script = new Script().on('observe', returns(copying(0.2)), untilCancelled);
    const migration = await bench.migrate(script);
    await migration.until(({ copiedPercent }) => copiedPercent > 0);
    await migration.handle.signal('complete', { leaveTables: tables });
    expect(await migration.result()).toMatchObject({ outcome: 'completed', left: { names: tables } });
  });

  it('is not requested when they may not leave', async () => {
    const script = new Script().on('mayLeave', fails(unknown));
    const migration = await bench.migrate(script);
    await migration.until(({ phase }) => phase === 'replicating');
    expect((await migration.refusal('complete', { leaveTables: ['nope'] })).message).toMatch(/nope is not/);
    expect((await migration.refusal('complete', { leaveTables: tables, dryRun: true })).message).toMatch(/exclude/);
    expect(await migration.status()).toMatchObject({ phase: 'replicating', requested: [] });
    await migration.handle.signal('cancel');
    await migration.result();
  });
});

describe('VDiff after a change of definitions', () => {
  const drift = (table: string) => ({
    code: 'SCHEMA_DRIFT' as const,
    message: 'the table has been dropped or renamed in the source since Create',
    place: { table },
    remedy: 'let it leave',
  });

  it('does not run again when the table has left', async () => {
    const script = new Script().on('prove', returns([drift('corder')]));
    const migration = await bench.migrate(script, { complete: 'auto' });
    await migration.until(({ missing }) => missing.length > 0);
    await migration.handle.signal('leave', { tables });
    expect(await migration.result()).toMatchObject({ outcome: 'completed' });
    expect(script.count('vdiff')).toBe(1);
  });

  it('runs again when another one has changed as well', async () => {
    const script = new Script().on('prove', returns([drift('corder'), drift('customer')]));
    const migration = await bench.migrate(script, { complete: 'auto' });
    await migration.until(({ missing }) => missing.length > 0);
    await migration.handle.signal('leave', { tables });
    expect(await migration.result()).toMatchObject({ outcome: 'completed' });
    expect(script.count('vdiff')).toBe(2);
  });
});

describe('an adopted migration', () => {
  it('whose leaving was cut off finishes it', async () => {
    const script = new Script().on('adopt', returns(sampleAdoption({ leaving: tables, left: nameList(['tmp']) })));
    const migration = await bench.migrate(script, { all: undefined, adopt: 'complete' });
    expect(await migration.result()).toMatchObject({ outcome: 'completed', left: { names: tables } });
    expect(script.steps().indexOf('leave')).toBe(script.steps().indexOf('adopt') + 1);
  });

  it('lets tables leave, and then completes', async () => {
    const script = new Script();
    const migration = await bench.migrate(script, { all: undefined, adopt: 'complete', leaveTables: tables });
    expect(await migration.result()).toMatchObject({ outcome: 'completed', left: { names: tables } });
  });
});

it('replays every history of this file', async () => {
  const { broken } = await bench.replayAll();
  expect(broken).toEqual([]);
});
