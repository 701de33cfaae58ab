import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cellsNotReached, tablesStillKnown } from '../../src/migration/problem/cell-not-reached.js';
import { MigrationError } from '../../src/migration/problem/errors.js';
import { lateWrites } from '../../src/migration/proof/late-writes.js';
import {
  cleanVDiff,
  dirtyVDiff,
  failedVDiff,
  sampleGap,
  sampleProblem,
  sampleProof,
} from '../support/workflow/samples.js';
import { fails, returns, Script, untilCancelled } from '../support/workflow/scripted-activities.js';
import { inSkippedTime } from '../support/workflow/skipped-time.js';
import { Bench } from '../support/workflow/workflow-bench.js';

const unreadable = new MigrationError('TABLET_UNREACHABLE', 'the tablet does not answer', { shard: '0' }, 'start it');
const mountGone = new MigrationError('MOUNT_NOT_FOUND', 'there is no mount ext1', { cluster: 'target' }, 'mount it');

const zone9 = { cell: 'zone9', why: 'no answer' };

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.start({ daysPass: true });
});
afterAll(() => bench.stop());

/** How long each watch of a script's workflow was to last, once the copy had finished. */
const waits = (script: Script) =>
  script.calls.flatMap(({ name, args }) =>
    name === 'observe' && (args[2] as { copyingSince: unknown }).copyingSince === null
      ? [(args[2] as { maxSeconds: number }).maxSeconds]
      : [],
  );

describe('a proof with gaps', () => {
  it('is tried again with growing delays until there is none', async () => {
    const script = new Script().on('prove', ...Array.from({ length: 5 }, () => returns([sampleGap])));
    script.always('observe', inSkippedTime(bench.env));
    expect(await (await bench.migrate(script, { complete: 'auto' })).result()).toMatchObject({ outcome: 'completed' });
    expect(script.count('prove')).toBe(6);
    expect(script.count('publish')).toBe(1);
    expect(waits(script)).toEqual([5, 10, 20, 40, 80]);
    expect(script.steps().slice(-6)).toEqual(['prove', 'checksumNow', 'watchSource', 'publish', 'finish', 'serve']);
  });

  it('watches the source by itself only where the comparison has not seen who writes to it', async () => {
    const seen = lateWrites(['corder'], { cluster: 'ext1' }, 30);
    const script = new Script().on('checksumNow', returns({ report: sampleProof(), gaps: [], lateWrites: seen }));
    const result = await (await bench.migrate(script, { complete: 'auto' })).result();
    expect(result).toMatchObject({ outcome: 'completed', warnings: [seen] });
    expect(script.steps().slice(-4)).toEqual(['checksumNow', 'publish', 'finish', 'serve']);
  });

  it('does not make the VDiff too old by the time that it takes', async () => {
    const script = new Script();
    script.always('prove', () => sleep(50, []));
    const result = await (await bench.migrate(script, { complete: 'auto', vdiffMaxAge: '1ms' })).result();
    expect(result).toMatchObject({ outcome: 'completed' });
    expect([script.count('vdiff'), script.count('prove')]).toEqual([1, 1]);
  });

  it('is none for a cell that cannot be reached: that is a warning, once', async () => {
    const away = cellsNotReached('they do not know the tables', [zone9], { cluster: 'target' });
    const script = new Script()
      .on('publish', returns(away), returns(away))
      .on('finish', returns({ gaps: [sampleGap], cutover: null }));
    script.always('observe', inSkippedTime(bench.env));
    const migration = await bench.migrate(script, { complete: 'auto', fenceSource: true });
    expect(await migration.result()).toMatchObject({ outcome: 'completed', warnings: away });
    expect(script.count('publish')).toBe(2);
  });

  it("nor for a cell of the source that still shows the source's tables", async () => {
    const away = tablesStillKnown([zone9], { cluster: 'ext1' });
    const script = new Script().on('retire', returns({ done: 'drop', kept: null, warnings: away }));
    const migration = await bench.migrate(script, { complete: 'auto', fenceSource: true, sourceTables: 'drop' });
    const result = await migration.result();
    expect(result).toMatchObject({ warnings: away });
    expect('sourceTables' in result && result.sourceTables).toEqual({ done: 'drop', kept: null });
  });

  describe('while another Complete is under way', () => {
    /** One that is raising its fence. */
    async function fencing() {
      const script = new Script();
      const fence = script.hold('fence');
      const migration = await bench.migrate(script);
      await migration.until(({ phase }) => phase === 'replicating');
      await migration.handle.signal('complete', { fenceSource: true });
      await fence.reached;
      return { script, migration, fence };
    }

    it('one without a fence takes the place of one with it, whose fence is taken down', async () => {
      const { script, migration } = await fencing();
      await migration.handle.signal('complete', { fenceSource: false });
      expect(await migration.result()).toMatchObject({ outcome: 'completed', fenced: false });
      expect(script.steps().slice(-8)).toEqual([
        'fence',
        'unpublish',
        'prove',
        'checksumNow',
        'watchSource',
        'publish',
        'finish',
        'serve',
      ]);
    });

    it('one with a fence takes the place of one without', async () => {
      const script = new Script();
      const publish = script.hold('publish');
      const migration = await bench.migrate(script, { complete: 'auto' });
      await publish.reached;
      await migration.handle.signal('complete', { fenceSource: true });
      expect(await migration.result()).toMatchObject({ outcome: 'completed', fenced: true });
      expect(script.count('unpublish')).toBe(1);
      expect(script.calls.find(({ name }) => name === 'finish')?.args[1]).toMatchObject({ fenced: true });
    });

    it.each([{}, { fenceSource: true }])('%o joins one with a fence', async (request) => {
      const { script, migration, fence } = await fencing();
      await migration.handle.signal('complete', request);
      await migration.status();
      fence.release();
      expect(await migration.result()).toMatchObject({ outcome: 'completed', fenced: true });
      expect(script.count('unpublish')).toBe(0);
    });

    it('Cancel does not wait until the first one has been taken back', async () => {
      const script = new Script().always('unpublish', untilCancelled);
      const publish = script.hold('publish');
      const migration = await bench.migrate(script, { complete: 'auto' });
      await publish.reached;
      await migration.handle.signal('complete', { fenceSource: true });
      await migration.until(() => script.count('unpublish') > 0);
      await migration.handle.signal('cancel');
      expect(await migration.result()).toMatchObject({ outcome: 'cancelled' });
    });
  });

  it('is tried at once when somebody asks again', async () => {
    const script = new Script().on('prove', returns([sampleGap]));
    const migration = await bench.migrate(script, { complete: 'auto' });
    await migration.until((status) => status.missing.length > 0 && status.phase === 'replicating');
    await migration.handle.signal('complete');
    expect(await migration.result()).toMatchObject({ outcome: 'completed' });
    expect(await migration.status()).toMatchObject({ missing: [] });
    expect(script.count('prove')).toBe(2);
  });

  it.each([
    { what: 'for a while', behaviours: Array.from({ length: 4 }, () => fails(unreadable)), tries: 2, missing: 0 },
    { what: 'three times', behaviours: Array.from({ length: 9 }, () => fails(unreadable)), tries: 4, missing: 1 },
    { what: 'for good', behaviours: [fails(mountGone)], tries: 2, missing: 1 },
  ])('that cannot be made $what is no reason to give up', async ({ behaviours, tries, missing }) => {
    const script = new Script().on('prove', ...behaviours).always('observe', inSkippedTime(bench.env));
    const migration = await bench.migrate(script, { complete: 'auto' });
    expect(await migration.result()).toMatchObject({ outcome: 'completed' });
    expect(script.count('prove')).toBe(tries);
    expect(waits(script)).toHaveLength(missing);
    expect(script.count('cancel')).toBe(0);
  });

  it('shows an unreadable cluster as what is missing', async () => {
    const script = new Script().on('prove', fails(mountGone));
    const migration = await bench.migrate(script, { complete: 'auto' });
    const status = await migration.until(({ phase }) => phase === 'replicating');
    expect(status.missing).toEqual([mountGone.toProblem()]);
    expect(status.lastError).toEqual(mountGone.toProblem());
    await migration.handle.signal('cancel');
    await migration.result();
  });

  it('found under the lock takes the publication back, and waits', async () => {
    const script = new Script()
      .on('finish', returns({ gaps: [sampleGap], cutover: null }))
      .always('observe', inSkippedTime(bench.env));
    const migration = await bench.migrate(script, { complete: 'auto' });
    expect(await migration.result()).toMatchObject({ outcome: 'completed' });
    const around = script.steps().slice(script.steps().indexOf('prove'));
    expect(around).toEqual([
      'prove',
      'checksumNow',
      'watchSource',
      'publish',
      'finish',
      'unpublish',
      'observe',
      'prove',
      'checksumNow',
      'watchSource',
      'publish',
      'finish',
      'serve',
    ]);
  });

  it('says that the fence is down when it is, and not before', async () => {
    const script = new Script().on('fence', returns([sampleGap]));
    const takingDown = script.hold('unpublish');
    const migration = await bench.migrate(script, { complete: 'auto', fenceSource: true });
    await takingDown.reached;
    expect(await migration.status()).toMatchObject({ phase: 'completing', missing: [] });
    takingDown.release();
    const status = await migration.until(({ phase }) => phase === 'replicating');
    expect(status.missing).toEqual([sampleGap]);
    await migration.handle.signal('cancel');
    await migration.result();
  });

  it('goes forward when finish has failed on its way, past the point of no return', async () => {
    const down = new MigrationError('TABLET_UNREACHABLE', 'no answer', { shard: '80-' }, 'start it');
    const tooLate = new MigrationError('PAST_NO_RETURN', 'streams are being deleted', {}, 'let Complete end');
    // Three tries of the activity for each of the three of the step.
    const script = new Script()
      .on('finish', ...Array.from({ length: 9 }, () => fails(down)))
      .on('unpublish', fails(tooLate))
      .always('observe', inSkippedTime(bench.env));
    const migration = await bench.migrate(script, { complete: 'auto' });
    expect(await migration.result()).toMatchObject({ outcome: 'completed' });
    const after = script.steps().slice(script.steps().indexOf('unpublish'));
    expect(after).toEqual(['unpublish', 'finish', 'serve']);
    expect(await migration.status()).toMatchObject({ phase: 'completed', pastNoReturn: true });
  });

  it('a publication that fails is taken for a gap, and made later', async () => {
    const script = new Script().on('publish', fails(mountGone)).always('observe', inSkippedTime(bench.env));
    await (await bench.migrate(script, { complete: 'auto' })).result();
    const around = script.steps().slice(script.steps().indexOf('prove'));
    expect(around).toEqual([
      'prove',
      'checksumNow',
      'watchSource',
      'publish',
      'observe',
      'prove',
      'checksumNow',
      'watchSource',
      'publish',
      'finish',
      'serve',
    ]);
  });
});

describe('a VDiff that is not clean', () => {
  it('keeps Complete waiting, until one is', async () => {
    const script = new Script().on('vdiff', returns(dirtyVDiff()));
    const migration = await bench.migrate(script, { complete: 'auto' });
    const status = await migration.until(({ phase }) => phase === 'replicating');
    expect(status).toMatchObject({
      requested: ['complete'],
      waitingFor: ['vdiff once more, complete with acceptRows or force, or cancel'],
      vdiff: dirtyVDiff(),
    });
    await migration.handle.signal('complete');
    await migration.until(({ phase }) => phase === 'replicating');
    expect(script.steps()).not.toContain('prove');
    await migration.handle.signal('vdiff');
    expect(await migration.result()).toMatchObject({ outcome: 'completed', vdiff: { state: 'completed' } });
    expect(script.count('vdiff')).toBe(2);
  });

  it('is accepted by complete with force', async () => {
    const script = new Script().on('vdiff', returns(dirtyVDiff()));
    const migration = await bench.migrate(script, { complete: 'auto' });
    await migration.until(({ phase }) => phase === 'replicating');
    await migration.handle.signal('complete', { force: true });
    expect(await migration.result()).toMatchObject({ outcome: 'completed', vdiff: dirtyVDiff() });
    expect(script.count('vdiff')).toBe(1);
    expect(script.count('prove')).toBe(1);
  });

  it('does not make force skip the rest of the proof', async () => {
    const script = new Script()
      .on('vdiff', returns(dirtyVDiff()))
      .on('prove', returns([sampleGap]))
      .always('observe', inSkippedTime(bench.env));
    const hold = script.hold('vdiff', { then: returns(dirtyVDiff()) });
    const migration = await bench.migrate(script);
    await migration.handle.signal('complete', { force: true });
    hold.release();
    await migration.result();
    expect(script.count('prove')).toBe(2);
    expect(waits(script)[0]).toBe(5);
  });
});

describe('a VDiff that does not end well', () => {
  it.each([
    { what: 'error', behaviour: returns(failedVDiff('error')) },
    { what: 'stalled', behaviour: returns(failedVDiff('stalled')) },
    { what: 'stopped', behaviour: returns(failedVDiff('stopped')) },
    { what: 'an activity that fails', behaviour: fails(mountGone) },
  ])('is tried three times, and then waits for a person: $what', async ({ behaviour }) => {
    const script = new Script().on('vdiff', behaviour, behaviour, behaviour);
    const migration = await bench.migrate(script, { complete: 'auto' });
    // The pauses between the tries.
    await migration.until(({ phase, vdiff }) => phase === 'verifying' && vdiff !== null);
    await bench.env.sleep('10s');
    await migration.until(() => script.count('vdiff') === 2);
    await bench.env.sleep('20s');
    const status = await migration.until(({ phase }) => phase === 'replicating');
    expect(script.count('vdiff')).toBe(3);
    expect(status.waitingFor).toEqual(['vdiff once more, complete with acceptRows or force, or cancel']);
    expect(status.missing).toMatchObject([{ code: 'VDIFF_NOT_CLEAN' }]);
    expect(Object.values(status.vdiff?.errors ?? {})).toHaveLength(1);
    await migration.handle.signal('vdiff');
    expect(await migration.result()).toMatchObject({
      outcome: 'completed',
      vdiff: cleanVDiff({ uuid: (await migration.status()).vdiff?.uuid ?? '' }),
    });
    expect(script.count('vdiff')).toBe(4);
  });

  it('because rows are on one side only is not tried again: they will not go away', async () => {
    const script = new Script().on('vdiff', returns({ ...failedVDiff(), state: 'differs' as const }));
    const migration = await bench.migrate(script, { complete: 'auto' });
    expect(await migration.until(({ phase }) => phase === 'replicating')).toMatchObject({
      missing: [{ code: 'VDIFF_NOT_CLEAN' }],
      vdiff: { state: 'differs' },
    });
    expect(script.count('vdiff')).toBe(1);
    await migration.handle.signal('complete', { force: true });
    expect(await migration.result()).toMatchObject({ outcome: 'completed', vdiff: { state: 'differs' } });
  });

  it('because a stream has ended pauses the migration, and runs again when that was mended', async () => {
    const trouble = { ...sampleProblem, kind: 'duplicate-key' as const, message: 'stream 1: duplicate entry' };
    const script = new Script().on('vdiff', returns({ ...failedVDiff('stopped'), trouble }));
    const migration = await bench.migrate(script, { complete: 'auto' });
    const status = await migration.until(({ phase }) => phase === 'paused');
    expect(status.waitingFor).toEqual([`a person: ${sampleProblem.remedy}`]);
    expect(script.count('vdiff')).toBe(1);
    await migration.handle.signal('resume');
    expect(await migration.result()).toMatchObject({ outcome: 'completed', vdiff: { state: 'completed' } });
    expect(script.count('vdiff')).toBe(2);
  });

  it('once is only tried again, with another UUID', async () => {
    const script = new Script().on('vdiff', returns(failedVDiff()));
    expect(await (await bench.migrate(script, { complete: 'auto' })).result()).toMatchObject({ outcome: 'completed' });
    const uuids = script.calls.filter(({ name }) => name === 'vdiff').map(({ args }) => args[1]);
    expect(new Set(uuids).size).toBe(2);
  });
});

it('replays every history of this file', async () => {
  const { replayed, broken } = await bench.replayAll();
  expect(broken).toEqual([]);
  expect(replayed).toBeGreaterThan(14);
});
