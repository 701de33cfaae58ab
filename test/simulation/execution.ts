import {
  defaultFailureConverter,
  defaultPayloadConverter,
  toPayloads,
  TypedSearchAttributes,
} from '@temporalio/common';
import { msNumberToTs, optionalTsToMs } from '@temporalio/common/lib/time.js';
import * as proto from '@temporalio/proto';
import type { coresdk } from '@temporalio/proto';
import type { Workflow, WorkflowCreator } from '@temporalio/worker/lib/workflow/interface.js';
import { ActivityTask, type Host } from './activity-task.js';

type Job = coresdk.workflow_activation.IWorkflowActivationJob;
type WorkflowCommand = coresdk.workflow_commands.IWorkflowCommand;
type Payload = proto.temporal.api.common.v1.IPayload;

/** How a run of a workflow has ended. */
export type End =
  | { how: 'completed'; result: unknown }
  | { how: 'failed'; error: Error }
  | { how: 'cancelled' }
  | { how: 'terminated' }
  | { how: 'continued'; args: Payload[] };

/** What becomes of an update. */
export type Answer = { outcome: unknown } | { refusal: Error };

export interface RunOptions {
  creator: WorkflowCreator;
  host: Host;
  runId: string;
  firstRunId: string;
  continuedFrom: string | undefined;
  args: Payload[];
  /** Events after which the server suggests to continue as new. */
  suggestAfter: number;
  /** Counts the runs of each step. */
  nth: (step: string) => number;
  ended: (end: End) => void;
}

/** Jobs come to a workflow in this order within one task, and those of one line in the order in which they came. */
const ranks: (keyof Job)[][] = [
  ['notifyHasPatch'],
  ['initializeWorkflow'],
  ['signalWorkflow', 'doUpdate', 'cancelWorkflow'],
];

/** One run of a workflow on the SDK's own runtime, with the server's side of it in memory. */
export class Execution {
  end: End | undefined;
  /** Updates that have been accepted and not answered. */
  readonly owed = new Map<string, string>();
  private workflow: Workflow | undefined;
  private jobs: Job[] = [];
  private isScheduled = false;
  private events = 3;
  private updates = 0;
  private readonly timers = new Map<number, { cancel: () => void }>();
  private readonly tasks = new Map<number, { task: ActivityTask; type: number }>();
  private readonly waiting = new Map<string, (answer: Answer) => void>();
  private readonly history: { activation: coresdk.workflow_activation.IWorkflowActivation; commands: string }[] = [];
  private readonly patches = new Set<string>();
  private flags: number[] = [];

  constructor(private readonly options: RunOptions) {
    const { args, firstRunId, continuedFrom, host } = options;
    const randomnessSeed = proto.coresdk.workflow_activation.InitializeWorkflow.fromObject({
      randomnessSeed: seedOf(options.runId),
    }).randomnessSeed;
    this.add({
      initializeWorkflow: {
        workflowId: host.workflowId,
        workflowType: 'migrate',
        arguments: args,
        randomnessSeed,
        firstExecutionRunId: firstRunId,
        continuedFromExecutionRunId: continuedFrom ?? '',
        attempt: 1,
        startTime: msNumberToTs(host.clock.now),
        headers: {},
      },
    });
  }

  /** Nothing is going on that could wake it, but for a message. */
  get isIdle(): boolean {
    return this.end === undefined && this.jobs.length + this.timers.size + this.tasks.size === 0;
  }

  signal(name: string, args: unknown[]): void {
    this.add({ signalWorkflow: { signalName: name, input: payloads(args), headers: {} } });
  }

  /** @returns the answer, or why it was refused */
  update(name: string, args: unknown[]): Promise<Answer> {
    const id = `${name} ${++this.updates}`;
    const answer = new Promise<Answer>((resolve) => this.waiting.set(id, resolve));
    this.add({
      doUpdate: { id, protocolInstanceId: id, name, input: payloads(args), headers: {}, runValidator: true },
    });
    return answer;
  }

  /** Temporal's own cancellation. */
  cancel(): void {
    this.add({ cancelWorkflow: { reason: '' } });
  }

  terminate(): void {
    this.finish({ how: 'terminated' });
  }

  /** Undefined while the run has not begun. One that has ended answers as before. */
  async query(name: string): Promise<unknown> {
    if (this.workflow === undefined) return undefined;
    const { commands } = await this.activate({
      jobs: [{ queryWorkflow: { queryId: 'query', queryType: name, arguments: [], headers: {} } }],
    });
    const answer = commands[0]?.respondToQuery;
    if (answer?.succeeded?.response) return defaultPayloadConverter.fromPayload(answer.succeeded.response);
    throw new Error(`the query ${name} failed: ${answer?.failed?.message}`);
  }

  /** The worker of the workflow has died: another one replays the history. @throws Error when that is not the same */
  async replay(): Promise<void> {
    if (this.workflow === undefined || this.end !== undefined) return;
    await this.workflow.dispose();
    this.workflow = undefined;
    const patches = [...this.patches].map((patchId): Job => ({ notifyHasPatch: { patchId } }));
    for (const [n, { activation, commands }] of this.history.entries()) {
      const jobs = n === 0 ? [...patches, ...(activation.jobs ?? [])] : (activation.jobs ?? []);
      const again = await this.activate({
        ...activation,
        jobs,
        isReplaying: true,
        availableInternalFlags: this.flags,
      });
      const now = textOf(again.commands);
      if (now !== commands) throw new Error(`task ${n} is replayed as ${now}, was ${commands}`);
    }
  }

  async dispose(): Promise<void> {
    await this.workflow?.dispose();
    this.workflow = undefined;
  }

  private add(job: Job): void {
    if (this.end !== undefined) return;
    this.jobs.push(job);
    if (this.isScheduled) return;
    this.isScheduled = true;
    const { clock, latency } = this.options.host;
    clock.at(latency(), () => this.task());
  }

  /** One workflow task. */
  private async task(): Promise<void> {
    this.isScheduled = false;
    if (this.end !== undefined) return;
    const jobs = this.jobs.splice(0);
    jobs.sort((a, b) => rankOf(a) - rankOf(b));
    this.events += 3 + jobs.length;
    const activation = {
      jobs,
      timestamp: msNumberToTs(this.options.host.clock.now),
      historyLength: this.events,
      continueAsNewSuggested: this.events > this.options.suggestAfter,
    };
    // The runtime takes jobs out of what it is given.
    const kept = { ...activation, jobs: [...jobs] };
    const { commands, flags } = await this.activate(activation);
    this.flags = [...new Set([...this.flags, ...flags])];
    this.history.push({ activation: kept, commands: textOf(commands) });
    this.events += commands.length;
    this.carryOut(commands);
  }

  private async activate(
    activation: coresdk.workflow_activation.IWorkflowActivation,
  ): Promise<{ commands: WorkflowCommand[]; flags: number[] }> {
    const { runId } = this.options;
    this.workflow ??= await this.create();
    const completion = await this.workflow.activate(
      proto.coresdk.workflow_activation.WorkflowActivation.fromObject({ runId, ...activation }),
    );
    await this.workflow.getAndResetSinkCalls();
    const { successful, failed } = completion;
    if (!successful)
      throw new Error(`a workflow task failed: ${failed?.failure?.message} ${failed?.failure?.stackTrace}`);
    return { commands: successful.commands ?? [], flags: successful.usedInternalFlags ?? [] };
  }

  private create(): Promise<Workflow> {
    const { creator, host, runId, firstRunId, continuedFrom } = this.options;
    const at = new Date(host.clock.now);
    const info = {
      workflowId: host.workflowId,
      runId,
      workflowType: 'migrate',
      searchAttributes: {},
      typedSearchAttributes: new TypedSearchAttributes(),
      taskQueue: 'simulation',
      namespace: 'default',
      firstExecutionRunId: firstRunId,
      continuedFromExecutionRunId: continuedFrom,
      startTime: at,
      runStartTime: at,
      taskTimeoutMs: 10_000,
      attempt: 1,
      historyLength: 3,
      historySize: 0,
      continueAsNewSuggested: false,
      unsafe: { isReplaying: false, isReplayingHistoryEvents: false },
    };
    return creator.createWorkflow({
      info: info as unknown as Parameters<WorkflowCreator['createWorkflow']>[0]['info'],
      randomnessSeed: [...Buffer.from(runId)],
      now: host.clock.now,
      showStackTraceSources: false,
    });
  }

  private carryOut(commands: readonly WorkflowCommand[]): void {
    for (const command of commands) {
      this.carryOutTimer(command);
      this.carryOutActivity(command);
      if (command.setPatchMarker?.patchId) this.patches.add(command.setPatchMarker.patchId);
      if (command.updateResponse) this.answer(command.updateResponse);
      this.carryOutEnd(command);
    }
  }

  private carryOutTimer({ startTimer, cancelTimer }: WorkflowCommand): void {
    if (startTimer) {
      const seq = startTimer.seq ?? 0;
      const wait = optionalTsToMs(startTimer.startToFireTimeout) ?? 0;
      const fire = () => {
        if (this.timers.delete(seq)) this.add({ fireTimer: { seq } });
      };
      this.timers.set(seq, this.options.host.clock.at(wait, fire));
    }
    if (!cancelTimer) return;
    this.timers.get(cancelTimer.seq ?? 0)?.cancel();
    this.timers.delete(cancelTimer.seq ?? 0);
  }

  private carryOutActivity({ scheduleActivity, requestCancelActivity }: WorkflowCommand): void {
    if (scheduleActivity) {
      const seq = scheduleActivity.seq ?? 0;
      const nth = this.options.nth(scheduleActivity.activityType ?? '');
      const task = new ActivityTask(this.options.host, scheduleActivity, nth, (result) => {
        if (this.tasks.delete(seq)) this.add({ resolveActivity: { seq, result } });
      });
      this.tasks.set(seq, { task, type: scheduleActivity.cancellationType ?? 0 });
    }
    if (!requestCancelActivity) return;
    const seq = requestCancelActivity.seq ?? 0;
    const running = this.tasks.get(seq);
    if (running === undefined) return;
    running.task.requestCancel();
    if (running.type === waitsForCancellation) return;
    this.tasks.delete(seq);
    this.add({ resolveActivity: { seq, result: running.task.cancellation } });
  }

  private answer({
    protocolInstanceId,
    accepted,
    rejected,
    completed,
  }: coresdk.workflow_commands.IUpdateResponse): void {
    const id = protocolInstanceId ?? '';
    if (accepted) {
      this.owed.set(id, id);
      return;
    }
    this.owed.delete(id);
    const resolve = this.waiting.get(id);
    this.waiting.delete(id);
    if (rejected) resolve?.({ refusal: errorOf(rejected) });
    else resolve?.({ outcome: completed ? defaultPayloadConverter.fromPayload(completed) : undefined });
  }

  private carryOutEnd(command: WorkflowCommand): void {
    if (command.completeWorkflowExecution) {
      const { result } = command.completeWorkflowExecution;
      this.finish({ how: 'completed', result: result ? defaultPayloadConverter.fromPayload(result) : undefined });
    } else if (command.failWorkflowExecution) {
      this.finish({ how: 'failed', error: errorOf(command.failWorkflowExecution.failure ?? {}) });
    } else if (command.cancelWorkflowExecution) this.finish({ how: 'cancelled' });
    else if (command.continueAsNewWorkflowExecution)
      this.finish({ how: 'continued', args: command.continueAsNewWorkflowExecution.arguments ?? [] });
  }

  private finish(end: End): void {
    if (this.end !== undefined) return;
    this.end = end;
    for (const timer of this.timers.values()) timer.cancel();
    for (const { task } of this.tasks.values()) task.abandon();
    for (const resolve of this.waiting.values()) resolve({ refusal: new Error(`the run has ended: ${end.how}`) });
    this.options.ended(end);
  }
}

/** Of `ActivityCancellationType`. */
const waitsForCancellation = 1;

/** As Temporal carries them. */
export function payloads(args: readonly unknown[]): Payload[] {
  return toPayloads(defaultPayloadConverter, ...args) ?? [];
}

function errorOf(failure: proto.temporal.api.failure.v1.IFailure): Error {
  return defaultFailureConverter.failureToError(failure, defaultPayloadConverter);
}

function rankOf(job: Job): number {
  const rank = ranks.findIndex((names) => names.some((name) => Boolean(job[name])));
  return rank === -1 ? ranks.length : rank;
}

function seedOf(runId: string): number {
  return [...Buffer.from(runId)].reduce((sum, byte) => (Math.imul(sum, 31) + byte) >>> 0, 7);
}

/** Patch markers say nothing when a history is replayed. */
function textOf(commands: readonly WorkflowCommand[]): string {
  return JSON.stringify(commands.filter(({ setPatchMarker }) => !setPatchMarker));
}
