import type { ClosedRun } from '../../migration/lifecycle/live.js';
import { messages } from '../../migration/lifecycle/messages.js';
import { CommandError } from '../errors.js';
import { moment } from '../output/format.js';
import { progressOn } from '../output/progress.js';
import { cancelledLines } from '../output/status.js';
import { takeoverLines } from '../output/takeover.js';
import type { Terminal } from '../output/terminal.js';
import { readClosedRun } from '../temporal/closed.js';
import { Follower } from '../temporal/follower.js';
import type { Session } from '../temporal/session.js';
import { request } from '../temporal/request.js';
import { findOrAdopt } from '../temporal/takeover.js';

/**
 * Requests Cancel and waits until the target is as it was.
 * @throws CommandError past the point of no return
 */
export async function cancel({ id }: { id: string }, session: Session, terminal: Terminal): Promise<number> {
  const options = { adopt: 'cancel', force: false } as const;
  const { migration, description } = await findOrAdopt(id, options, session, (leftover) =>
    terminal.note(...takeoverLines(leftover)),
  );
  if (description.status.name !== 'RUNNING')
    return alreadyEnded(id, await readClosedRun(session, description), terminal);
  await request(session, migration, messages.cancel, undefined);
  terminal.farewell = 'the request is remembered; the target is put back without this command';
  const follower = new Follower(session, migration, progressOn(terminal));
  const { closed } = await follower.until((live) => live.closed !== null);
  if (closed?.result?.outcome === 'cancelled') {
    terminal.print(...cancelledLines(id, closed.result));
    return 0;
  }
  if (closed?.result?.outcome === 'completed')
    throw new CommandError(`${id} was past the point of no return: it has been completed`);
  throw new CommandError(closed?.failure ?? `${id} has not been cancelled`);
}

function alreadyEnded(id: string, { at, how, result }: ClosedRun, terminal: Terminal): number {
  const outcome = result?.outcome ?? how;
  if (outcome !== 'cancelled')
    throw new CommandError(`${id} has ended (${outcome}) at ${moment(at)}: there is nothing to cancel`);
  terminal.print(`${id} was cancelled already, at ${moment(at)}`);
  return 0;
}
