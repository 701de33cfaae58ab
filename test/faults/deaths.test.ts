import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { emptyTarget, sourceMount as mount, type TargetKeyspace } from '../support/lab/lab.js';
import { everyFault, ofThisPart } from '../support/fault-part.js';
import { startPlainLab, stopOwnLab } from '../support/lab/own-lab.js';
import { Program, resultOf, until } from '../support/lab/program.js';
import { residue } from '../support/lab/residue.js';
import { contentsOf } from '../support/lab/rows.js';
import { snapshot } from '../support/lab/snapshot.js';

const tables = ['customer', 'order line', 'product'];
/** How many deaths of each course: a sample under `npm test`, more under `npm run test:faults`. */
const deaths = everyFault ? 60 : 4;
const all = [...Array(deaths).keys()];
const chosen = everyFault ? ofThisPart(all) : all;

interface Course {
  name: string;
  keyspace: TargetKeyspace;
  outcome: 'completed' | 'cancelled';
  input: Record<string, unknown>;
  /** What a person does. */
  hand?: (handle: WorkflowHandle) => Promise<unknown>;
}

const courses: Course[] = [
  {
    name: 'Complete on a sharded target',
    keyspace: 'customer',
    outcome: 'completed',
    input: { mount, complete: 'auto' },
  },
  {
    name: 'Cancel while replicating on an unsharded target',
    keyspace: 'commerce',
    outcome: 'cancelled',
    input: { mount },
    hand: async (handle) => {
      // While the worker is dead, nobody answers.
      while (
        !(await until(handle, ({ phase }) => phase === 'replicating').then(
          () => true,
          () => false,
        ))
      );
      await handle.signal('cancel');
    },
  },
];

let program: Program;
let count = 0;
beforeAll(async () => {
  await startPlainLab();
  for (const keyspace of ['commerce', 'customer'] as const) await emptyTarget(keyspace);
  program = await Program.start();
});
afterEach(async () => {
  await program.settle();
  for (const keyspace of ['commerce', 'customer'] as const) await emptyTarget(keyspace);
});
afterAll(async () => {
  await program.stop();
  await stopOwnLab();
});

/** Runs a course to its end with the worker there is; answers with what is wrong with it. */
async function run(
  course: Course,
  whileRunning: (ended: Promise<unknown>) => Promise<unknown> = () => Promise.resolve(),
): Promise<string[]> {
  const { keyspace, outcome, input, hand } = course;
  await emptyTarget(keyspace);
  const before = await snapshot(keyspace);
  const handle = await program.migrate({
    source: 'ext1.load',
    target: `${keyspace}.death_${++count}`,
    tables,
    ...input,
  });
  const ended = resultOf(handle);
  const [result] = await Promise.all([ended, hand?.(handle), whileRunning(ended)]);
  if (result.outcome !== outcome) return [`ended ${result.outcome}`];
  const wrong = residue(before, await snapshot(keyspace), outcome);
  if (outcome === 'completed')
    expect(await contentsOf('target', keyspace, tables)).toEqual(await contentsOf('source', 'load', tables));
  return wrong;
}

describe.each(courses)('$name, on real servers', (course) => {
  test(`killed at ${chosen.length} of its external calls`, { timeout: 3_600_000 }, async () => {
    const counting = await program.replaceWorker();
    expect(await run(course)).toEqual([]);
    const calls = counting.log().match(/^call \d+: /gm)?.length ?? 0;
    const died: string[] = [];
    for (const n of chosen) {
      const before = died.length;
      // Looks at the streams come as often as time allows: a number that a run does not reach is tried again, lower.
      for (let at = 1 + Math.floor(((n + 0.5) * calls) / deaths); died.length === before; at = Math.ceil(at * 0.7)) {
        const worker = await program.replaceWorker(String(at), n % 2 === 0 ? 'before' : 'after');
        const wrong = await run(course, async (ended) => {
          // A death costs the time until Temporal notices: the next worker is there at once. A call that is never
          // reached kills no worker, and the migration ends.
          const dead = await Promise.race([worker.gone.then(() => true), ended.then(() => false)]);
          if (dead) await program.startWorker();
        });
        died.push(...(/^dies .*$/m.exec(worker.log()) ?? []));
        expect({ at, wrong }).toEqual({ at, wrong: [] });
      }
    }
    console.log(`${course.name}: ${calls} external calls, ${died.length} deaths by SIGKILL:\n${died.join('\n')}`);
  });
});
