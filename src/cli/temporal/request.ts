import type { Message } from '../../migration/lifecycle/messages.js';
import { messages } from '../../migration/lifecycle/messages.js';
import { refusalOf } from '../../migration/lifecycle/refusals.js';
import type { Status } from '../../migration/lifecycle/status.js';
import { describeProblem } from '../../migration/problem/errors.js';
import { CommandError, PassingError } from '../errors.js';
import { readLive } from './live.js';
import type { Migration, Session } from './session.js';

/**
 * Sends a message to a running migration as a signal: Temporal takes it whether or not a worker answers, however many
 * commands wait, and gives it to the run that comes next when the workflow continues as new. What becomes of it, the
 * status says.
 * @returns the status before
 * @throws CommandError when the message comes too late; or when no worker answers, with the message sent all the same
 */
export async function request<Payload>(
  session: Session,
  migration: Migration,
  message: Message<Payload, unknown>,
  payload: Payload,
): Promise<Status> {
  const before = await readLive(session, migration).catch(keepPassing);
  if (!(before instanceof PassingError)) refuseLate(message.name as keyof typeof messages, before.status);
  await session.signal(migration, message.name, payload);
  if (!(before instanceof PassingError)) return before.status;
  throw new CommandError(
    `${before.message}. The request is remembered, and carried out once a worker answers: ` +
      `see vtmigrate Workflow Show ${migration.id}`,
  );
}

function keepPassing(error: unknown): PassingError {
  if (error instanceof PassingError) return error;
  throw error;
}

function refuseLate(message: keyof typeof messages, { requested, phase, pastNoReturn, serving }: Status): void {
  const cancelling = phase === 'cancelling' || requested.includes('cancel');
  const refusal = refusalOf(message, { cancelling, pastNoReturn, serving });
  if (refusal !== undefined) throw new CommandError(describeProblem(refusal));
}
