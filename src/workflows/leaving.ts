import type { CompleteRequest } from '../migration/input/input.js';
import type { LeaveIntent } from '../migration/lifecycle/state.js';
import { leaveEnds } from '../migration/plan/leaving.js';
import type { Problem } from '../migration/problem/errors.js';
import { asking } from './activities.js';
import { problemOf } from './failures.js';
import type { Migration } from './state.js';

/** From now on nothing else is begun; what goes on is cut off once it is known that they may leave. */
export async function askToLeave(
  migration: Migration,
  tables: string[],
  complete: CompleteRequest | null,
): Promise<LeaveIntent> {
  const intent = migration.requestLeave(tables, complete);
  const refusal = await leaveRefusal(migration, tables);
  if (refusal === undefined) intent.judged = true;
  else migration.refuseLeave(intent, refusal);
  return intent;
}

/** Until Create is done there is no record to ask, and while servers do not answer, the step itself will find out. */
async function leaveRefusal(migration: Migration, tables: string[]): Promise<Problem | undefined> {
  if (migration.progress.reached !== 'created') return undefined;
  try {
    await asking.mayLeave(migration.ref, tables);
    return undefined;
  } catch (error) {
    const problem = problemOf(error);
    return leaveEnds.has(problem.code) ? problem : undefined;
  }
}
