import { Context } from '@temporalio/activity';
import { isGrpcServiceError, WorkflowNotFoundError } from '@temporalio/client';
import { lookOf, surveyedWorkflows, type AuditLook, type AuditRequest } from '../../migration/audit/look.js';
import type { Residue } from '../../migration/audit/residue.js';
import type { RunState } from '../../migration/audit/survey.js';
import { formatIdentifier } from '../../migration/input/identifier.js';
import type { Clients } from '../../vitess/clients.js';
import { Removal } from './remove.js';
import { readSurvey } from './survey.js';
import { withHeartbeat } from '../step/heartbeat.js';

/** The audit of a target keyspace: what is there, what Temporal knows about its owners, and the removal of residue. */
export function auditActivities(clients: Clients) {
  return {
    /**
     * Everything migrations make in a target keyspace, judged by what Temporal knows about its owners. Changes nothing.
     * @throws KEYSPACE_NOT_FOUND, TABLET_UNREACHABLE
     */
    async lookAround(keyspace: string, request: AuditRequest): Promise<AuditLook> {
      return withHeartbeat(async () => {
        const survey = await readSurvey(clients, keyspace);
        const runs = await Promise.all(surveyedWorkflows(survey).map((workflow) => runState(keyspace, workflow)));
        return lookOf(survey, runs, request);
      });
    },

    /**
     * Removes residue, each thing after another look under the locks that Vitess takes for it.
     * What is gone already counts as removed.
     * @param runs what Temporal knows about the owners
     * @param seen the run ID in each journal, by workflow, when Temporal was asked; a journal with another one counts
     * as live
     * @throws NOT_REMOVABLE when something has become live meanwhile, or has rows; LOCKED
     */
    async remove(keyspace: string, things: Residue[], runs: RunState[], seen: Record<string, string>): Promise<void> {
      await withHeartbeat((stopIfCancelled) =>
        new Removal(clients, keyspace, things, runs, seen, stopIfCancelled).run(),
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
      state: `Temporal's namespace ${client.options.namespace} has no workflow of that name`,
    };
  }
}
