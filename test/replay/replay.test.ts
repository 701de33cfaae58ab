import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { Worker } from '@temporalio/worker';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundle, type WorkflowBundle } from '../support/workflow/bundle.js';
import { beQuiet } from '../support/workflow/workflow-bench.js';

interface RecordedEvent {
  eventId: string;
  eventType: string;
  workflowExecutionStartedEventAttributes?: { workflowId: string };
  activityTaskScheduledEventAttributes?: { activityType: { name: string } };
}
interface Recorded {
  events: RecordedEvent[];
}

const folder = new URL('./histories/', import.meta.url);
const files = readdirSync(folder).filter((file) => file.endsWith('.json'));

let workflowBundle: WorkflowBundle;
beforeAll(async () => {
  beQuiet();
  workflowBundle = await bundle();
});

/** Each call gives a copy of its own. */
function read(file: string): Recorded {
  return JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Recorded;
}

/** Runs the workflow code of today along a history; the workflow ID is part of what it decides by. */
async function replay(history: Recorded): Promise<void> {
  await Worker.runReplayHistory(
    { workflowBundle },
    history,
    history.events[0]?.workflowExecutionStartedEventAttributes?.workflowId,
  );
}

/** The scheduling of a step's first run. */
function scheduled(history: Recorded, step: string): { activityType: { name: string } } {
  const found = history.events.find((event) => event.activityTaskScheduledEventAttributes?.activityType.name === step);
  if (found?.activityTaskScheduledEventAttributes === undefined) throw new Error(`the history has no ${step}`);
  return found.activityTaskScheduledEventAttributes;
}

it('is loaded once for all workflows of a worker, as far as it keeps no state', () => {
  const code = readFileSync(workflowBundle.codePath, 'utf8');
  const start = code.indexOf('exports.preloadModules = ');
  const preloaded = code.slice(start, code.indexOf('\n}', start));
  for (const module of ['input/options', 'plan/plan', 'watch/observation'])
    expect(preloaded).toContain(`"./src/migration/${module}.ts"`);
});

describe('migrations that began with older workflow code go on with this one', () => {
  it('covers each way a migration can end', () => {
    const ends = new Set(files.map((file) => read(file).events.at(-1)?.eventType));
    expect([...ends].sort()).toEqual([
      'EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED',
      'EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED',
      'EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW',
      'EVENT_TYPE_WORKFLOW_EXECUTION_FAILED',
    ]);
  });

  it.each(files)('%s', async (file) => {
    await expect(replay(read(file))).resolves.toBeUndefined();
  });

  it('each of them also from the middle: a worker takes over after any workflow task', async () => {
    const { events } = read('completed.json');
    const tasks = events.flatMap((event, i) => (event.eventType === 'EVENT_TYPE_WORKFLOW_TASK_COMPLETED' ? [i] : []));
    expect(tasks.length).toBeGreaterThan(8);
    for (const i of tasks) await expect(replay({ events: events.slice(0, i + 1) })).resolves.toBeUndefined();
  });
});

it('no stored history is changed or taken away: each stands for migrations that are running somewhere', () => {
  const manifest = JSON.parse(readFileSync(new URL('./manifest.json', import.meta.url), 'utf8')) as Record<
    string,
    string
  >;
  const found = files.map((file) => [
    file,
    createHash('sha256')
      .update(readFileSync(new URL(file, folder)))
      .digest('hex'),
  ]);
  expect(Object.fromEntries(found)).toEqual(manifest);
});

describe('a change of the workflow is noticed', () => {
  it.each(['preflight', 'create', 'observe', 'vdiff', 'prove', 'publish', 'finish', 'serve'])(
    'another step instead of %s',
    async (step) => {
      const history = read('completed.json');
      scheduled(history, step).activityType.name = 'another';
      await expect(replay(history)).rejects.toThrow(/nondeterminism|does not match/i);
    },
  );

  it('two steps in another order', async () => {
    const history = read('completed.json');
    const [publish, finish] = [scheduled(history, 'publish'), scheduled(history, 'finish')];
    [publish.activityType, finish.activityType] = [finish.activityType, publish.activityType];
    await expect(replay(history)).rejects.toThrow(/nondeterminism|does not match/i);
  });

  it('an end that comes too early', async () => {
    const history = read('cancelled.json');
    const last = history.events.at(-1);
    const { events } = read('completed.json');
    const cut = events.findIndex(
      (event) => event.activityTaskScheduledEventAttributes?.activityType.name === 'publish',
    );
    await expect(
      replay({
        events: [...events.slice(0, cut), ...(last === undefined ? [] : [{ ...last, eventId: String(cut + 1) }])],
      }),
    ).rejects.toThrow(/nondeterminism/i);
  });
});
