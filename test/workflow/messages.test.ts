import { CancelledFailure } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { replicating } from '../support/workflow/samples.js';
import { returns, Script, type StepName } from '../support/workflow/scripted-activities.js';
import { Bench, type Migration } from '../support/workflow/workflow-bench.js';

type Message = 'complete' | 'cancel' | 'vdiff' | 'Temporal cancellation';

/** A point in the life of a migration: the step that runs when the messages arrive. */
interface Point {
  phase: string;
  at: StepName;
  /** Complete has been asked for from the beginning. */
  auto?: boolean;
  /** Steps without a heartbeat do not hear that they are cancelled. */
  deaf?: boolean;
  /** Whether there is a journal, by which Cancel must put the target back. */
  journal: boolean;
  /** VDiffs in all, when one more is asked for here: one that is to come, or running, counts. */
  vdiffs: number;
}

const points: Point[] = [
  { phase: 'mounting', at: 'mount', deaf: true, journal: false, vdiffs: 1 },
  { phase: 'checking', at: 'preflight', journal: false, vdiffs: 1 },
  { phase: 'creating', at: 'create', journal: true, vdiffs: 1 },
  { phase: 'copying', at: 'observe', journal: true, vdiffs: 1 },
  { phase: 'verifying', at: 'vdiff', journal: true, vdiffs: 1 },
  { phase: 'replicating', at: 'observe', journal: true, vdiffs: 2 },
  { phase: 'completing', at: 'prove', auto: true, journal: true, vdiffs: 1 },
  { phase: 'completing', at: 'publish', auto: true, journal: true, vdiffs: 1 },
  { phase: 'completing', at: 'finish', auto: true, journal: true, vdiffs: 1 },
];

const mount = { topoType: 'etcd2', topoServer: 'localhost:12379', topoRoot: '/vitess/global' };
let bench: Bench;
beforeAll(async () => {
  bench = await Bench.start();
});
afterAll(() => bench.stop());

/** Brings a migration to a point, where it stays until `release`. */
async function bringTo(
  { phase, at, auto, deaf }: Point,
  script: Script,
): Promise<{ migration: Migration; release: () => void }> {
  if (phase === 'replicating') script.on('observe', returns(replicating()));
  const hold = script.hold(at, { deaf: deaf === true });
  const migration = await bench.migrate(script, { mount, complete: auto === true ? 'auto' : 'signal' });
  await hold.reached;
  expect(await migration.status()).toMatchObject({ phase });
  return { migration, release: hold.release };
}

async function send(migration: Migration, message: Message): Promise<void> {
  if (message === 'Temporal cancellation') await migration.handle.cancel();
  else await migration.handle.signal(message);
}

describe.each(points)('while $phase (at $at)', (point) => {
  it('complete completes, at once or when it can', async () => {
    const script = new Script();
    const { migration, release } = await bringTo(point, script);
    await send(migration, 'complete');
    release();
    expect(await migration.result()).toMatchObject({ outcome: 'completed' });
    expect(script.count('cancel')).toBe(0);
    expect(script.steps().slice(-2)).toEqual(['finish', 'serve']);
  });

  it(`vdiff gives ${point.vdiffs} in all, and nothing else`, async () => {
    const script = new Script();
    const { migration, release } = await bringTo(point, script);
    await send(migration, 'vdiff');
    release();
    if (point.auto !== true) {
      await migration.until((status) => status.phase === 'replicating' && script.count('vdiff') === point.vdiffs);
      expect(script.steps()).not.toContain('prove');
      await send(migration, 'complete');
    }
    expect(await migration.result()).toMatchObject({ outcome: 'completed' });
    expect(script.count('vdiff')).toBe(point.vdiffs);
  });

  const cancelling: { messages: Message[] }[] = [
    { messages: ['cancel'] },
    { messages: ['complete', 'cancel'] },
    { messages: ['cancel', 'complete'] },
    { messages: ['cancel', 'vdiff', 'cancel'] },
    { messages: ['Temporal cancellation'] },
    { messages: ['Temporal cancellation', 'cancel'] },
  ];
  it.each(cancelling)('$messages cancels, and puts the target back', async ({ messages }) => {
    const script = new Script();
    const { migration, release } = await bringTo(point, script);
    // Neither Complete nor Cancel may end before the last message has come.
    if (point.phase === 'replicating') script.hold('prove');
    const undo = script.hold('cancel', { deaf: true });
    for (const message of messages) await send(migration, message);
    undo.release();
    if (point.deaf === true) release();
    if (messages.includes('Temporal cancellation')) expect(await migration.failure()).toBeInstanceOf(CancelledFailure);
    else
      expect(await migration.result()).toMatchObject({
        outcome: 'cancelled',
        droppedTables: point.journal ? { '0': { count: 2, names: ['corder', 'customer'] } } : {},
      });
    expect(await migration.status()).toMatchObject({ phase: 'cancelled', pastNoReturn: false });
    // Without a journal there is nothing to put back, and to look for one does no harm.
    if (point.journal) expect(script.count('cancel')).toBe(1);
    else expect(script.steps()).not.toContain('create');
    expect(script.steps()).not.toContain('serve');
  });
});

describe('Cancel waits', () => {
  it.each<StepName>(['preflight', 'create', 'vdiff', 'prove', 'checksumNow', 'watchSource', 'publish'])(
    'until %s has ended',
    async (at) => {
      const script = new Script();
      const hold = script.hold(at, { deaf: true });
      const migration = await bench.migrate(script, { complete: 'auto' });
      await hold.reached;
      const { phase } = await migration.status();
      await migration.handle.signal('cancel');
      expect(await migration.until((status) => status.requested.includes('cancel'))).toMatchObject({ phase });
      expect(script.count('cancel')).toBe(0);
      hold.release();
      expect(await migration.result()).toMatchObject({ outcome: 'cancelled' });
      expect(script.steps().at(-2)).toBe(at);
      expect(script.count('cancel')).toBe(1);
    },
  );
});

describe('around the point of no return', () => {
  it.each<Message>(['cancel', 'Temporal cancellation'])(
    '%s that comes while finish marks the journal goes forward',
    async (message) => {
      const script = new Script();
      const hold = script.hold('finish', { deaf: true });
      const migration = await bench.migrate(script, { complete: 'auto' });
      await hold.reached;
      await send(migration, message);
      await migration.until((status) => status.requested.includes('cancel'));
      hold.release();
      expect(await migration.result()).toMatchObject({ outcome: 'completed' });
      expect(script.steps().slice(-4)).toEqual(['publish', 'finish', 'finish', 'serve']);
      expect(await migration.status()).toMatchObject({ phase: 'completed', pastNoReturn: true, lastError: null });
    },
  );

  it.each<Message>(['cancel', 'Temporal cancellation', 'vdiff', 'complete'])(
    '%s is too late while serving',
    async (message) => {
      const script = new Script();
      const hold = script.hold('serve');
      const migration = await bench.migrate(script, { complete: 'auto' });
      await hold.reached;
      await send(migration, message);
      // Refused if the migration believed that it is being cancelled.
      const { answer } = await migration.ask('complete');
      hold.release();
      expect(await answer).toMatchObject({ outcome: 'completed' });
      expect(await migration.result()).toMatchObject({ outcome: 'completed' });
      expect(script.steps().slice(-2)).toEqual(['finish', 'serve']);
      expect(script.count('vdiff')).toBe(1);
    },
  );
});

describe('payloads of signals', () => {
  it.each([
    { payload: 'yes' },
    { payload: 42 },
    { payload: [] },
    { payload: { force: 'yes' } },
    { payload: { forse: true } },
  ])('complete with $payload is shown and not acted on', async ({ payload }) => {
    const script = new Script();
    const hold = script.hold('observe');
    const migration = await bench.migrate(script);
    await hold.reached;
    await migration.handle.signal('complete', payload);
    const status = await migration.until(({ lastError }) => lastError !== null);
    expect(status.lastError).toMatchObject({ code: 'INVALID_INPUT' });
    expect(status.requested).toEqual([]);
    await migration.handle.signal('cancel');
    await migration.result();
  });

  it.each([
    { payload: null },
    { payload: {} },
    { payload: { force: false } },
    { payload: { force: true, dryRun: false } },
  ])('complete with $payload completes', async ({ payload }) => {
    const migration = await bench.migrate(new Script());
    await migration.handle.signal('complete', payload);
    expect(await migration.result()).toMatchObject({ outcome: 'completed' });
  });

  it('complete that only asks (dryRun) asks nobody when it is a signal', async () => {
    const script = new Script();
    const hold = script.hold('observe');
    const migration = await bench.migrate(script);
    await hold.reached;
    await migration.handle.signal('complete', { dryRun: true });
    // A second message that shows when the first has been seen.
    await migration.handle.signal('complete', 'nonsense');
    expect(await migration.until(({ lastError }) => lastError !== null)).toMatchObject({ requested: [] });
    await migration.handle.signal('cancel', { please: true });
    expect(await migration.result()).toMatchObject({ outcome: 'cancelled' });
  });

  it('a signal nobody knows changes nothing', async () => {
    const migration = await bench.migrate(new Script(), { complete: 'auto' });
    await migration.handle.signal('halt');
    expect(await migration.result()).toMatchObject({ outcome: 'completed' });
  });
});

it('replays every history of this file', async () => {
  const { replayed, broken } = await bench.replayAll();
  expect(broken).toEqual([]);
  expect(replayed).toBeGreaterThan(80);
});
