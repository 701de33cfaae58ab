import type { CancelAnswer } from '../../workflows/messages.js';
import { findOrAdopt } from './adopt.js';
import { readEnd, type End } from '../temporal/closed.js';
import { CommandError } from '../errors.js';
import { moment } from '../output/format.js';
import { Follower } from '../temporal/follow.js';
import { droppedLine } from '../output/status.js';
import type { Session } from '../temporal/session.js';
import type { Terminal } from '../output/terminal.js';

/**
 * Asks for Cancel and waits until the target is as it was.
 * @throws CommandError past the point of no return
 */
export async function cancel({ id }: { id: string }, session: Session, terminal: Terminal): Promise<number> {
  const { migration, description } = await findOrAdopt(id, { adopt: 'cancel' }, session, terminal);
  if (description.status.name !== 'RUNNING')
    return alreadyEnded(id, await readEnd(session, migration, description), terminal);
  const update = await session.request<CancelAnswer>(migration, 'cancel', {}, description.taskQueue);
  terminal.farewell = 'the request is remembered; the target is put back without this command';
  const follower = new Follower(session, migration, terminal);
  await follower.during(session.answer(update, description.taskQueue));
  const { end } = await follower.until((live) => live.end !== null);
  if (end?.result?.outcome === 'cancelled') {
    terminal.print(`Cancelled ${id}: the target is as it was.`, `Dropped: ${droppedLine(end.result.droppedTables)}`);
    return 0;
  }
  if (end?.result?.outcome === 'completed')
    throw new CommandError(`${id} was past the point of no return: it has been completed`);
  throw new CommandError(end?.failure ?? `${id} has not been cancelled`);
}

function alreadyEnded(id: string, end: End, terminal: Terminal): number {
  const outcome = end.result?.outcome ?? end.how;
  if (outcome !== 'cancelled')
    throw new CommandError(`${id} has ended (${outcome}) at ${moment(end.at)}: there is nothing to cancel`);
  terminal.print(`${id} was cancelled already, at ${moment(end.at)}`);
  return 0;
}
