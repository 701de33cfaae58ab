import type { LeaveRequest } from '../../migration/input/input.js';
import { messages } from '../../migration/lifecycle/messages.js';
import type { Status } from '../../migration/lifecycle/status.js';
import { describeProblem } from '../../migration/problem/errors.js';
import { CommandError } from '../errors.js';
import { progressOn } from '../output/progress.js';
import { nameListLine } from '../output/format.js';
import type { Terminal } from '../output/terminal.js';
import { Follower } from '../temporal/follower.js';
import { described, type Session } from '../temporal/session.js';
import { request } from '../temporal/request.js';

/**
 * Lets tables leave a running migration and waits until they have.
 * @throws CommandError with the reason when they may not
 */
export async function leave(
  { id, payload }: { id: string; payload: LeaveRequest },
  session: Session,
  terminal: Terminal,
): Promise<number> {
  const description = await session.describe({ id });
  if (description.status.name !== 'RUNNING')
    throw new CommandError(
      `${id} has ended: no table can leave it any more. If its workflow was lost, take it over with ` +
        `vtmigrate Migrate -leave_tables <tables> Complete ${id}`,
    );
  const migration = described(description);
  await request(session, migration, messages.leave, payload);
  terminal.farewell = 'the request is remembered; it is carried out without this command';
  const { status, closed } = await new Follower(session, migration, progressOn(terminal)).until(
    (live) => live.closed !== null || !live.status.requested.includes('leave'),
  );
  if (!hasLeft(status, payload.tables)) {
    const problem = status.refusal ?? status.lastError;
    if (closed === null && problem !== null) throw new CommandError(describeProblem(problem));
    throw new CommandError(`${id} has ended in the meantime: see vtmigrate Workflow Show ${id}`);
  }
  terminal.print(
    `Left ${id}: ${payload.tables.join(', ')}. What was copied of them is gone from the target.`,
    `It goes on with ${nameListLine(status.tableNames)}`,
  );
  return 0;
}

/** Of a long list of tables the status has only the first names. */
function hasLeft({ left }: Status, tables: readonly string[]): boolean {
  return left.count > left.names.length || tables.every((table) => left.names.includes(table));
}
