import type { Info } from '@temporalio/activity';
import {
  ActivityCancellationDetails,
  defaultFailureConverter,
  defaultPayloadConverter,
  noopMetricMeter,
} from '@temporalio/common';
import { LoggerWithComposedMetadata } from '@temporalio/common/lib/logger.js';
import { arrayFromPayloads } from '@temporalio/common/lib/converter/payload-converter.js';
import { optionalTsToMs } from '@temporalio/common/lib/time.js';
import { Activity } from '@temporalio/worker/lib/activity.js';
import { DefaultLogger } from '@temporalio/worker';
import * as proto from '@temporalio/proto';
import type { coresdk } from '@temporalio/proto';
import { inProcess, outside, type Clock, type Process } from './clock.js';

const { temporal } = proto;

export type Failure = proto.temporal.api.failure.v1.IFailure;
export type Resolution = coresdk.activity_result.IActivityResolution;
type Command = coresdk.workflow_commands.IScheduleActivity;

/** Milliseconds between two heartbeats that reach the server, as `src/worker.ts` sets it. */
const heartbeatEvery = 1_000;
const timeoutTypes = {
  Heartbeat: temporal.api.enums.v1.TimeoutType.TIMEOUT_TYPE_HEARTBEAT,
  StartToClose: temporal.api.enums.v1.TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE,
  ScheduleToClose: temporal.api.enums.v1.TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE,
};
const silent = new DefaultLogger('ERROR', () => undefined);
const dataConverter = {
  payloadConverter: defaultPayloadConverter,
  failureConverter: defaultFailureConverter,
  payloadCodecs: [],
};

/** Which attempt of which run of which step this is. */
export interface AttemptId {
  step: string;
  /** The step's runs count from 1. */
  nth: number;
  attempt: number;
}

/** The worker of an attempt: its process, and the code that it runs. */
export interface Work {
  process: Process;
  run: (...args: unknown[]) => Promise<unknown>;
}

/** What an activity task needs of the server and the workers. */
export interface Host {
  clock: Clock;
  workflowId: string;
  /** Milliseconds until something reaches its receiver. */
  latency: () => number;
  /** A worker takes the task. */
  take: (id: AttemptId) => Work;
}

/** One scheduled activity, as Temporal's server treats it: attempts, time-outs, retries, heartbeats, cancellation. */
export class ActivityTask {
  private attempt = 0;
  private isRunning = false;
  private closed = false;
  private cancelRequested = false;
  private heartbeatDetails: unknown;
  private readonly scheduledAt: number;
  private timers: { cancel: () => void }[] = [];

  /** @param resolve is told how it ended */
  constructor(
    private readonly host: Host,
    private readonly command: Command,
    private readonly nth: number,
    private readonly resolve: (resolution: Resolution) => void,
  ) {
    this.scheduledAt = host.clock.now;
    this.startAfter(0);
  }

  /** The workflow no longer wants it. A running attempt learns that from its next heartbeat. */
  requestCancel(): void {
    this.cancelRequested = true;
    if (!this.isRunning) this.close(this.cancellation);
  }

  /** The workflow has ended, or no longer waits: what still runs is told so, and its answer is of no interest. */
  abandon(): void {
    this.closed = true;
    this.stopTimers();
  }

  private startAfter(ms: number): void {
    this.timers.push(this.host.clock.at(ms + this.host.latency(), () => this.start()));
  }

  private start(): void {
    if (this.closed) return;
    this.attempt++;
    this.isRunning = true;
    const { attempt, nth, host } = this;
    const step = this.command.activityType ?? '';
    const { process, run } = host.take({ step, nth, attempt });
    this.expectEnd();
    this.expectHeartbeat();
    const beats = new Heartbeats(host, process, (details) => this.beat(attempt, details));
    const activity = new Activity(
      this.info(),
      run,
      dataConverter,
      { type: 'activity', namespace: 'default', activityId: this.command.activityId ?? '', isLocal: false },
      undefined,
      (details: unknown) => beats.send(details),
      undefined,
      LoggerWithComposedMetadata.compose(silent, {}),
      noopMetricMeter,
      [],
    );
    beats.cancel = (reason) =>
      activity.cancel(reason, new ActivityCancellationDetails({ cancelRequested: reason === 'CANCELLED' }));
    const args = arrayFromPayloads(defaultPayloadConverter, this.command.arguments);
    void inProcess(process, () => activity.run({ args, headers: {} })).then((result) => {
      if (!process.dead) host.clock.at(host.latency(), () => this.finish(attempt, result));
    });
  }

  private info(): Info {
    const { activityId, activityType, heartbeatTimeout, startToCloseTimeout } = this.command;
    const execution = { workflowId: this.host.workflowId, runId: '' };
    return {
      taskToken: new Uint8Array(),
      base64TaskToken: '',
      activityId: activityId ?? '',
      activityType: activityType ?? '',
      attempt: this.attempt,
      heartbeatDetails: this.heartbeatDetails,
      heartbeatTimeoutMs: optionalTsToMs(heartbeatTimeout),
      startToCloseTimeoutMs: optionalTsToMs(startToCloseTimeout) ?? 0,
      workflowExecution: execution,
      isLocal: false,
    } as unknown as Info;
  }

  /** Answers why the attempt has to stop, if it has to. */
  private beat(attempt: number, details: unknown): 'CANCELLED' | 'NOT_FOUND' | undefined {
    if (this.closed || attempt !== this.attempt || !this.isRunning) return 'NOT_FOUND';
    this.heartbeatDetails = details;
    this.expectHeartbeat();
    return this.cancelRequested ? 'CANCELLED' : undefined;
  }

  private heartbeatTimer: { cancel: () => void } | undefined;
  private expectHeartbeat(): void {
    const limit = optionalTsToMs(this.command.heartbeatTimeout);
    if (limit === undefined) return;
    this.heartbeatTimer?.cancel();
    this.heartbeatTimer = this.expect(limit, 'Heartbeat');
  }

  private expectEnd(): void {
    const limit = optionalTsToMs(this.command.startToCloseTimeout);
    if (limit !== undefined) this.expect(limit, 'StartToClose');
    const whole = optionalTsToMs(this.command.scheduleToCloseTimeout);
    if (whole !== undefined) this.expect(this.scheduledAt + whole - this.host.clock.now, 'ScheduleToClose');
  }

  private expect(ms: number, name: 'Heartbeat' | 'StartToClose' | 'ScheduleToClose'): { cancel: () => void } {
    const { attempt } = this;
    const timer = this.host.clock.at(ms, () => {
      if (this.closed || attempt !== this.attempt || !this.isRunning) return;
      const timeoutFailureInfo = { timeoutType: timeoutTypes[name] };
      this.retryOr({ message: `activity ${name} timeout`, timeoutFailureInfo }, name !== 'ScheduleToClose');
    });
    this.timers.push(timer);
    return timer;
  }

  private finish(attempt: number, result: coresdk.activity_result.IActivityExecutionResult): void {
    if (this.closed || attempt !== this.attempt || !this.isRunning) return;
    if (result.completed) this.close({ completed: result.completed });
    else if (result.cancelled) this.close(this.cancellation);
    else {
      const failure = result.failed?.failure ?? {};
      this.retryOr(failure, failure.applicationFailureInfo?.nonRetryable !== true);
    }
  }

  /** As the server does: no new attempt once cancellation has been asked for. */
  private retryOr(failure: Failure, mayRetry: boolean): void {
    this.isRunning = false;
    this.stopTimers();
    const policy = this.command.retryPolicy ?? {};
    const most = policy.maximumAttempts ?? 0;
    const initial = optionalTsToMs(policy.initialInterval) ?? 1_000;
    const longest = optionalTsToMs(policy.maximumInterval) ?? 100 * initial;
    const pause = Math.min(longest, initial * (policy.backoffCoefficient ?? 2) ** (this.attempt - 1));
    const whole = optionalTsToMs(this.command.scheduleToCloseTimeout);
    const inTime = whole === undefined || this.host.clock.now + pause < this.scheduledAt + whole;
    if (mayRetry && inTime && !this.cancelRequested && (most === 0 || this.attempt < most)) this.startAfter(pause);
    else this.close({ failed: { failure: this.wrapped(failure) } });
  }

  /** What the workflow gets once the activity has been cancelled. */
  get cancellation(): Resolution {
    const message = 'Activity cancelled';
    return { cancelled: { failure: { ...this.wrapped({ message, canceledFailureInfo: {} }), message } } };
  }

  private wrapped(cause: Failure): Failure {
    const { activityId, activityType } = this.command;
    return {
      message: 'Activity task failed',
      cause,
      activityFailureInfo: { activityId: activityId ?? '', activityType: { name: activityType ?? '' } },
    };
  }

  private close(resolution: Resolution): void {
    this.abandon();
    this.isRunning = false;
    this.host.clock.at(this.host.latency(), () => this.resolve(resolution));
  }

  private stopTimers(): void {
    for (const timer of this.timers) timer.cancel();
    this.timers = [];
  }
}

/** The heartbeats of one attempt: only the newest of a second reaches the server. */
class Heartbeats {
  cancel: (reason: 'CANCELLED' | 'NOT_FOUND') => void = () => undefined;
  private waiting: { details: unknown } | undefined;
  private lastAt = -Infinity;

  constructor(
    private readonly host: Host,
    private readonly process: Process,
    private readonly record: (details: unknown) => 'CANCELLED' | 'NOT_FOUND' | undefined,
  ) {}

  send(details: unknown): void {
    const { clock, latency } = this.host;
    const isUnderWay = this.waiting !== undefined;
    this.waiting = { details };
    if (isUnderWay) return;
    const wait = Math.max(0, this.lastAt + heartbeatEvery - clock.now) + latency();
    inProcess(this.process, () => setTimeout(() => outside(() => this.arrive()), wait));
  }

  private arrive(): void {
    const details = this.waiting?.details;
    this.waiting = undefined;
    this.lastAt = this.host.clock.now;
    const reason = this.record(details);
    if (reason === undefined) return;
    inProcess(this.process, () => setTimeout(() => this.cancel(reason), this.host.latency()));
  }
}
