import type { OptionsRequest } from '../../migration/input/input.js';
import { messages, type VDiffAnswer } from '../../migration/lifecycle/messages.js';
import type { Status } from '../../migration/lifecycle/status.js';
import { isClean } from '../../migration/proof/vdiff.js';
import type { VDiffRequest } from '../args/vdiff.js';
import { CommandError } from '../errors.js';
import { moment } from '../output/format.js';
import { progressOn } from '../output/progress.js';
import type { Terminal } from '../output/terminal.js';
import { renderVDiff, waysOn } from '../output/vdiff.js';
import { Follower } from '../temporal/follower.js';
import { readLive } from '../temporal/live.js';
import { described, type Session } from '../temporal/session.js';
import { request } from '../temporal/request.js';
import { updateOptions } from '../temporal/update-options.js';

/** Runs or shows a VDiff; returns the exit code: 0 when it is clean. @throws CommandError */
export async function runVDiff(
  { action, id, json, payload }: VDiffRequest,
  session: Session,
  terminal: Terminal,
): Promise<number> {
  const answer = action === 'show' ? await last(id, session) : await compare(id, payload, session, terminal);
  const { vdiff, clean } = answer;
  if (json) terminal.print(JSON.stringify(answer, null, 2));
  else if (vdiff !== null) terminal.print(...renderVDiff(id, vdiff));
  if (vdiff === null) throw new CommandError(`${id}: no VDiff has finished`);
  if (!clean && vdiff.state !== 'running') terminal.note('', ...waysOn(id));
  return clean ? 0 : 1;
}

async function last(id: string, session: Session): Promise<VDiffAnswer> {
  return answerOf((await readLive(session, { id })).status);
}

function answerOf({ vdiff }: Status): VDiffAnswer {
  return { vdiff, clean: vdiff !== null && isClean(vdiff) };
}

async function compare(
  id: string,
  payload: OptionsRequest | null,
  session: Session,
  terminal: Terminal,
): Promise<VDiffAnswer> {
  const description = await session.describe({ id });
  if (description.status.name !== 'RUNNING') {
    const when = description.closeTime === undefined ? '' : ` at ${moment(description.closeTime.toISOString())}`;
    throw new CommandError(
      `${id} has ended${when}: its streams are gone, so nothing can be compared. ` +
        `To see the last VDiff: vtmigrate VDiff Show ${id}`,
    );
  }
  const migration = described(description);
  const follower = new Follower(session, migration, progressOn(terminal));
  if (payload !== null) await updateOptions(migration, payload, session, follower);
  const { vdiffsFinished } = await request(session, migration, messages.vdiff, undefined);
  terminal.farewell = `the VDiff continues without this command: vtmigrate Workflow Show ${id}`;
  const { status } = await follower.until(
    (live) => live.closed !== null || live.status.vdiffsFinished > vdiffsFinished,
  );
  if (status.vdiffsFinished > vdiffsFinished) return answerOf(status);
  throw new CommandError(`${id} has ended before a VDiff finished: see vtmigrate Workflow Show ${id}`);
}
