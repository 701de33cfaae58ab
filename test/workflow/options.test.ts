import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MigrationError } from '../../src/migration/problem/errors.js';
import { copying, replicating, sampleProblem } from '../support/workflow/samples.js';
import { fails, returns, Script, untilCancelled } from '../support/workflow/scripted-activities.js';
import { Bench, refOf, type Migration } from '../support/workflow/workflow-bench.js';

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.start();
});
afterAll(() => bench.stop());

const unknownCell = new MigrationError('CELL_NOT_FOUND', 'cell nope does not exist', {}, 'the cells are ext');
const locked = new MigrationError('LOCKED', 'the keyspace is locked', {}, 'wait');
const updated = { outcome: 'updated' };
const cells = { cells: ['ext'] };

async function cancelled(migration: Migration): Promise<void> {
  await migration.handle.signal('cancel');
  expect(await migration.result()).toMatchObject({ outcome: 'cancelled' });
}

const requestsOf = (script: Script) =>
  script.calls.filter(({ name }) => name === 'updateOptions').map(({ args }) => args[1]);

describe('options are changed', () => {
  it('during the copy, which goes on', async () => {
    const script = new Script().on('observe', returns(copying(0.2)), untilCancelled);
    const migration = await bench.migrate(script);
    await migration.until(({ copiedPercent }) => copiedPercent > 0);
    expect(await migration.update('updateOptions', { tabletTypes: ['primary'], onDdl: 'EXEC' })).toEqual(updated);
    expect(script.calls.find(({ name }) => name === 'updateOptions')?.args).toEqual([
      refOf(migration),
      { tabletTypes: ['PRIMARY'], onDdl: 'EXEC' },
    ]);
    await migration.until(({ phase }) => phase === 'replicating');
    await cancelled(migration);
  });

  it('while VDiff runs: it is stopped, and starts over', async () => {
    const script = new Script();
    const hold = script.hold('vdiff');
    const migration = await bench.migrate(script);
    await hold.reached;
    expect(await migration.update('updateOptions', { vdiffTabletTypes: ['PRIMARY'] })).toEqual(updated);
    await migration.until(({ phase, vdiff }) => phase === 'replicating' && vdiff !== null);
    const order = script.steps().filter((step) => step === 'vdiff' || step === 'updateOptions');
    expect(order).toEqual(['vdiff', 'updateOptions', 'vdiff']);
    await cancelled(migration);
  });

  it('before Create is done: after Create', async () => {
    const script = new Script();
    const hold = script.hold('create');
    const migration = await bench.migrate(script, { complete: 'auto' });
    await hold.reached;
    await migration.handle.signal('updateOptions', cells);
    await migration.until(({ requested }) => requested.includes('updateOptions'));
    hold.release();
    expect(await migration.result()).toMatchObject({ outcome: 'completed' });
    expect(script.steps().indexOf('updateOptions')).toBe(script.steps().indexOf('create') + 1);
  });

  it('while a Complete waits for its next try', async () => {
    const script = new Script().always('prove', fails(locked));
    const migration = await bench.migrate(script);
    await migration.until(({ phase }) => phase === 'replicating');
    await migration.handle.signal('complete');
    await migration.until(({ missing, phase }) => phase === 'replicating' && missing.length > 0);
    expect(await migration.update('updateOptions', { catchUpTimeout: '5m' })).toEqual(updated);
    script.always('prove', returns([]));
    expect(await migration.result()).toMatchObject({ outcome: 'completed' });
  });

  it('with a Complete, which then begins with them', async () => {
    const script = new Script();
    const migration = await bench.migrate(script);
    await migration.until(({ phase }) => phase === 'replicating');
    await migration.handle.signal('complete', { catchUpTimeout: '5m', maxReplicationLagAllowed: '10s' });
    expect(await migration.result()).toMatchObject({ outcome: 'completed' });
    expect(requestsOf(script)).toEqual([{ catchUpTimeout: '5m', maxReplicationLagAllowed: '10s' }]);
    expect(script.steps().indexOf('updateOptions')).toBeLessThan(script.steps().indexOf('prove'));
  });

  it('and what comes meanwhile is added: the later request wins', async () => {
    const script = new Script();
    const hold = script.hold('updateOptions');
    const migration = await bench.migrate(script);
    await migration.until(({ phase }) => phase === 'replicating');
    await migration.handle.signal('updateOptions', { ...cells, onDdl: 'STOP' });
    await hold.reached;
    await migration.handle.signal('updateOptions', { onDdl: 'EXEC', vdiffMaxAge: '1h' });
    await migration.status();
    hold.release();
    await migration.until(({ requested }) => !requested.includes('updateOptions'));
    expect(requestsOf(script)).toEqual([
      { ...cells, onDdl: 'STOP' },
      { ...cells, onDdl: 'EXEC', vdiffMaxAge: '1h' },
    ]);
    await cancelled(migration);
  });

  it('again and again while a server does not answer; neither Pause nor Cancel is kept waiting', async () => {
    const script = new Script().always('updateOptions', fails(locked));
    const migration = await bench.migrate(script);
    await migration.until(({ phase }) => phase === 'replicating');
    await migration.handle.signal('updateOptions', cells);
    await migration.until(({ lastError }) => lastError?.code === 'LOCKED');
    expect(await migration.update('pause')).toEqual({ outcome: 'paused' });
    await migration.until(({ lastError }) => lastError?.code === 'LOCKED');
    await cancelled(migration);
  });
});

describe('a pause', () => {
  it('of a person goes on', async () => {
    const migration = await bench.migrate(new Script());
    await migration.until(({ phase }) => phase === 'replicating');
    await migration.update('pause');
    expect(await migration.update('updateOptions', cells)).toEqual(updated);
    expect(await migration.status()).toMatchObject({ phase: 'paused', waitingFor: ['resume, or cancel'] });
    await cancelled(migration);
  });

  it('for the sake of a stream ends: the change is the remedy, or it pauses again', async () => {
    const problem = { ...sampleProblem, kind: 'purged-binlogs' as const, healer: 'person' as const };
    const script = new Script().on('observe', returns(replicating()), returns(replicating({ problems: [problem] })));
    const migration = await bench.migrate(script);
    await migration.until(({ phase }) => phase === 'paused');
    expect(await migration.update('updateOptions', { tabletTypes: ['PRIMARY'] })).toEqual(updated);
    await migration.until(({ phase }) => phase === 'replicating');
    expect(script.steps().filter((step) => ['pause', 'updateOptions', 'resume'].includes(step))).toEqual([
      'pause',
      'updateOptions',
      'resume',
    ]);
    await cancelled(migration);
  });
});

describe('options are refused', () => {
  it('that the clusters cannot have, and the migration goes on', async () => {
    const script = new Script().on('updateOptions', fails(unknownCell), fails(unknownCell));
    const migration = await bench.migrate(script);
    await migration.until(({ phase }) => phase === 'replicating');
    expect((await migration.refusal('updateOptions', { cells: ['nope'] })).message).toMatch(/nope does not exist/);
    await migration.handle.signal('updateOptions', { cells: ['nope'] });
    await migration.until(({ requested }) => !requested.includes('updateOptions'));
    expect(await migration.status()).toMatchObject({ refusal: { code: 'CELL_NOT_FOUND' } });
    expect(await migration.update('updateOptions', cells)).toEqual(updated);
    expect(await migration.status()).toMatchObject({ refusal: null, phase: 'replicating' });
    await cancelled(migration);
  });

  it.each([
    { payload: {}, message: /names no option/ },
    { payload: { nope: 1 }, message: /nope is not an option/ },
    { payload: { vdiffWaitTime: '2 minutes' }, message: /vdiffWaitTime must be a duration from 1s to 1h/ },
    { payload: { source: 'ext2.load' }, message: /source/ },
  ])('$payload makes no sense', async ({ payload, message }) => {
    const script = new Script();
    const migration = await bench.migrate(script);
    await migration.until(({ phase }) => phase === 'replicating');
    expect((await migration.refusal('updateOptions', payload)).message).toMatch(message);
    await migration.handle.signal('updateOptions', payload);
    await migration.until(({ lastError }) => lastError?.code === 'INVALID_INPUT');
    expect(script.count('updateOptions')).toBe(0);
    await cancelled(migration);
  });

  it('past the point of no return, and while it is cancelled', async () => {
    const script = new Script();
    const serving = script.hold('serve', { deaf: true });
    const migration = await bench.migrate(script, { complete: 'auto' });
    await serving.reached;
    expect((await migration.refusal('updateOptions', cells)).message).toMatch(/past the point of no return/);
    await migration.handle.signal('updateOptions', cells);
    serving.release();
    expect(await migration.result()).toMatchObject({ outcome: 'completed' });
    const other = new Script();
    const cancelling = other.hold('cancel', { deaf: true });
    const second = await bench.migrate(other);
    await second.until(({ phase }) => phase === 'replicating');
    await second.handle.signal('cancel');
    await cancelling.reached;
    expect((await second.refusal('updateOptions', cells)).message).toMatch(/being cancelled/);
    cancelling.release();
    expect(await second.result()).toMatchObject({ outcome: 'cancelled' });
    expect(script.count('updateOptions') + other.count('updateOptions')).toBe(0);
  });
});

it('replays every history of this file', async () => {
  const { replayed, broken } = await bench.replayAll();
  expect(broken).toEqual([]);
  expect(replayed).toBeGreaterThan(10);
});
