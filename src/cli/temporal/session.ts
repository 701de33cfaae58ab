import {
  Client,
  Connection,
  isGrpcServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  type WorkflowExecutionDescription,
  type WorkflowHandle,
  type WorkflowUpdateHandle,
} from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { parseAddress } from '../../migration/input/address.js';
import { temporalRefusal } from '../../net/temporal-refusal.js';
import { CommandError, PassingError } from '../errors.js';

/**
 * Milliseconds. A worker that lives answers in a fraction of a second; but a question goes to the one
 * that answered last, and Temporal takes ten seconds to see that it has died and to ask another.
 */
const connectTimeout = 5_000;
const callTimeout = 15_000;
/** For a step that tries an unreachable cluster several times. */
const patience = 8 * 60_000;
/** A poller seen longer ago than this has missed its poll: it is gone. */
const pollerAge = 90_000;

/** gRPC status codes, by their numbers on the wire. */
const CANCELLED = 1;
const DEADLINE_EXCEEDED = 4;
const PERMISSION_DENIED = 7;
const FAILED_PRECONDITION = 9;
const UNAVAILABLE = 14;
const UNAUTHENTICATED = 16;
/** PENDING_WORKFLOW_TASK_STATE_SCHEDULED: nobody has taken it. */
const scheduled: number = 1;

export type Migration = WorkflowHandle;

/** Temporal as the commands need it: every call has a deadline, every failure says what to do. */
export class Session {
  private constructor(
    readonly client: Client,
    readonly taskQueue: string,
    private readonly address: string,
  ) {}

  /** Connects with the standard environment and profiles of Temporal. @throws CommandError */
  static async open(environment: NodeJS.ProcessEnv): Promise<Session> {
    const { connectionOptions, namespace } = readConnectConfig();
    const address = connectionOptions.address ?? 'localhost:7233';
    const taskQueue = environment['VTMIGRATE_TASK_QUEUE'] || 'vtmigrate';
    try {
      const connection = await Connection.connect({ ...connectionOptions, connectTimeout });
      return new Session(
        new Client({ connection, ...(namespace === undefined ? {} : { namespace }) }),
        taskQueue,
        address,
      );
    } catch (error) {
      const at = parseAddress(address);
      const why = at && (await temporalRefusal(at, connectionOptions.tls));
      throw why === undefined
        ? refusedOr(address, error)
        : new CommandError(`Temporal at ${address} does not let you in: ${why} (TEMPORAL_TLS_…)`);
    }
  }

  close(): Promise<void> {
    return this.client.connection.close();
  }

  /** The latest run of a migration, or a certain one. */
  migration(id: string, runId?: string): Migration {
    return this.client.workflow.getHandle(id, runId);
  }

  /** Starts the workflow `migrate`; undefined when one of this ID runs already. @throws CommandError */
  async startMigration(id: string, input: Record<string, unknown>, remark = ''): Promise<Migration | undefined> {
    const started = await this.call(() =>
      this.client.workflow
        .start('migrate', {
          taskQueue: this.taskQueue,
          workflowId: id,
          args: [input],
          workflowIdConflictPolicy: 'FAIL',
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          staticSummary: `${String(input['source'])} → ${id}${remark}`,
        })
        .catch((error: unknown) => {
          if (error instanceof WorkflowExecutionAlreadyStartedError) return undefined;
          throw error;
        }),
    );
    return started === undefined ? undefined : this.migration(id, started.firstExecutionRunId);
  }

  /** Makes a call with a deadline. @throws CommandError */
  async call<T>(work: () => Promise<T>, taskQueue = this.taskQueue, timeout = callTimeout): Promise<T> {
    try {
      return await this.client.withDeadline(Date.now() + timeout, work);
    } catch (error) {
      throw await this.translate(error, taskQueue);
    }
  }

  /** What Temporal knows of a migration; undefined when there is none. @throws CommandError */
  async find(migration: Migration): Promise<WorkflowExecutionDescription | undefined> {
    const description = await this.call(() =>
      migration.describe().catch((error: unknown) => {
        if (error instanceof WorkflowNotFoundError) return undefined;
        throw error;
      }),
    );
    return description?.type === 'migrate' ? description : undefined;
  }

  /** What Temporal knows of a migration. @throws CommandError when there is none */
  async describe(migration: Migration): Promise<WorkflowExecutionDescription> {
    const id = migration.workflowId;
    const description = await this.find(migration);
    if (description !== undefined) return description;
    throw new CommandError(
      `there is no migration ${id}: begin one with vtmigrate Migrate -all -source <mount>.<keyspace> Create ${id}, or see which there are with temporal workflow list --query "WorkflowType = 'migrate'"`,
    );
  }

  /**
   * Sends an update and returns once the workflow has accepted it.
   * @throws CommandError when it is refused, or no worker takes it
   */
  async request<T>(
    migration: Migration,
    update: string,
    payload: Record<string, unknown>,
    taskQueue: string,
  ): Promise<WorkflowUpdateHandle<T>> {
    try {
      return await this.call(
        () => migration.startUpdate<T, [unknown]>(update, { args: [payload], waitForStage: 'ACCEPTED' }),
        taskQueue,
      );
    } catch (error) {
      // Temporal may hold the request and hand it to the next worker: seen after a worker's crash.
      if (error instanceof PassingError)
        throw new CommandError(
          `${error.message}. The request may still be taken up when one answers: see vtmigrate Workflow Show ${migration.workflowId}`,
        );
      throw error;
    }
  }

  /** Waits for the answer of an update, however long it takes. @throws CommandError with the workflow's reason */
  async answer<T>(update: WorkflowUpdateHandle<T>, taskQueue: string): Promise<T> {
    for (;;) {
      try {
        return await update.result();
      } catch (error) {
        const translated = await this.translate(error, taskQueue);
        if (!(translated instanceof PassingError)) throw translated;
        await new Promise((resolve) => setTimeout(resolve, 1_000));
      }
    }
  }

  /** Workers that have asked for work lately: identity and seconds since. */
  async workers(taskQueue = this.taskQueue): Promise<{ identity: string; secondsAgo: number }[]> {
    const answer = await this.client.withDeadline(Date.now() + connectTimeout, () =>
      this.client.workflowService.describeTaskQueue({
        namespace: this.client.options.namespace,
        taskQueue: { name: taskQueue },
      }),
    );
    return answer.pollers
      .map((poller) => ({
        identity: poller.identity ?? '',
        secondsAgo: Math.round(Date.now() / 1000 - Number(poller.lastAccessTime?.seconds ?? 0)),
      }))
      .filter((poller) => poller.secondsAgo * 1000 < pollerAge)
      .sort((a, b) => a.secondsAgo - b.secondsAgo);
  }

  /**
   * Waits for the end of a workflow that somebody wants now and not an hour later: when no worker
   * has even looked at it in time, it is terminated.
   * @throws CommandError with the workflow's reason
   */
  async resultSoon<T>(handle: WorkflowHandle): Promise<T> {
    try {
      return (await this.client.withDeadline(Date.now() + callTimeout, () => handle.result())) as T;
    } catch (error) {
      if (error instanceof WorkflowFailedError) throw new CommandError(reasonOf(error));
      const { raw } = await this.call(() => handle.describe());
      const task: number | null | undefined = raw.pendingWorkflowTask?.state;
      if (task === scheduled) {
        await this.call(() => handle.terminate('no worker took it'));
        throw noWorker(this.taskQueue);
      }
    }
    return (await this.call(
      () =>
        handle.result().catch((error: unknown) => {
          throw error instanceof WorkflowFailedError ? new CommandError(reasonOf(error)) : error;
        }),
      this.taskQueue,
      patience,
    )) as T;
  }

  private async translate(error: unknown, taskQueue: string): Promise<Error> {
    if (error instanceof CommandError) return error;
    if (error instanceof WorkflowUpdateFailedError) return new CommandError(reasonOf(error));
    if (error instanceof WorkflowNotFoundError) return new CommandError(`${error.workflowId}: ${error.message}`);
    const grpc = grpcError(error);
    if (grpc === undefined && !(error instanceof WorkflowUpdateRPCTimeoutOrCancelledError))
      return error instanceof Error ? error : new Error(String(error));
    if (grpc?.code === UNAVAILABLE) return unreachable(this.address, grpc);
    // A deadline shows itself as either, by who sees it first.
    if (grpc === undefined || [CANCELLED, DEADLINE_EXCEEDED, FAILED_PRECONDITION].includes(grpc.code))
      return this.whyNoAnswer(taskQueue, grpc);
    return new CommandError(`Temporal at ${this.address} refuses: ${grpc.details}`);
  }

  /** A call that ran out of time: is it Temporal, or the worker? */
  private async whyNoAnswer(taskQueue: string, grpc: { code: number; details: string } | undefined): Promise<Error> {
    try {
      const [worker] = await this.workers(taskQueue);
      if (worker === undefined) return noWorker(taskQueue);
      const reason = grpc?.code === FAILED_PRECONDITION ? ` (${grpc.details})` : '';
      return new PassingError(
        `no worker answers on task queue ${taskQueue} within ${callTimeout / 1000} s${reason}; ${worker.identity} asked for work ${worker.secondsAgo} s ago: look at its log, or start one with npm run worker`,
      );
    } catch (error) {
      return unreachable(this.address, error);
    }
  }
}

/** What a failure says at its root: the words of the step that failed. */
export function reasonOf(error: unknown): string {
  let root = error;
  while (root instanceof Error && root.cause instanceof Error && !(root.name === 'ApplicationFailure'))
    root = root.cause;
  return root instanceof Error ? root.message : String(root);
}

function readConnectConfig() {
  try {
    return loadClientConnectConfig();
  } catch (error) {
    throw new CommandError(
      `the configuration of the Temporal client cannot be read: ${reasonOf(error)} (TEMPORAL_CONFIG_FILE, TEMPORAL_PROFILE)`,
    );
  }
}

function grpcError(error: unknown): { code: number; details: string } | undefined {
  const cause = error instanceof Error && !isGrpcServiceError(error) ? error.cause : error;
  return isGrpcServiceError(cause) ? { code: cause.code, details: cause.details } : undefined;
}

function unreachable(address: string, error: unknown): PassingError {
  const details = grpcError(error)?.details ?? (error instanceof Error ? error.message : String(error));
  return new PassingError(
    `Temporal does not answer at ${address} (${details}): is it running? The address comes from TEMPORAL_ADDRESS or the profile`,
  );
}

function refusedOr(address: string, error: unknown): CommandError {
  const grpc = grpcError(error);
  if (grpc === undefined || ![PERMISSION_DENIED, UNAUTHENTICATED].includes(grpc.code))
    return unreachable(address, error);
  return new CommandError(
    `Temporal at ${address} does not let you in: ${grpc.details} (TEMPORAL_API_KEY, TEMPORAL_TLS_…)`,
  );
}

function noWorker(taskQueue: string): PassingError {
  return new PassingError(
    `no worker answers on task queue ${taskQueue}: start one with npm run worker (VTMIGRATE_TASK_QUEUE names the queue)`,
  );
}
