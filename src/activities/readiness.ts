import { Context } from '@temporalio/activity';
import { WorkflowNotFoundError, type WorkflowExecutionDescription } from '@temporalio/client';
import { parseWorkflowIdentifier } from '../migration/input/identifier.js';
import type { CompleteRequest } from '../migration/input/input.js';
import { readinessQuestion, type KnownReadiness } from '../migration/lifecycle/messages.js';
import type { MigrationRef } from '../migration/plan/reference.js';
import { MigrationError } from '../migration/problem/errors.js';

/** What a running migration knows of its readiness. */
export function readinessActivities() {
  return {
    /** @throws MIGRATION_NOT_FOUND when no such migration runs */
    async readiness(target: string, request: CompleteRequest): Promise<{ ref: MigrationRef; known: KnownReadiness }> {
      const { workflow } = Context.current().client;
      const { runId, raw } = await running(target);
      const handle = workflow.getHandle(target, runId);
      const known = await handle.query<KnownReadiness, [CompleteRequest]>(readinessQuestion.name, request);
      const firstRunId = raw.workflowExecutionInfo?.firstRunId || runId;
      return { ref: { id: parseWorkflowIdentifier(target), runId: firstRunId }, known };
    },
  };
}

async function running(target: string): Promise<WorkflowExecutionDescription> {
  const { client } = Context.current();
  try {
    const description = await client.workflow.getHandle(target).describe();
    if (description.type === 'migrate' && description.status.name === 'RUNNING') return description;
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
  throw new MigrationError(
    'MIGRATION_NOT_FOUND',
    `no migration ${target} runs in Temporal's namespace ${client.options.namespace}`,
    {},
    `vtmigrate Workflow Show ${target} says how it has ended`,
  );
}
