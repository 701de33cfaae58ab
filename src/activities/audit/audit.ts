import { Context } from '@temporalio/activity';
import { isGrpcServiceError, WorkflowNotFoundError } from '@temporalio/client';
import type { RunState, Survey } from '../../migration/audit/judge.js';
import { formatIdentifier } from '../../migration/input/identifier.js';
import type { Clients } from '../../vitess/clients.js';
import { Removal } from './remove.js';
import { readSurvey } from './survey.js';
import { withHeartbeat } from '../step/heartbeat.js';

/** The audit of a target keyspace: what is there, whose it is, and the removal of what is nobody's. */
export function auditActivities(clients: Clients) {
  return {
    /** Everything migrations leave in a target keyspace. Changes nothing. @throws KEYSPACE_NOT_FOUND, TABLET_UNREACHABLE */
    async survey(keyspace: string): Promise<Survey> {
      return withHeartbeat(() => readSurvey(clients, keyspace));
    },

    /** What Temporal knows of the workflows of these identifiers. */
    async runs(keyspace: string, workflows: string[]): Promise<RunState[]> {
      return Promise.all(workflows.map((workflow) => runState(keyspace, workflow)));
    },

    /**
     * Removes what is named, each thing under the locks that Vitess takes for it, after another look.
     * What is gone already counts as removed.
     * @param runs what is known of the workflows; a journal whose run is not the one seen then counts as alive
     * @throws NOT_REMOVABLE when something has become live meanwhile, or has rows; LOCKED
     */
    async remove(keyspace: string, names: string[], runs: RunState[], seen: Record<string, string>): Promise<void> {
      await withHeartbeat((stopIfCancelled) =>
        new Removal(clients, keyspace, names, runs, seen, stopIfCancelled).run(),
      );
    },
  };
}

async function runState(keyspace: string, workflow: string): Promise<RunState> {
  const { client } = Context.current();
  try {
    const { status, closeTime } = await client.workflow.getHandle(formatIdentifier({ keyspace, workflow })).describe();
    const ended = closeTime === undefined ? '' : ` at ${closeTime.toISOString()}`;
    return {
      workflow,
      running: ['RUNNING', 'PAUSED'].includes(status.name),
      state: `its workflow is ${status.name.toLowerCase().replaceAll('_', ' ')}${ended}`,
    };
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError))
      throw error instanceof Error && isGrpcServiceError(error)
        ? new Error(`Temporal does not answer: ${error.details}`)
        : error;
    return {
      workflow,
      running: false,
      state: `Temporal's namespace ${client.options.namespace} has no workflow of it`,
    };
  }
}
