import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Phase } from '../../src/migration/lifecycle/status.js';
import { Script, type StepName } from '../support/workflow/scripted-activities.js';
import { Bench, devServer, type Migration } from '../support/workflow/workflow-bench.js';

/** Where a migration comes to rest. */
type Rest = 'completed' | 'cancelled' | 'replicating' | 'paused';
interface Cell {
  rest: Rest;
  refused: boolean;
}

/** The first table of the page: what is promised to a person is what is tried here. */
function promises(): Map<string, Map<string, Cell>> {
  const page = readFileSync(new URL('../../docs/completing-and-cancelling.md', import.meta.url), 'utf8');
  const lines = page.slice(page.indexOf('| phase |')).split('\n');
  const rows = lines
    .slice(
      0,
      lines.findIndex((line) => !line.startsWith('|')),
    )
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const [head = [], , ...body] = rows;
  return new Map(
    body.map(([phase = '', ...cells]) => [
      phase,
      new Map(
        cells.map((cell, i): [string, Cell] => [
          head[i + 1] ?? '',
          { rest: /\*\*(\w+)\*\*/.exec(cell)?.[1] as Rest, refused: cell.startsWith('*refused*') },
        ]),
      ),
    ]),
  );
}

const table = promises();
const messages = [...(table.get('copying')?.keys() ?? [])];

/** How to bring a migration into a phase, and what it does there if nothing is said. */
interface Point {
  at?: StepName;
  phase: Phase;
  deaf?: boolean;
  input?: Record<string, unknown>;
  rest: Rest;
}
const mount = { topoType: 'etcd2', topoServer: 'localhost:12379', topoRoot: '/vitess/global' };
const points: Record<string, Point> = {
  mounting: { at: 'mount', phase: 'mounting', deaf: true, input: { mount }, rest: 'replicating' },
  checking: { at: 'preflight', phase: 'checking', deaf: true, rest: 'replicating' },
  creating: { at: 'create', phase: 'creating', rest: 'replicating' },
  copying: { at: 'observe', phase: 'copying', rest: 'replicating' },
  repairing: { at: 'repair', phase: 'repairing', input: { repairFloats: ['customer'] }, rest: 'replicating' },
  verifying: { at: 'vdiff', phase: 'verifying', rest: 'replicating' },
  replicating: { phase: 'replicating', rest: 'replicating' },
  paused: { phase: 'paused', rest: 'paused' },
  'completing, before the point of no return': {
    at: 'publish',
    phase: 'completing',
    input: { complete: 'auto' },
    rest: 'completed',
  },
  'completing, after it': {
    at: 'serve',
    phase: 'completing',
    deaf: true,
    input: { complete: 'auto' },
    rest: 'completed',
  },
  retiring: {
    phase: 'retiring',
    input: { complete: 'auto', sourceTables: 'drop', sourceTablesAfter: '40s' },
    rest: 'completed',
  },
  cancelling: { at: 'cancel', phase: 'cancelling', deaf: true, rest: 'cancelled' },
};

/** `npm run check` tries every message, and of the pairs a sample, another one in each phase; `npm test` tries all. */
const stride = Number(process.env['VTMIGRATE_PAIR_STRIDE'] ?? 1);
const casesOf = (phase: number): string[][] => {
  const pairs = messages.flatMap((first) => messages.map((second) => [first, second]));
  return [...messages.map((message) => [message]), ...pairs.filter((_, i) => i % stride === phase % stride)];
};

let bench: Bench;
beforeAll(async () => {
  // No time is skipped here: what one migration waits for would run out the heartbeats of all others.
  bench = await Bench.start({ environment: await devServer(), heartbeatMs: 250 });
});
afterAll(() => bench.stop());

interface Held {
  migration: Migration;
  script: Script;
  release: () => void;
}

async function bringTo(point: Point): Promise<Held> {
  const script = new Script();
  const hold = point.at === undefined ? undefined : script.hold(point.at, { deaf: point.deaf === true });
  const migration = await bench.migrate(script, point.input);
  if (point.phase === 'paused' || point.phase === 'cancelling')
    await migration.until(({ phase }) => phase === 'replicating');
  if (point.phase === 'paused') await migration.handle.signal('pause');
  if (point.phase === 'cancelling') await migration.handle.signal('cancel');
  await hold?.reached;
  await migration.until(({ phase }) => phase === point.phase);
  return { migration, script, release: hold?.release ?? (() => undefined) };
}

/** The second table of the page, for messages that can be carried out. */
function restOf(point: Point, cells: Map<string, Cell>, said: readonly string[]): Rest {
  const heard = said.filter((message) => cells.get(message)?.refused !== true);
  if (point.rest === 'cancelled' || heard.includes('cancel')) return 'cancelled';
  const last = heard.findLast((message) => message === 'pause' || message === 'resume');
  if (last === 'pause' || (point.rest === 'paused' && last === undefined)) return 'paused';
  return heard.includes('complete') || point.rest === 'completed' ? 'completed' : 'replicating';
}

async function expectRest({ migration, script }: Held, rest: Rest, wanted: boolean): Promise<void> {
  if (rest === 'replicating' || rest === 'paused') {
    const status = await migration.until(
      ({ phase, requested }) => phase === rest && (rest === 'paused' || requested.length === 0),
    );
    expect(status.requested.includes('complete'), 'Complete is remembered over a pause').toBe(wanted);
    if (rest === 'paused' && wanted) {
      await migration.handle.signal('resume');
      expect(await migration.result()).toMatchObject({ outcome: 'completed' });
      return;
    }
    await migration.handle.signal('cancel');
    expect(await migration.result()).toMatchObject({ outcome: 'cancelled' });
    return;
  }
  expect(await migration.result()).toMatchObject({ outcome: rest });
  // Whatever was said: nobody completes twice, or half.
  if (rest === 'completed')
    expect(script.steps().filter((step) => step === 'serve' || step === 'cancel')).toEqual(['serve']);
  else expect(script.count('serve')).toBe(0);
}

it('the page promises something for each phase and message', () => {
  expect([...table.keys()]).toEqual(Object.keys(points));
  expect(messages).toEqual(['complete', 'cancel', 'vdiff', 'pause', 'leave', 'resume', 'keepSource']);
  for (const cells of table.values())
    for (const cell of cells.values()) expect(cell.rest).toMatch(/^(completed|cancelled|replicating|paused)$/);
});

/** Of all messages only one needs a payload. */
function say({ handle }: Migration, message: string): Promise<void> {
  return message === 'leave' ? handle.signal(message, { tables: ['corder'] }) : handle.signal(message);
}

/** From the phase to the rest, by itself: some phases last for a time that runs out. */
async function tryCase(said: readonly string[], point: Point, cells: Map<string, Cell>): Promise<void> {
  const held = await bringTo(point);
  for (const message of said) await say(held.migration, message);
  held.release();
  const [first = '', second] = said;
  const rest = second === undefined || second === first ? cells.get(first)?.rest : restOf(point, cells, said);
  const wanted =
    point.input?.['complete'] === 'auto' || (said.includes('complete') && cells.get('complete')?.refused !== true);
  await expectRest(held, rest ?? 'completed', wanted).catch((error: unknown) => {
    throw new Error(
      `${said.join(', then ')} while ${point.phase}: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  });
}

/** The phase that lasts longest is tried first, for most of its time is waiting. */
const phases = Object.entries(points).map(([name, point], i) => ({ name, point, cases: casesOf(i) }));
const longestFirst = phases.toSorted(
  (a, b) => Number(b.point.phase === 'retiring') - Number(a.point.phase === 'retiring'),
);

describe.concurrent.each(longestFirst)('$name', ({ name, point, cases }) => {
  const cells = table.get(name) ?? new Map<string, Cell>();

  it(`${cases.length} messages and pairs of messages come to what the page says`, async () => {
    // Side by side, but not all at once: each is asked for its status again and again.
    const size = point.phase === 'retiring' ? cases.length : 10;
    for (let from = 0; from < cases.length; from += size)
      await Promise.all(cases.slice(from, from + size).map((said) => tryCase(said, point, cells)));
  });

  const refused = messages.filter((message) => cells.get(message)?.refused === true);
  it.runIf(refused.length > 0)(`refuses ${refused.join(', ')}, and changes nothing`, async () => {
    const held = await bringTo(point);
    for (const message of refused)
      expect((await held.migration.refusal(message)).message).toMatch(/is being cancelled|past the point of no return/);
    held.release();
    await expectRest(held, point.rest, point.input?.['complete'] === 'auto');
  });
});

it("keepSource while the source's tables wait keeps them", async () => {
  const { migration, script } = await bringTo(points['retiring'] as Point);
  expect(await migration.update('keepSource')).toEqual({ outcome: 'kept' });
  expect(await migration.result()).toMatchObject({ outcome: 'completed', sourceTables: { done: 'keep' } });
  expect(script.calls.find(({ name }) => name === 'retire')?.args[1]).toBe('keep');
});

it('replays every history of this file', async () => {
  const { replayed, broken } = await bench.replayAll();
  expect(broken).toEqual([]);
  expect(replayed).toBeGreaterThanOrEqual(phases.flatMap(({ cases }) => cases).length);
});
