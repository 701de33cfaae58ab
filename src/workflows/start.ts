import { workflowInfo } from '@temporalio/workflow';
import { adoptInputSchema, parseWith, type AdoptInput, type MigrateInput } from '../migration/input/input.js';
import { migrateContract } from '../migration/preflight/contract.js';
import { completedState, type MigrationState } from '../migration/lifecycle/state.js';
import { MigrationError } from '../migration/problem/errors.js';
import { toWorkflowFailure } from './failures.js';

/** The three beginnings of a run: a new migration, one that is adopted, and one that continues as new. */
export type Start =
  | { how: 'create'; input: MigrateInput }
  | { how: 'adopt'; input: AdoptInput }
  | { how: 'continue'; input: MigrateInput | AdoptInput; carried: MigrationState };

const whatItIs = 'the input of the workflow migrate';

/**
 * @param raw see `migrateContract` and `adoptInputSchema`
 * @param carried the state of the run before
 * @throws ApplicationFailure INVALID_INPUT, naming every wrong field
 */
export function parseStart(raw: unknown, carried: unknown): Start {
  try {
    const start: Start =
      typeof raw === 'object' && raw !== null && 'adopt' in raw
        ? { how: 'adopt', input: parseWith(adoptInputSchema, raw, whatItIs) }
        : { how: 'create', input: parseWith(migrateContract, raw ?? {}, whatItIs) };
    const { workflowId, continuedFromExecutionRunId } = workflowInfo();
    refuseOtherTarget(workflowId, start.input.target);
    if (carried === undefined) return start;
    if (continuedFromExecutionRunId === undefined) throw secondArgument();
    return { ...start, how: 'continue', carried: completedState(carried as MigrationState) };
  } catch (error) {
    throw toWorkflowFailure(error);
  }
}

function refuseOtherTarget(workflowId: string, target: string): void {
  if (workflowId === target) return;
  throw new MigrationError(
    'INVALID_INPUT',
    `the workflow ID is ${workflowId}, and target is ${target}`,
    {},
    'give the workflow the identifier of the migration as its ID, so that there is only one of it',
  );
}

function secondArgument(): MigrationError {
  return new MigrationError(
    'INVALID_INPUT',
    'the workflow migrate takes one argument; the second is the state that a run hands to the next one',
    {},
    'start it with its input alone',
  );
}
