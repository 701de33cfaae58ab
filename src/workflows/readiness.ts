import { readinessInputSchema, parseWith } from '../migration/input/input.js';
import { dryRunAnswer } from '../migration/lifecycle/complete-answer.js';
import { proveOptions } from '../migration/lifecycle/state.js';
import type { CompleteAnswer } from '../migration/lifecycle/messages.js';
import { locked, quick } from './activities.js';
import { withCutover } from './dry-run.js';
import { toWorkflowFailure } from './failures.js';

/**
 * Whether Complete would go through now. Changes nothing, and leaves nothing in the history of the migration: it may
 * be asked as often as one likes.
 * @param rawInput see `readinessInputSchema`
 * @throws ApplicationFailure MIGRATION_NOT_FOUND when no such migration runs
 */
export async function readiness(rawInput: unknown): Promise<CompleteAnswer> {
  try {
    const { target, ...request } = parseWith(
      readinessInputSchema,
      rawInput ?? {},
      'the input of the workflow readiness',
    );
    const { ref, known } = await quick.readiness(target, request);
    const options = proveOptions({ fenceSource: false, insideFence: undefined, ...known });
    const inClusters = known.created ? await locked.prove(ref, options) : [];
    return await withCutover(ref, known, dryRunAnswer(request, known, inClusters));
  } catch (error) {
    throw toWorkflowFailure(error);
  }
}
