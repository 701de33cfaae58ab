import { patched, workflowInfo } from '@temporalio/workflow';
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
    if (carried === undefined) {
      if (start.how === 'adopt' || !start.input.dryRun) refuseTimeouts();
      return start;
    }
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

/** Milliseconds: no migration takes as long as that. */
const endless = 366 * 86_400_000;

/** A run that began before they were refused goes on. */
function refuseTimeouts(): void {
  const { executionTimeoutMs = Infinity, runTimeoutMs = Infinity } = workflowInfo();
  const limits = [
    ...(executionTimeoutMs > endless ? [] : [`an execution time-out of ${executionTimeoutMs / 1_000} s`]),
    ...(runTimeoutMs > endless || runTimeoutMs === executionTimeoutMs
      ? []
      : [`a run time-out of ${runTimeoutMs / 1_000} s`]),
  ];
  if (limits.length === 0 || !patched('no-timeouts')) return;
  throw new MigrationError(
    'INVALID_INPUT',
    `the workflow has ${limits.join(' and ')}: Temporal would end it without a word, and leave tables denied, ` +
      'streams running and perhaps a fence in the source',
    {},
    'start it without time-outs: a migration ends by Complete or Cancel',
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
