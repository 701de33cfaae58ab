import type { MountInput } from '../../migration/input/input.js';
import type { MountResult } from '../../workflows/mount.js';
import { renderMount } from '../output/mount.js';
import type { Terminal } from '../output/terminal.js';
import { resultSoon, startOneOff } from '../temporal/one-off.js';
import type { Session } from '../temporal/session.js';

/** Runs the workflow `mount` and prints its result; returns the exit code. @throws CommandError */
export async function runMount(input: MountInput, session: Session, terminal: Terminal): Promise<number> {
  const name = input.action === 'list' ? undefined : input.name;
  const started = await startOneOff(session, {
    type: 'mount',
    of: name ?? 'list',
    input,
    summary: `${input.action} ${name ?? ''}`.trim(),
    timeout: '10 minutes',
  });
  terminal.farewell = `${started.workflowId} continues without this command`;
  terminal.print(...renderMount(input, await resultSoon<MountResult>(session, started)));
  return 0;
}
