import type { OptionsRequest } from '../../migration/input/input.js';
import { messages } from '../../migration/lifecycle/messages.js';
import { describeProblem } from '../../migration/problem/errors.js';
import { CommandError } from '../errors.js';
import type { Follower } from './follower.js';
import { request } from './request.js';
import type { Migration, Session } from './session.js';

/**
 * Changes options of a running migration and waits until they hold.
 * @throws CommandError with the reason when they are refused
 */
export async function updateOptions(
  migration: Migration,
  payload: OptionsRequest,
  session: Session,
  follower: Follower,
): Promise<void> {
  await request(session, migration, messages.updateOptions, payload);
  const { status, closed } = await follower.until(
    (live) => live.closed !== null || !live.status.requested.includes('updateOptions'),
  );
  if (closed !== null)
    throw new CommandError(`${migration.id} has ended in the meantime: see vtmigrate Workflow Show ${migration.id}`);
  if (status.refusal !== null) throw new CommandError(describeProblem(status.refusal));
}
