import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { RunningWorker } from '../../lab/worker.js';
import { allowOnSource, emptyTarget, lab, sourceMount as mount, type TargetKeyspace } from '../support/lab/lab.js';
import { everyFault, ofThisPart } from '../support/fault-part.js';
import { startPlainLab, stopOwnLab } from '../support/lab/own-lab.js';
import { Program, resultOf, until } from '../support/lab/program.js';
import { residue } from '../support/lab/residue.js';
import { contentsOf, type TableContents } from '../support/lab/rows.js';
import { keysOf, snapshot, topologyOf } from '../support/lab/snapshot.js';

const tables = ['customer', 'order line', 'product'];
/**
 * Seconds that a poll lasts at Temporal. A frozen worker has polls open, to which Temporal gives steps, and waits 10 s
 * for a sign of life each time; the fewer are open, the sooner the other worker gets them.
 */
const pollSeconds = 4;
/** Milliseconds: a woken worker is left alone until it has been silent for so long, or has had so much time. */
const silence = 3_500;
const longest = 30_000;

/** Where a worker freezes: at the n-th change, from the first one on that has `from` in its words. */
interface Freeze {
  at: number;
  moment: 'before' | 'after';
  from?: string;
}

interface Course {
  name: string;
  keyspace: TargetKeyspace;
  outcome: 'completed' | 'cancelled';
  input: Record<string, unknown>;
  /** What a person does. */
  hand: (handle: WorkflowHandle) => Promise<unknown>;
  /** What `npm test` has time for. */
  sample: Freeze[];
}

/** While the worker is frozen, nobody answers. */
async function reached(handle: WorkflowHandle, phase: string): Promise<void> {
  const wanted = () => until(handle, (status) => status.phase === phase);
  while (
    !(await wanted().then(
      () => true,
      () => false,
    ))
  );
}

const courses: Course[] = [
  {
    name: 'Complete with a fence on a sharded target',
    keyspace: 'customer',
    outcome: 'completed',
    input: { mount, complete: 'auto', fenceSource: true },
    hand: () => Promise.resolve(),
    sample: [
      { at: 1, moment: 'before', from: 'etcd ext1 put' },
      { at: 1, moment: 'before', from: 'deleteVReplicationWorkflow' },
    ],
  },
  {
    name: 'Cancel while replicating on an unsharded target',
    keyspace: 'commerce',
    outcome: 'cancelled',
    input: { mount },
    hand: async (handle) => {
      await reached(handle, 'replicating');
      await handle.signal('cancel');
    },
    sample: [
      { at: 1, moment: 'before', from: 'ExternalClusters' },
      { at: 1, moment: 'before', from: 'executeMultiFetchAsDba' },
    ],
  },
  {
    name: 'Pause, Leave and Cancel on an unsharded target',
    keyspace: 'commerce',
    outcome: 'cancelled',
    input: { mount },
    hand: async (handle) => {
      await reached(handle, 'replicating');
      await handle.signal('pause');
      await reached(handle, 'paused');
      await handle.signal('leave', { tables: ['product'] });
      await handle.signal('cancel');
    },
    sample: [],
  },
];

let program: Program;
let sourceRows: Record<string, TableContents>;
let count = 0;
beforeAll(async () => {
  await startPlainLab(pollSeconds);
  // Now: a fence keeps everybody from reading them.
  await allowOnSource(tables);
  sourceRows = await contentsOf('source', 'load', tables);
  program = await Program.start();
});
afterEach(() => program.settle());
afterAll(async () => {
  await program.stop();
  await stopOwnLab();
});

interface Began {
  ended: Promise<string>;
  /** What is wrong with the clusters now that it has ended. */
  wrong: () => Promise<string[]>;
}

async function begin({ keyspace, outcome, input, hand }: Course): Promise<Began> {
  await allowOnSource(tables);
  await emptyTarget(keyspace);
  const before = await snapshot(keyspace);
  const handle = await program.migrate({
    source: 'ext1.load',
    target: `${keyspace}.frozen_${++count}`,
    tables,
    ...input,
  });
  return {
    ended: Promise.all([resultOf(handle), hand(handle)]).then(([result]) => result.outcome),
    wrong: async () => {
      const there = residue(before, await snapshot(keyspace), outcome);
      if (outcome === 'cancelled' || there.length > 0) return there;
      const target = await contentsOf('target', keyspace, tables);
      return tables
        .filter((table) => target[table]?.hash !== sourceRows[table]?.hash)
        .map((table) => `rows of ${table}`);
    },
  };
}

/** Everything that is kept: records, fences, locks, tables, streams, VDiffs. */
async function everything(keyspace: TargetKeyspace): Promise<unknown> {
  return {
    ...(await snapshot(keyspace)),
    source: await topologyOf('source'),
    locks: [...(await keysOf('source')), ...(await keysOf('target'))].filter((key) => key.includes('/locks/')),
  };
}

/** Wakes a worker, and answers with the changes that it has sent since. */
async function wake(worker: RunningWorker): Promise<{ sent: string[]; log: string }> {
  worker.process.kill('SIGCONT');
  let log = worker.log();
  for (let quiet = 0, passed = 0; quiet < silence && passed < longest; passed += 500) {
    await sleep(500);
    quiet = worker.log() === log ? quiet + 500 : 0;
    log = worker.log();
  }
  const said = log.match(/^woken, .*$/gm) ?? [];
  return { sent: said.filter((line) => line.startsWith('woken, change') && !line.endsWith(': LOCK_LOST')), log };
}

/** The course with a worker that freezes; answers where it did, undefined when it was never there. */
async function freeze(course: Course, { at, moment, from = '' }: Freeze): Promise<string | undefined> {
  const frozen = await program.replaceWorker(String(at), `freezes-${moment}`, from);
  const { ended, wrong } = await begin(course);
  const where = () => /^freezes .*$/m.exec(frozen.log())?.[0];
  while (where() === undefined && (await Promise.race([ended, sleep(50)])) === undefined);
  if (where() === undefined) {
    await ended;
    return undefined;
  }
  const froze = Date.now();
  await program.startWorker();
  try {
    expect(await ended).toBe(course.outcome);
    const seconds = ((Date.now() - froze) / 1000).toFixed(1);
    expect({ where: where(), wrong: await wrong() }).toEqual({ where: where(), wrong: [] });
    const before = await everything(course.keyspace);
    const { sent, log } = await wake(frozen);
    expect({ where: where(), sent }, log).toEqual({ where: where(), sent: [] });
    expect(await everything(course.keyspace), log).toEqual(before);
    const refused = log.match(/^woken, change.*$/gm)?.length ?? 0;
    return `${where() ?? ''}; for ${seconds} s; then refused ${refused}`;
  } finally {
    await frozen.kill();
  }
}

/** Every change of a course: the numbers of a run in which nobody freezes. */
async function everyFreeze(course: Course): Promise<Freeze[]> {
  const counting = await program.replaceWorker();
  const { ended, wrong } = await begin(course);
  expect(await ended).toBe(course.outcome);
  expect(await wrong()).toEqual([]);
  const changes = counting.log().match(/^call \d+: change: .*$/gm)?.length ?? 0;
  return ofThisPart(
    Array.from({ length: changes }, (_, n) => ({ at: n + 1, moment: n % 2 === 0 ? 'before' : 'after' })),
  );
}

describe.each(courses.filter(({ sample }) => everyFault || sample.length > 0))('$name, on real servers', (course) => {
  test('a worker frozen at a change, and woken when another has ended the migration, does no more', async () => {
    const freezes = everyFault ? await everyFreeze(course) : course.sample;
    const froze: string[] = [];
    for (const each of freezes) {
      const where = await freeze(course, each);
      if (where !== undefined) froze.push(where);
    }
    console.log(`${course.name}: ${froze.length} freezes by SIGSTOP, on ${lab.temporal.address}:\n${froze.join('\n')}`);
    expect(froze.length).toBeGreaterThanOrEqual(everyFault ? freezes.length - 3 : freezes.length);
  }, 7_200_000);
});
