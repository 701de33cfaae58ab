import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { CompleteAnswer, PauseAnswer } from '../../src/workflows/messages.js';
import { copying, replicating, sampleGap, sampleProblem, sampleProof } from '../support/workflow/samples.js';
import {
  hearing,
  reporting,
  returns,
  Script,
  untilCancelled,
  type Behaviour,
} from '../support/workflow/scripted-activities.js';
import {
  Bench,
  devServer,
  suggestingContinueAsNewAfter,
  refOf,
  type Migration,
} from '../support/workflow/workflow-bench.js';

/** Events after which the server suggests to continue as new. */
const bound = 40;

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.start({ environment: await devServer(...suggestingContinueAsNewAfter(bound)) });
});
afterAll(() => bench.stop());

const soon = <T>(value: T): Promise<T> => hearing(new Promise((resolve) => setTimeout(resolve, 20, value)));

/** Ends each watch at once while `busy`, so that the history grows; the last one waits as usual. */
function busyWatching(seen: () => ReturnType<typeof replicating>, busy: () => boolean): Behaviour<'observe'> {
  let looks = 0;
  return () => {
    const observation = { ...seen(), problems: looks++ % 2 === 0 ? [] : [sampleProblem] };
    return busy() ? soon(observation) : hearing(new Promise<never>(() => undefined));
  };
}

/** A migration that a failed test leaves behind must not continue as new for ever. */
function untilFinished(): () => boolean {
  let running = true;
  onTestFinished(() => {
    running = false;
  });
  return () => running;
}

async function runsOf(migration: Migration): Promise<number> {
  return (await bench.historiesOf(migration.handle.workflowId)).length;
}

async function untilRun(migration: Migration, count: number): Promise<void> {
  await repeat(`run ${count}`, async () => ((await runsOf(migration)) >= count ? true : undefined));
}

/** Tries until there is an answer. */
async function repeat<T>(what: string, attempt: () => Promise<T | undefined>): Promise<T> {
  for (const deadline = Date.now() + 240_000; Date.now() < deadline;) {
    const answer = await attempt();
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${what} never came`);
}

describe('a migration whose history grows continues as new', () => {
  it('while copying; then it completes, with the same result and the same owner of its journal', async () => {
    let done = false;
    const script = new Script();
    script.always(
      'observe',
      busyWatching(() => (done ? replicating() : copying(0.5)), untilFinished()),
    );
    const migration = await bench.migrate(script, { complete: 'auto' });
    await untilRun(migration, 3);
    expect(await migration.status()).toMatchObject({ phase: 'copying', requested: ['complete'], copiedPercent: 50 });
    done = true;
    expect(await migration.result()).toMatchObject({
      outcome: 'completed',
      tables: { count: 2, names: ['corder', 'customer'] },
      vdiff: { state: 'completed' },
    });
    expect(script.count('preflight')).toBe(1);
    expect(script.count('create')).toBe(1);
    const owners = script.calls.filter(({ name }) => name !== 'mount').map(({ args }) => args[0]);
    for (const owner of owners) expect(owner).toEqual(refOf(migration));
    for (const history of await bench.historiesOf(migration.handle.workflowId))
      expect(history.events?.length).toBeLessThan(3 * bound);
  });

  it('while replicating: what was said before is remembered, what is said after is heard', async () => {
    let busy = true;
    const running = untilFinished();
    const script = new Script().always('observe', (ref, since, wait) =>
      wait.copyingSince === null ? watch(ref, since, wait) : Promise.resolve(replicating()),
    );
    const watch = busyWatching(replicating, () => busy && running());
    const migration = await bench.migrate(script, { fenceSource: false });
    await migration.until(({ phase }) => phase === 'replicating');
    await migration.handle.signal('keepSource');
    const { vdiff } = await migration.status();
    await untilRun(migration, 2);
    expect(await migration.status()).toMatchObject({
      phase: 'replicating',
      vdiff,
      waitingFor: ['complete, or cancel'],
    });
    busy = false;
    await migration.handle.signal('complete', { sourceTables: 'drop' });
    expect(await migration.result()).toMatchObject({ outcome: 'completed', sourceTables: { done: 'keep' } });
    expect(script.count('vdiff')).toBe(1);
  });

  it('while paused, without stopping the streams once more', async () => {
    let busy = true;
    const running = untilFinished();
    const watch = busyWatching(replicating, () => busy && running());
    const script = new Script().always('observe', (ref, since, wait) =>
      wait.copyingSince === null ? watch(ref, since, wait) : Promise.resolve(replicating()),
    );
    const migration = await bench.migrate(script);
    await migration.until(({ phase }) => phase === 'replicating');
    expect(await update<PauseAnswer>(migration, 'pause')).toEqual({ outcome: 'paused' });
    const before = await runsOf(migration);
    await untilRun(migration, before + 1);
    busy = false;
    expect(await migration.status()).toMatchObject({ phase: 'paused', waitingFor: ['resume, or cancel'] });
    expect(script.count('pause')).toBe(1);
    expect(await update<PauseAnswer>(migration, 'resume')).toEqual({ outcome: 'resumed' });
    await update<CompleteAnswer>(migration, 'complete');
    expect(await migration.result()).toMatchObject({ outcome: 'completed' });
  });

  it('while a Complete is not proven: each run goes on with the delays of the one before', async () => {
    const script = new Script().always('prove', returns([sampleGap]));
    script.always('observe', (_ref, _since, wait) => {
      if (wait.copyingSince !== null) return Promise.resolve(replicating());
      return soon(replicating());
    });
    const migration = await bench.migrate(script, { complete: 'auto' });
    await untilRun(migration, 5);
    const delays = script.calls.flatMap(({ name, args }) =>
      name === 'observe' ? [args[2] as { maxSeconds: number }] : [],
    );
    expect(Math.max(...delays.map(({ maxSeconds }) => maxSeconds))).toBeGreaterThanOrEqual(80);
    expect(await migration.status()).toMatchObject({ requested: ['complete'] });
    await migration.handle.signal('cancel');
    expect(await migration.result()).toMatchObject({ outcome: 'cancelled' });
  });
});

/** As the command line does: an update that a continue-as-new has cut off is sent again. */
function update<T>(migration: Migration, name: string, payload: unknown = {}): Promise<T> {
  return repeat(`the answer of ${name}`, () =>
    migration.update<T>(name, payload).catch((error: unknown) => {
      expect(refusalToContinue(error)).toBe('the workflow is continuing as new: ask again');
      return undefined;
    }),
  );
}

/** A dry run that has come to `reached`: it is refused while the history is long. */
function asked(migration: Migration, reached: Promise<void>): Promise<{ answer: Promise<CompleteAnswer> }> {
  return repeat('a dry run that is accepted', async () => {
    const { answer } = await migration.ask<CompleteAnswer>('complete', { dryRun: true });
    try {
      await Promise.race([reached, answer]);
      return { answer };
    } catch (error) {
      expect(refusalToContinue(error)).toMatch(/continuing as new: ask again|ask by the workflow readiness instead/);
      return undefined;
    }
  });
}

function refusalToContinue(error: unknown): string | undefined {
  const { type, message } = (error as { cause?: { type?: string; message?: string } }).cause ?? {};
  if (type !== 'CONTINUED_AS_NEW') throw error;
  return message;
}

describe('messages around the moment', () => {
  it('none of many is lost, whenever it comes', async () => {
    const watch = busyWatching(replicating, untilFinished());
    const script = new Script().always('observe', (ref, since, wait) =>
      wait.copyingSince === null ? watch(ref, since, wait) : Promise.resolve(replicating()),
    );
    const migration = await bench.migrate(script);
    await migration.until(({ phase }) => phase === 'replicating');
    for (let i = 0; i < 12; i++) {
      expect(await update<PauseAnswer>(migration, 'pause')).toEqual({ outcome: 'paused' });
      await migration.handle.signal('resume');
      expect(await update(migration, 'vdiff')).toMatchObject({ clean: true });
    }
    expect(await runsOf(migration)).toBeGreaterThan(2);
    await migration.handle.signal('cancel');
    expect(await migration.result()).toMatchObject({ outcome: 'cancelled' });
  });

  it('an update that comes while the comparison of the rows is being stopped is not cut off', async () => {
    let stopping: () => void;
    const isStopping = new Promise<void>((resolve) => (stopping = resolve));
    const slow = new Promise<void>((resolve) => void isStopping.then(() => setTimeout(resolve, 1_000)));
    const script = new Script().on('checksum', () =>
      untilCancelled().finally(() => {
        stopping();
        return slow;
      }),
    );
    const watch = busyWatching(replicating, untilFinished());
    script.always('observe', (ref, since, wait) =>
      wait.copyingSince === null ? watch(ref, since, wait) : Promise.resolve(replicating()),
    );
    const migration = await bench.migrate(script);
    await isStopping;
    expect(await update<PauseAnswer>(migration, 'pause')).toEqual({ outcome: 'paused' });
    await migration.handle.signal('cancel');
    expect(await migration.result()).toMatchObject({ outcome: 'cancelled' });
  });

  it('an update that asks the clusters is answered first', async () => {
    const watch = busyWatching(replicating, untilFinished());
    const script = new Script().always('checksum', reporting(sampleProof()));
    script.always('observe', (ref, since, wait) =>
      wait.copyingSince === null ? watch(ref, since, wait) : Promise.resolve(replicating()),
    );
    const hold = script.hold('prove');
    const migration = await bench.migrate(script);
    await migration.until(({ phase, proof }) => phase === 'replicating' && proof !== null);
    const { answer } = await asked(migration, hold.reached);
    const before = await runsOf(migration);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(await runsOf(migration)).toBeLessThanOrEqual(before + 1);
    hold.release();
    expect(await answer).toMatchObject({ outcome: 'ready' });
    await untilRun(migration, before + 1);
    await migration.handle.signal('cancel');
    expect(await migration.result()).toMatchObject({ outcome: 'cancelled' });
  });
});

it('a state that is given by hand is refused', async () => {
  const script = new Script();
  const id = 'commerce.by_hand';
  const input = { source: 'ext1.load', target: id, all: true };
  const handle = await bench.start('migrate', id, [input, { intents: {}, facts: {}, progress: {} }], script);
  await expect(handle.result()).rejects.toMatchObject({
    cause: {
      type: 'INVALID_INPUT',
      nonRetryable: true,
      message: expect.stringMatching(/takes one argument/) as string,
    },
  });
  expect(script.calls).toEqual([]);
});

it('replays every history of this file', async () => {
  const { replayed, broken } = await bench.replayAll();
  expect(broken).toEqual([]);
  expect(replayed).toBeGreaterThan(12);
});
