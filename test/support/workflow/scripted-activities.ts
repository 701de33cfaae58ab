import { Context } from '@temporalio/activity';
import { lookOf } from '../../../src/migration/audit/look.js';
import type { Activities } from '../../../src/activities/index.js';
import { readinessActivities } from '../../../src/activities/readiness.js';
import { withFailures } from '../../../src/activities/step/failure.js';
import { proofFingerprint, type ProofReport } from '../../../src/migration/checksum/report.js';
import type { LeaveReport } from '../../../src/migration/plan/leaving.js';
import { pageOf } from '../../../src/migration/lifecycle/table-page.js';
import { nameList } from '../../../src/migration/plan/reference.js';
import { tableNames } from '../../../src/migration/plan/plan.js';
import {
  cleanVDiff,
  replicating,
  replicatingLook,
  sampleAdoption,
  samplePlan,
  sampleProof,
  sampleRehearsal,
  sampleSurvey,
} from './samples.js';

export type StepName = keyof Activities;
export type Behaviour<N extends StepName> = (
  ...args: Parameters<Activities[N]>
) => Promise<Awaited<ReturnType<Activities[N]>>>;
type Behaviours = { [N in StepName]: Behaviour<N> };

export interface Call {
  name: StepName;
  attempt: number;
  /** The same for every attempt of one activity. */
  activity: string;
  args: readonly unknown[];
}

/** A call that waits until a test lets it go on. */
export interface Hold {
  /** Resolves when the activity has been called. */
  reached: Promise<void>;
  release: () => void;
}

/**
 * Activities that do what a test tells them and remember their calls. Untold, every step succeeds
 * at once, and watching after the copy lasts until it is cancelled.
 */
export class Script {
  readonly calls: Call[] = [];
  private readonly defaults: Behaviours = { ...wellBehaved };
  private watching: Promise<unknown> = Promise.resolve();
  private readonly next = new Map<StepName, Behaviour<never>[]>();

  /** The behaviours of the coming calls of a step, one each; after them the default again. */
  on<N extends StepName>(name: N, ...behaviours: Behaviour<N>[]): this {
    this.next.set(name, [...(this.next.get(name) ?? []), ...(behaviours as Behaviour<never>[])]);
    return this;
  }

  /** Another default. */
  always<N extends StepName>(name: N, behaviour: Behaviours[N]): this {
    this.defaults[name] = behaviour;
    return this;
  }

  /**
   * Makes the next call of a step wait for the test, and then behave as given. It hears a
   * cancellation unless it is `deaf`, as an activity is that does not heartbeat.
   */
  hold<N extends StepName>(name: N, options: { deaf?: boolean; then?: Behaviour<N> } = {}): Hold {
    const reached = new Gate();
    const released = new Gate();
    const behaviour = async (...args: Parameters<Activities[N]>) => {
      reached.open();
      await (options.deaf === true ? released.opened : hearing(released.opened));
      return (options.then ?? this.defaults[name])(...args);
    };
    this.on(name, behaviour as Behaviour<N>);
    return { reached: reached.opened, release: () => released.open() };
  }

  /**
   * The steps in the order of their calls, apart from `checksum` and `holdBack`, which run beside them. Temporal's own
   * retries count once, whichever attempt came first.
   */
  steps(): StepName[] {
    const calls = this.calls.filter(({ name }) => name !== 'checksum' && name !== 'holdBack');
    return [...new Map(calls.map(({ activity, name }) => [activity, name])).values()];
  }

  count(name: StepName): number {
    return this.steps().filter((step) => step === name).length;
  }

  async run(name: StepName, args: readonly unknown[]): Promise<unknown> {
    const { attempt, activityId, workflowExecution } = Context.current().info;
    this.calls.push({ name, attempt, activity: `${workflowExecution?.runId}/${activityId}`, args });
    const behaviour = this.next.get(name)?.shift() ?? this.defaults[name];
    const running = (behaviour as unknown as (...args: readonly unknown[]) => Promise<unknown>)(...args);
    if (name === 'observe') this.watching = running.catch(() => undefined);
    try {
      return await running;
    } finally {
      // The time-skipping server stops skipping for good when a workflow ends before its activities.
      if (name === 'serve' || name === 'cancel') await this.watching;
    }
  }
}

/** A promise that is resolved from outside. */
class Gate {
  open: () => void = () => undefined;
  readonly opened = new Promise<void>((resolve) => {
    this.open = resolve;
  });
}

/** The activities of a worker: each call is answered by the script of its workflow. */
export function scriptedActivities(scriptOf: (workflowId: string) => Script): Activities {
  const names = Object.keys(wellBehaved) as StepName[];
  const steps = names.map((name) => [
    name,
    async (...args: never[]) => scriptOf(Context.current().info.workflowExecution?.workflowId ?? '').run(name, args),
  ]);
  return withFailures(Object.fromEntries(steps) as Activities);
}

/** Fails as an activity does that throws this error. */
export function fails(error: Error): () => Promise<never> {
  return () => Promise.reject(error);
}

export function returns<T>(value: T): () => Promise<T> {
  return () => Promise.resolve(value);
}

/** Waits with a heartbeat. @throws CancelledFailure when the activity is cancelled first */
export async function hearing<T>(work: Promise<T>): Promise<T> {
  const context = Context.current();
  const timer = setInterval(() => context.heartbeat(), 20);
  try {
    return await Promise.race([work, context.cancelled]);
  } finally {
    clearInterval(timer);
  }
}

/** Does nothing until the activity is cancelled. */
export function untilCancelled(): Promise<never> {
  return hearing(new Promise<never>(() => undefined));
}

/** What the comparison beside the steps says, one report after the other; then nothing more. */
export function reporting(...reports: ProofReport[]): Behaviour<'checksum'> {
  return (_ref, since) => {
    const known = reports.findIndex((report) => proofFingerprint(report) === since);
    const next = reports[known + 1];
    return next === undefined ? untilCancelled() : Promise.resolve(next);
  };
}

const report = {
  name: 'ext1',
  topoType: 'etcd2',
  topoServer: 'localhost:12379',
  topoRoot: '/vitess/global',
  cells: ['ext'],
  keyspaces: ['load'],
};

/** Of the tables of the sample plan. */
function afterLeaving(tables: readonly string[]): LeaveReport {
  const stay = tableNames(samplePlan()).filter((table) => !tables.includes(table));
  return { tables: nameList(stay), left: nameList(tables) };
}

const wellBehaved: Behaviours = {
  mount: (name, config) => Promise.resolve({ ...report, ...config, name }),
  unmount: returns(undefined),
  showMount: (name) => Promise.resolve({ ...report, name }),
  listMounts: returns(['ext1', 'ext2']),
  ...readinessActivities(),
  tablePage: (_target, page) => Promise.resolve(pageOf(replicatingLook(), page)),
  preflight: (_ref, { dryRun }) =>
    Promise.resolve(
      dryRun
        ? { outcome: 'planned', plan: samplePlan(), findings: [], details: { ddl: {}, topologyWrites: [] } }
        : { outcome: 'recorded', findings: [], tables: nameList(tableNames(samplePlan())) },
    ),
  create: returns(undefined),
  adopt: returns(sampleAdoption()),
  observe: (_ref, _since, wait) => (wait.copyingSince === null ? untilCancelled() : Promise.resolve(replicating())),
  holdBack: returns(undefined),
  vdiff: (_ref, uuid) => Promise.resolve(cleanVDiff({ uuid })),
  pause: returns(undefined),
  resume: returns(undefined),
  restart: returns(undefined),
  mayLeave: returns(undefined),
  leave: (_ref, tables) => Promise.resolve(afterLeaving(tables)),
  updateOptions: (_ref, { vdiffMaxAge = '24h' }) => Promise.resolve({ ...sampleAdoption().settings, vdiffMaxAge }),
  watchSource: returns({
    code: 'SOURCE_NOT_FENCED',
    message: 'no table was written to for 3 s',
    place: { cluster: 'ext1', keyspace: 'load' },
    remedy: 'complete with fenceSource to be sure',
  }),
  repair: (_ref, tables) => Promise.resolve({ tables, rows: tables.length }),
  checksum: untilCancelled,
  checksumNow: () => Promise.resolve({ report: sampleProof(), gaps: [] }),
  prove: returns([]),
  rehearse: returns(sampleRehearsal()),
  publish: returns([]),
  fence: returns([]),
  insideFence: returns(40),
  unpublish: returns([]),
  finish: returns({ gaps: [], cutover: null }),
  serve: returns([]),
  retire: (_ref, how) => Promise.resolve({ done: how, kept: null }),
  lookAround: (keyspace, request) => Promise.resolve(lookOf(sampleSurvey({ keyspace }), [], request)),
  remove: returns(undefined),
  cancel: returns({ droppedTables: { '0': nameList(['corder', 'customer']) } }),
  forget: returns(undefined),
};
