import {
  Client,
  Connection,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  type WorkflowExecutionDescription,
  type WorkflowHandle,
} from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { AdoptInput, MigrateInput } from '../../migration/input/input.js';
import { parseAddress } from '../../migration/input/address.js';
import { temporalRefusal } from '../../net/temporal-refusal.js';
import { CommandError, PassingError } from '../errors.js';
import {
  connectionError,
  grpcStatus,
  isUnanswered,
  isUnavailable,
  noWorker,
  reasonFor,
  reasonOf,
  unreachable,
  type GrpcStatus,
} from './refusals.js';

/**
 * Milliseconds. A live worker answers in a fraction of a second; but Temporal sends a query to the worker
 * that answered last, and needs ten seconds to notice that it has died and to ask another one.
 */
export const callTimeout = 15_000;
const connectTimeout = 5_000;
/** Milliseconds: a poller last seen longer ago has missed its poll, so it is gone. */
const pollerAge = 90_000;

/** A migration by its workflow ID. */
export interface Migration {
  id: string;
  /** The run ID of its first run, kept when it continues as new; without it, the latest migration is meant. */
  runId?: string;
  /** The task queue of its workers; without it, the one of the environment. */
  taskQueue?: string;
}

/** What Temporal knows of the newest run of a migration. */
export type Description = WorkflowExecutionDescription;

/** The run ID of a migration's first run, by which journals name the migration. */
export function firstRunId(description: Description): string {
  return description.raw.workflowExecutionInfo?.firstRunId || description.runId;
}

/** The migration that a description is of. */
export function described(description: Description): Required<Migration> {
  return { id: description.workflowId, runId: firstRunId(description), taskQueue: description.taskQueue };
}

/** Temporal as the commands need it: every call has a deadline, every failure says what to do. */
export class Session {
  /** @param address of Temporal, for messages */
  constructor(
    readonly client: Client,
    readonly taskQueue: string,
    private readonly address: string,
  ) {}

  /** Connects with Temporal's standard environment variables and profiles. @throws CommandError */
  static async open(environment: NodeJS.ProcessEnv): Promise<Session> {
    const { connectionOptions, namespace } = readConnectConfig();
    const address = connectionOptions.address ?? 'localhost:7233';
    const taskQueue = environment['VTMIGRATE_TASK_QUEUE'] || 'vtmigrate';
    try {
      const connection = await Connection.connect({ ...connectionOptions, connectTimeout });
      const client = new Client({ connection, ...(namespace === undefined ? {} : { namespace }) });
      return new Session(client, taskQueue, address);
    } catch (error) {
      const at = parseAddress(address);
      const why = at && (await temporalRefusal(at, connectionOptions.tls));
      throw why === undefined
        ? connectionError(address, error)
        : new CommandError(`Temporal at ${address} does not let you in: ${why} (TEMPORAL_TLS_…)`);
    }
  }

  close(): Promise<void> {
    return this.client.connection.close();
  }

  /** One run of a workflow, or its newest. */
  handle(id: string, runId?: string): WorkflowHandle {
    return this.client.workflow.getHandle(id, runId);
  }

  /** Starts the workflow `migrate`; undefined when this ID is already running. @throws CommandError */
  async startMigration(
    id: string,
    input: MigrateInput | AdoptInput,
    remark = '',
  ): Promise<Required<Migration> | undefined> {
    const { taskQueue } = this;
    const started = await this.call(() =>
      this.client.workflow
        .start('migrate', {
          taskQueue,
          workflowId: id,
          args: [input],
          workflowIdConflictPolicy: 'FAIL',
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          staticSummary: `${input.source} → ${id}${remark}`,
        })
        .catch((error: unknown) => {
          if (error instanceof WorkflowExecutionAlreadyStartedError) return undefined;
          throw error;
        }),
    );
    return started === undefined ? undefined : { id, runId: started.firstExecutionRunId, taskQueue };
  }

  /** Sends a signal to the newest run of a migration. @throws CommandError when it has ended, or another one runs */
  async signal(migration: Migration, name: string, payload: unknown): Promise<void> {
    const { status, runId } = await this.describe(migration);
    const { id } = migration;
    if (status.name !== 'RUNNING')
      throw new CommandError(`${id} has ended in the meantime: see vtmigrate Workflow Show ${id}`);
    const sent = await this.call(() =>
      this.handle(id, runId)
        .signal(name, ...(payload === undefined ? [] : [payload]))
        .then(() => true, isNotFound),
    );
    // The run has ended since: either the migration has, or it has continued as new.
    if (!sent) await this.signal(migration, name, payload);
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
  async find({ id, runId }: Migration): Promise<Description | undefined> {
    const newest = await this.describeRun(id);
    if (newest === undefined || runId === undefined || firstRunId(newest) === runId) return newest;
    // Another migration of this ID has been started since.
    return this.describeRun(id, runId);
  }

  /** What Temporal knows of a migration. @throws CommandError when there is none */
  async describe(migration: Migration): Promise<Description> {
    const { id } = migration;
    const description = await this.find(migration);
    if (description !== undefined) return description;
    throw new CommandError(
      `there is no migration ${id}: start one with vtmigrate Migrate -all -source <mount>.<keyspace> Create ${id}, ` +
        `or list them with temporal workflow list --query "WorkflowType = 'migrate'". ` +
        'Temporal forgets one that has ended once the retention of its namespace is over',
    );
  }

  private async describeRun(id: string, runId?: string): Promise<Description | undefined> {
    const description = await this.call(() =>
      this.handle(id, runId)
        .describe()
        .catch((error: unknown) => {
          if (error instanceof WorkflowNotFoundError) return undefined;
          throw error;
        }),
    );
    return description?.type === 'migrate' ? description : undefined;
  }

  /** Workers that have polled lately: identity, and seconds since. */
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

  /** Turns an error of the SDK into a CommandError. */
  async translate(error: unknown, taskQueue: string): Promise<Error> {
    if (error instanceof CommandError) return error;
    if (error instanceof WorkflowUpdateFailedError) return new CommandError(reasonOf(error));
    if (error instanceof WorkflowNotFoundError) return new CommandError(`${error.workflowId}: ${error.message}`);
    const status = grpcStatus(error);
    if (status === undefined && !(error instanceof WorkflowUpdateRPCTimeoutOrCancelledError))
      return error instanceof Error ? error : new Error(String(error));
    if (isUnavailable(status)) return unreachable(this.address, error);
    if (status === undefined || isUnanswered(status)) return this.whyNoAnswer(taskQueue, status);
    return new CommandError(`Temporal at ${this.address} refuses: ${status.details}`);
  }

  /** Finds out whether Temporal or the worker left a call unanswered. */
  private async whyNoAnswer(taskQueue: string, status: GrpcStatus | undefined): Promise<Error> {
    try {
      const [worker] = await this.workers(taskQueue);
      if (worker === undefined) return noWorker(taskQueue);
      return new PassingError(
        `no worker answers on task queue ${taskQueue} within ${callTimeout / 1000} s${reasonFor(status)}; ` +
          `${worker.identity} asked for work ${worker.secondsAgo} s ago: look at its log, ` +
          'or start one with npm run worker',
      );
    } catch (error) {
      return unreachable(this.address, error);
    }
  }
}

/** False for a workflow that is not there, or has ended; other errors are thrown. */
function isNotFound(error: unknown): false {
  if (error instanceof WorkflowNotFoundError) return false;
  throw error;
}

function readConnectConfig() {
  try {
    return loadClientConnectConfig();
  } catch (error) {
    throw new CommandError(
      `the configuration of the Temporal client cannot be read: ${reasonOf(error)} ` +
        '(TEMPORAL_CONFIG_FILE, TEMPORAL_PROFILE)',
    );
  }
}
