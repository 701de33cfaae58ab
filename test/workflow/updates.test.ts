import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MigrationError } from '../../src/migration/problem/errors.js';
import type { CancelAnswer, CompleteAnswer, VDiffAnswer } from '../../src/workflows/messages.js';
import { cleanVDiff, dirtyVDiff, sampleGap, sampleProof, sampleRehearsal } from '../support/workflow/samples.js';
import { fails, returns, Script, type StepName } from '../support/workflow/scripted-activities.js';
import { Bench, devServer, Migration } from '../support/workflow/workflow-bench.js';

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.start({ environment: await devServer() });
});
afterAll(() => bench.stop());

/** A migration that has come as far as it can by itself. */
async function waiting(script: Script, input: Record<string, unknown> = {}): Promise<Migration> {
  const migration = await bench.migrate(script, input);
  await migration.until((status) => status.phase === 'replicating');
  return migration;
}

/** A migration that stays in a step until it is released. */
async function held(
  script: Script,
  at: StepName,
  input: Record<string, unknown> = {},
): Promise<{ migration: Migration; release: () => void }> {
  const hold = script.hold(at);
  const migration = await bench.migrate(script, input);
  await hold.reached;
  return { migration, release: hold.release };
}

const cancelled = async (migration: Migration) => {
  await migration.handle.signal('cancel');
  expect(await migration.result()).toMatchObject({ outcome: 'cancelled' });
};

describe('the update complete', () => {
  it('answers completed when it is done', async () => {
    const migration = await waiting(new Script());
    expect(await migration.update<CompleteAnswer>('complete')).toEqual({
      outcome: 'completed',
      waitingFor: [],
      missing: [],
    });
    expect(await migration.result()).toMatchObject({ outcome: 'completed' });
  });

  it.each<{ at: StepName; waitingFor: string[] }>([
    { at: 'preflight', waitingFor: [] },
    { at: 'create', waitingFor: [] },
    { at: 'observe', waitingFor: ['the copy to finish'] },
    { at: 'vdiff', waitingFor: ['VDiff to finish'] },
  ])('answers remembered during $at, and is carried out later', async ({ at, waitingFor }) => {
    const { migration, release } = await held(new Script(), at);
    expect(await migration.update<CompleteAnswer>('complete', { force: false })).toEqual({
      outcome: 'remembered',
      waitingFor,
      missing: [],
    });
    expect((await migration.status()).requested).toEqual(['complete']);
    release();
    expect(await migration.result()).toMatchObject({ outcome: 'completed' });
  });

  it('answers what the proof lacks', async () => {
    const migration = await waiting(
      new Script().on('prove', returns([sampleGap])).always('prove', returns([sampleGap])),
    );
    expect(await migration.update<CompleteAnswer>('complete')).toEqual({
      outcome: 'remembered',
      waitingFor: ['what Complete still lacks'],
      missing: [sampleGap],
    });
    expect(await migration.status()).toMatchObject({
      phase: 'replicating',
      requested: ['complete'],
      missing: [sampleGap],
      waitingFor: ['what Complete still lacks'],
    });
    await cancelled(migration);
  });

  it('answers what is wrong with the VDiff', async () => {
    const script = new Script().on('vdiff', returns(dirtyVDiff()));
    const migration = await waiting(script);
    const answer = await migration.update<CompleteAnswer>('complete');
    expect(answer).toMatchObject({
      outcome: 'remembered',
      waitingFor: ['vdiff once more, complete with acceptRows or force, or cancel'],
      missing: [{ code: 'VDIFF_NOT_CLEAN', place: { table: 'corder' } }],
    });
    expect((await migration.status()).missing).toEqual(answer.missing);
    expect(script.count('prove')).toBe(0);
    await cancelled(migration);
  });

  it('answers cancelled when Cancel comes in between', async () => {
    const script = new Script();
    const { migration } = await held(script, 'prove', { complete: 'auto' });
    const { answer } = await migration.ask<CompleteAnswer>('complete');
    await migration.handle.signal('cancel');
    expect(await answer).toEqual({ outcome: 'cancelled', waitingFor: [], missing: [] });
  });

  it('answers completed past the point of no return, to each who asked', async () => {
    const { migration, release } = await held(new Script(), 'serve', { complete: 'auto' });
    const asked = [
      await migration.ask<CompleteAnswer>('complete'),
      await migration.ask<CompleteAnswer>('complete', { force: true }),
    ];
    release();
    expect(await Promise.all(asked.map(({ answer }) => answer))).toMatchObject([
      { outcome: 'completed' },
      { outcome: 'completed' },
    ]);
  });

  it('is refused with a payload that makes no sense', async () => {
    const migration = await waiting(new Script());
    expect(await migration.refusal('complete', { force: 1, dry: true })).toMatchObject({
      type: 'INVALID_INPUT',
      message: expect.stringMatching(/force must be a boolean; dry is not an option/) as string,
    });
    expect((await migration.status()).requested).toEqual([]);
    await cancelled(migration);
  });
});

describe('the update complete as a dry run', () => {
  it.each([
    { name: 'ready', vdiff: cleanVDiff(), gaps: [], force: false, outcome: 'ready', missing: [] },
    { name: 'gaps', vdiff: cleanVDiff(), gaps: [sampleGap], force: false, outcome: 'not ready', missing: [sampleGap] },
    {
      name: 'dirty',
      vdiff: dirtyVDiff(),
      gaps: [],
      force: false,
      outcome: 'not ready',
      missing: [{ code: 'VDIFF_NOT_CLEAN' }],
    },
    { name: 'dirty, by force', vdiff: dirtyVDiff(), gaps: [], force: true, outcome: 'ready', missing: [] },
  ])('answers $outcome ($name), and asks for nothing', async ({ vdiff, gaps, force, outcome, missing }) => {
    const script = new Script().on('vdiff', returns(vdiff)).always('prove', returns(gaps));
    const migration = await waiting(script.on('checksum', returns(sampleProof())));
    await migration.until(({ proof }) => proof !== null);
    const events = await migration.events();
    const input = { target: migration.handle.workflowId, force };
    const asked = await bench.start('readiness', `readiness-${randomUUID()}`, [input], script);
    const known: unknown = await asked.result();
    expect(await migration.events()).toBe(events);
    const answer = await migration.update<CompleteAnswer>('complete', { dryRun: true, force });
    expect(known).toEqual(answer);
    expect(answer).toMatchObject({ outcome, missing });
    expect(answer.missing).toHaveLength(missing.length);
    expect(await migration.status()).toMatchObject({ phase: 'replicating', requested: [] });
    expect(script.steps()).not.toContain('publish');
    await cancelled(migration);
  });

  it.each([
    ['at Create', { fenceSource: true }, {}, true],
    ['with it', {}, { fenceSource: true }, true],
    ['nowhere', {}, {}, false],
    ['and taken back with it', { fenceSource: true }, { fenceSource: false }, false],
  ])('with a fence asked for %s predicts the cutover', async (_, input, payload, predicted) => {
    const script = new Script().on('checksum', returns(sampleProof()));
    const migration = await waiting(script, input);
    await migration.until(({ proof }) => proof !== null);
    const answer = await migration.update<CompleteAnswer>('complete', { dryRun: true, ...payload });
    const cutover = { basis: sampleRehearsal({ took: expect.any(Number) as number }) };
    expect(answer).toMatchObject({ outcome: 'ready', cutover: predicted ? cutover : null });
    await cancelled(migration);
  });

  it('is ready without a prediction when that cannot be made, and has none when it is not ready', async () => {
    const down = fails(new MigrationError('TABLET_UNREACHABLE', 'no', {}, 'wait'));
    const script = new Script().on('checksum', returns(sampleProof())).always('rehearse', down);
    const migration = await waiting(script, { fenceSource: true });
    await migration.until(({ proof }) => proof !== null);
    expect(await migration.update('complete', { dryRun: true })).toMatchObject({ outcome: 'ready', cutover: null });
    const asked = script.count('rehearse');
    script.on('prove', returns([sampleGap]));
    expect(await migration.update('complete', { dryRun: true })).toMatchObject({ outcome: 'not ready', cutover: null });
    expect(script.count('rehearse')).toBe(asked);
    await cancelled(migration);
  });

  it('asks with its own options, not with those of a Complete that was asked for before', async () => {
    const script = new Script().always('prove', returns([sampleGap]));
    const migration = await waiting(script);
    const raise = { initializeTargetSequences: true };
    const options = () => script.calls.filter(({ name }) => name === 'prove').map(({ args }) => args[1]);
    await migration.update('complete', { dryRun: true, ...raise });
    expect(options()).toEqual([{ ...raise, fenceSource: false }]);
    await migration.update('complete', raise);
    await migration.update('complete', { dryRun: true });
    expect(options()).toContainEqual({ initializeTargetSequences: false, fenceSource: false });
    await cancelled(migration);
  });

  it('answers not ready before Create has ended', async () => {
    const script = new Script();
    const { migration } = await held(script, 'create');
    expect(await migration.update<CompleteAnswer>('complete', { dryRun: true })).toMatchObject({
      outcome: 'not ready',
      waitingFor: ['Create to finish'],
      missing: [{ code: 'NO_VDIFF' }],
    });
    expect(script.steps()).not.toContain('prove');
    await cancelled(migration);
  });
});

describe('the workflow readiness', () => {
  it('is refused where no migration runs, with the way to see why', async () => {
    const migration = await waiting(new Script());
    await cancelled(migration);
    for (const target of [migration.handle.workflowId, 'commerce.nobody']) {
      const asked = new Migration(await bench.start('readiness', `readiness-${target}`, [{ target }], new Script()));
      expect(await asked.failure()).toMatchObject({
        type: 'MIGRATION_NOT_FOUND',
        message: expect.stringContaining(`vtmigrate Workflow Show ${target}`) as string,
      });
    }
  });

  it('refuses what a dry run cannot have', async () => {
    const input = { target: 'commerce.wf', dryRun: false, leaveTables: ['t'] };
    const asked = new Migration(await bench.start('readiness', 'readiness-bad', [input], new Script()));
    expect(await asked.failure()).toMatchObject({
      type: 'INVALID_INPUT',
      message: expect.stringMatching(/dryRun .*leaveTables is not an option|leaveTables is not.*dryRun/) as string,
    });
  });
});

describe('the update cancel', () => {
  it('answers cancelled when everything has been put back', async () => {
    const script = new Script();
    const migration = await waiting(script);
    expect(await migration.update<CancelAnswer>('cancel')).toEqual({ outcome: 'cancelled' });
    expect(script.count('cancel')).toBe(1);
    expect(await migration.result()).toMatchObject({ outcome: 'cancelled' });
  });

  it('answers completed when the journal says so', async () => {
    const script = new Script().on('cancel', fails(new MigrationError('PAST_NO_RETURN', 'too late', {}, '')));
    const hold = script.hold('finish', { deaf: true });
    const migration = await bench.migrate(script, { complete: 'auto' });
    await hold.reached;
    const { answer } = await migration.ask<CancelAnswer>('cancel');
    hold.release();
    expect(await answer).toEqual({ outcome: 'completed' });
  });

  it('answers failed when the migration was failing already', async () => {
    const script = new Script().on('create', fails(new MigrationError('DDL_REFUSED', 'no', {}, '')));
    const { migration, release } = await held(script, 'cancel');
    const { answer } = await migration.ask<CancelAnswer>('cancel');
    release();
    expect(await answer).toEqual({ outcome: 'failed' });
    expect(await migration.failure()).toMatchObject({ type: 'DDL_REFUSED' });
    expect(script.count('cancel')).toBe(1);
  });
});

describe('the update vdiff', () => {
  it.each([
    { vdiff: cleanVDiff({ uuid: 'second' }), clean: true },
    { vdiff: dirtyVDiff({ uuid: 'second' }), clean: false },
  ])('answers what a new one has found (clean: $clean)', async ({ vdiff, clean }) => {
    const script = new Script().on('vdiff', returns(cleanVDiff({ uuid: 'first' })), returns(vdiff));
    const migration = await waiting(script);
    expect(await migration.update<VDiffAnswer>('vdiff')).toEqual({ vdiff, clean });
    await cancelled(migration);
  });

  it.each<StepName>(['create', 'observe', 'vdiff'])(
    'asked for during %s answers with the one after the copy',
    async (at) => {
      const script = new Script();
      const { migration, release } = await held(script, at);
      const { answer } = await migration.ask<VDiffAnswer>('vdiff');
      release();
      expect(await answer).toMatchObject({ clean: true });
      expect(script.count('vdiff')).toBe(1);
      await cancelled(migration);
    },
  );

  it('answers nothing when the migration is cancelled before', async () => {
    const { migration } = await held(new Script(), 'observe');
    const { answer } = await migration.ask<VDiffAnswer>('vdiff');
    await cancelled(migration);
    expect(await answer).toEqual({ vdiff: null, clean: false });
  });
});

describe('updates that come too late', () => {
  it.each(['complete', 'vdiff'])('%s is refused while the target is put back', async (name) => {
    const script = new Script();
    const undo = script.hold('cancel');
    const { migration } = await held(script, 'observe');
    await migration.handle.signal('cancel');
    await undo.reached;
    expect(await migration.refusal(name)).toMatchObject({ message: 'the migration is being cancelled' });
    undo.release();
    expect(await migration.result()).toMatchObject({ outcome: 'cancelled' });
  });

  it.each(['cancel', 'vdiff'])('%s is refused past the point of no return', async (name) => {
    const { migration, release } = await held(new Script(), 'serve', { complete: 'auto' });
    expect(await migration.refusal(name)).toMatchObject({
      type: 'PAST_NO_RETURN',
      message: expect.stringContaining('past the point of no return') as string,
    });
    release();
    expect(await migration.result()).toMatchObject({ outcome: 'completed' });
  });
});

it('replays every history of this file', async () => {
  const { replayed, broken } = await bench.replayAll();
  expect(broken).toEqual([]);
  expect(replayed).toBeGreaterThan(25);
});
