import { defaultPayloadConverter, WorkflowNotFoundError, type Client } from '@temporalio/client';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { create } from '../../src/cli/commands/create.js';
import { PassingError } from '../../src/cli/errors.js';
import { Terminal } from '../../src/cli/output/terminal.js';
import { Follower } from '../../src/cli/temporal/follower.js';
import { readLive } from '../../src/cli/temporal/live.js';
import { Session } from '../../src/cli/temporal/session.js';
import { request } from '../../src/cli/temporal/request.js';
import { phases, type Phase } from '../../src/migration/lifecycle/phases.js';
import { migrateInputSchema, parseWith } from '../../src/migration/input/input.js';
import { messages } from '../../src/migration/lifecycle/messages.js';
import { samplePlan } from '../support/workflow/samples.js';

const id = 'commerce.wf';
const input = parseWith(migrateInputSchema, { source: 'ext1.load', target: id, all: true }, 'the input');

/** A run of a workflow, as a fake Temporal keeps it. */
interface Run {
  runId: string;
  firstRunId: string;
  status: string;
  phase?: Phase;
  requested?: string[];
  pendingActivities?: object[];
}

/** A Temporal with a few runs, which can fail and which records what it is asked. */
class FakeTemporal {
  runs: Run[] = [];
  /** Calls of `describe` that fail before the next answer. */
  outages = 0;
  signals: { name: string; args: unknown[]; runId: string }[] = [];
  /** Called before a signal arrives. */
  beforeSignal = () => undefined as unknown;
  /** No worker answers queries. */
  unanswered = false;

  readonly session = new Session(this.client(), 'vtmigrate', 'temporal:7233');

  private client(): Client {
    return {
      withDeadline: (_deadline: number, work: () => Promise<unknown>) => work(),
      options: { namespace: 'default', loadedDataConverter: { payloadConverter: defaultPayloadConverter } },
      workflowService: { describeTaskQueue: () => Promise.resolve({ pollers: [] }) },
      workflow: {
        start: () => Promise.resolve({ firstExecutionRunId: 'r1' }),
        getHandle: (_id: string, runId?: string) => this.handle(runId),
      },
    } as unknown as Client;
  }

  private handle(runId: string | undefined) {
    const find = () => {
      const run = runId === undefined ? this.runs.at(-1) : this.runs.find((each) => each.runId === runId);
      if (run === undefined) throw new WorkflowNotFoundError('not found', id, runId);
      return run;
    };
    return {
      describe: async () => {
        await Promise.resolve();
        if (this.outages-- > 0) throw unavailable();
        const run = find();
        return {
          type: 'migrate',
          workflowId: id,
          runId: run.runId,
          taskQueue: 'vtmigrate',
          status: { name: run.status },
          raw: {
            workflowExecutionInfo: { firstRunId: run.firstRunId },
            pendingActivities: run.pendingActivities ?? [],
          },
        };
      },
      query: () => {
        if (this.unanswered) return Promise.reject(deadlineExceeded());
        const { phase = 'copying', requested = [] } = find();
        const { createDone } = phases[phase];
        return Promise.resolve({
          workflow: id,
          source: 'ext1.load',
          phase,
          createDone,
          requested,
          pastNoReturn: phase === 'completing',
          waitingFor: [],
          lastError: null,
          observedAt: null,
        });
      },
      result: () => Promise.resolve({ outcome: 'planned', workflow: id, source: 'ext1.load', plan: samplePlan() }),
      signal: async (name: string, ...args: unknown[]) => {
        await this.beforeSignal();
        const run = find();
        if (run.status !== 'RUNNING') throw new WorkflowNotFoundError('already completed', id, runId);
        this.signals.push({ name, args, runId: run.runId });
      },
    };
  }
}

const deadlineExceeded = () => Object.assign(new Error('late'), { code: 4, details: 'deadline', metadata: {} });
const unavailable = () => Object.assign(new Error('gone'), { code: 14, details: 'connection refused', metadata: {} });

let temporal: FakeTemporal;
let printed: string[];
let terminal: Terminal;
beforeEach(() => {
  temporal = new FakeTemporal();
  temporal.runs = [{ runId: 'r1', firstRunId: 'r1', status: 'RUNNING' }];
  printed = [];
  const stream = { isTTY: false, write: (text: string) => printed.push(text) } as unknown as NodeJS.WriteStream;
  terminal = new Terminal(stream, { isTTY: false, write: () => true } as unknown as NodeJS.WriteStream);
});
afterEach(() => vi.restoreAllMocks());

describe('while Temporal does not answer', () => {
  test('a Create goes on, and says what it has created', async () => {
    temporal.outages = 2;
    expect(await create({ id, input }, temporal.session, terminal)).toBe(0);
    expect(printed.join('')).toContain('Created commerce.wf: copying all tables from ext1.load.');
  });

  test('a follower gives up after five minutes', async () => {
    temporal.outages = Infinity;
    const reasons: string[] = [];
    const display = { live: () => undefined, noAnswer: (reason: string) => void reasons.push(reason) };
    const follower = new Follower(temporal.session, { id }, display, 1);
    const start = Date.now();
    vi.spyOn(Date, 'now').mockImplementation(() => start + reasons.length * 61_000);
    await expect(follower.until(() => true)).rejects.toThrow(PassingError);
    expect(reasons).toHaveLength(5);
    expect(reasons[0]).toMatch(/^Temporal does not answer at temporal:7233 \(connection refused\)/);
  });
});

describe('a migration that continues as new', () => {
  beforeEach(() => {
    temporal.runs = [
      { runId: 'r1', firstRunId: 'r1', status: 'CONTINUED_AS_NEW', phase: 'creating' },
      { runId: 'r2', firstRunId: 'r1', status: 'RUNNING', phase: 'replicating' },
    ];
  });

  test.each([{ id }, { id, runId: 'r1' }])(
    'is followed from %j to its newest run, under its first run ID',
    async (of) => {
      expect(await readLive(temporal.session, of)).toMatchObject({
        runId: 'r1',
        closed: null,
        status: { phase: 'replicating' },
      });
    },
  );

  test('is not mistaken for another one of the same ID', async () => {
    temporal.runs.push({ runId: 'r3', firstRunId: 'r3', status: 'RUNNING' });
    expect((await temporal.session.describe({ id })).runId).toBe('r3');
    expect((await temporal.session.describe({ id, runId: 'r1' })).status.name).toBe('CONTINUED_AS_NEW');
  });

  test('gets a message in its newest run', async () => {
    const before = await request(temporal.session, { id, runId: 'r1' }, messages.pause, undefined);
    expect(before.phase).toBe('replicating');
    expect(temporal.signals).toEqual([{ name: 'pause', args: [], runId: 'r2' }]);
  });

  test('gets a message that came while it continued as new', async () => {
    temporal.beforeSignal = () => {
      temporal.beforeSignal = () => undefined;
      const [first] = temporal.runs;
      const next = { runId: 'r3', firstRunId: 'r1', status: 'RUNNING', phase: 'replicating' } as const;
      temporal.runs = [
        ...(first === undefined ? [] : [first]),
        { ...next, runId: 'r2', status: 'CONTINUED_AS_NEW' },
        next,
      ];
    };
    await request(temporal.session, { id, runId: 'r1' }, messages.complete, { force: true });
    expect(temporal.signals).toEqual([{ name: 'complete', args: [{ force: true }], runId: 'r3' }]);
  });

  test('gets none that was meant for one before it', async () => {
    temporal.runs.push({ runId: 'r3', firstRunId: 'r3', status: 'RUNNING' });
    const sent = request(temporal.session, { id, runId: 'r1' }, messages.cancel, undefined);
    await expect(sent).rejects.toThrow(/^commerce.wf has ended in the meantime/);
    expect(temporal.signals).toEqual([]);
  });
});

describe('a message', () => {
  const send = () => request(temporal.session, { id, runId: 'r1' }, messages.cancel, undefined);

  test('that comes too late is refused, and not sent', async () => {
    temporal.runs = [{ runId: 'r1', firstRunId: 'r1', status: 'RUNNING', phase: 'completing' }];
    await expect(send()).rejects.toThrow('past the point of no return: it is being completed');
    temporal.runs = [{ runId: 'r1', firstRunId: 'r1', status: 'RUNNING', requested: ['cancel'] }];
    const complete = request(temporal.session, { id }, messages.complete, {});
    await expect(complete).rejects.toThrow('the migration is being cancelled');
    expect(temporal.signals).toEqual([]);
  });

  test('is sent although no worker answers, and says so', async () => {
    temporal.unanswered = true;
    await expect(send()).rejects.toThrow(/^no worker answers .* The request is remembered, and carried out once/);
    expect(temporal.signals).toEqual([{ name: 'cancel', args: [], runId: 'r1' }]);
  });

  test('is not sent while Temporal does not answer', async () => {
    temporal.outages = Infinity;
    await expect(send()).rejects.toThrow(/^Temporal does not answer at temporal:7233/);
    expect(temporal.signals).toEqual([]);
  });
});

test('the heartbeat of Create says how many tables are there', async () => {
  const payloads = [defaultPayloadConverter.toPayload({ tables: 700, of: 3000 })];
  const pendingActivities = [{ activityType: { name: 'create' }, heartbeatDetails: { payloads } }];
  temporal.runs = [{ runId: 'r1', firstRunId: 'r1', status: 'RUNNING', phase: 'creating', pendingActivities }];
  expect((await readLive(temporal.session, { id })).status.creating).toEqual({ tables: 700, of: 3000 });
});

test('a step that waits for its turn says so', async () => {
  const payloads = [defaultPayloadConverter.toPayload({ turn: 'its turn' })];
  const pendingActivities = [{ activityType: { name: 'create' }, heartbeatDetails: { payloads } }];
  temporal.runs = [{ runId: 'r1', firstRunId: 'r1', status: 'RUNNING', phase: 'creating', pendingActivities }];
  const { creating, waitingFor } = (await readLive(temporal.session, { id })).status;
  expect({ creating, waitingFor }).toEqual({ creating: null, waitingFor: ['its turn'] });
});

describe('a step that is retried', () => {
  const failed = (failure: object) => ({ activityType: { name: 'prove' }, attempt: 2, lastFailure: failure });
  const payloads = [defaultPayloadConverter.toPayload({ code: 'LOCKED', message: 'held', place: {}, remedy: 'wait' })];

  test.each([
    {
      what: 'with a problem of ours',
      failure: { message: 'held: wait', applicationFailureInfo: { type: 'LOCKED', details: { payloads } } },
      problem: { code: 'LOCKED', message: 'held', place: {}, remedy: 'wait' },
    },
    {
      what: 'after a time-out',
      failure: { message: 'activity failed', cause: { message: 'activity Heartbeat timeout' } },
      problem: { code: 'INTERNAL', message: 'activity Heartbeat timeout', remedy: "the worker's log has the details" },
    },
    {
      what: 'after a bug',
      failure: { message: 'x is not a function', applicationFailureInfo: { type: 'TypeError' } },
      problem: { code: 'INTERNAL', message: 'x is not a function' },
    },
  ])('$what', async ({ failure, problem }) => {
    temporal.runs = [{ runId: 'r1', firstRunId: 'r1', status: 'RUNNING', pendingActivities: [failed(failure)] }];
    const { retries, status } = await readLive(temporal.session, { id });
    expect(retries).toMatchObject([{ activity: 'prove', attempt: 2, nextAt: null, problem }]);
    expect(status.lastError).toMatchObject(problem);
  });
});
