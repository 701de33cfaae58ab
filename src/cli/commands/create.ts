import type { MigrateInput } from '../../migration/input/input.js';
import { blocking, type Finding } from '../../migration/preflight/finding.js';
import { CommandError } from '../errors.js';
import { count } from '../output/format.js';
import { renderPlan } from '../output/plan.js';
import { phasesOn } from '../output/progress.js';
import type { Terminal } from '../output/terminal.js';
import { Follower } from '../temporal/follower.js';
import { readLive } from '../temporal/live.js';
import type { Migration, Session } from '../temporal/session.js';

/** Milliseconds between two polls: the phases of a Create are short. */
const pollInterval = 400;
/**
 * Starts the migration and follows it until its streams exist, or, for a dry run, its plan does.
 * @throws CommandError with the reason; then everything has been put back
 */
export async function create(
  { id, input }: { id: string; input: MigrateInput },
  session: Session,
  terminal: Terminal,
): Promise<number> {
  const migration = await start(session, id, input);
  terminal.farewell = `${id} continues without this command: vtmigrate Workflow Show ${id}`;
  const follower = new Follower(session, migration, phasesOn(terminal), pollInterval);
  const { status, closed } = await follower.until((live) => live.closed !== null || live.status.createDone);
  if (closed?.result?.outcome === 'planned') {
    terminal.print(...renderPlan(closed.result));
    return verdict(closed.result.findings, input.accept, terminal);
  }
  if (closed !== null && closed.failure !== null) throw new CommandError(closed.failure);
  if (status.phase === 'cancelled')
    throw new CommandError(`${id} has been cancelled in the meantime: the target is as it was`);
  terminal.print(`Created ${id}: ${streamsOf(input)} from ${status.source}.`, `See vtmigrate Workflow Show ${id}`);
  return 0;
}

/** What a Create would make of a dry run's findings: 1 when one of them would stop it. */
function verdict(findings: readonly Finding[], accepted: readonly string[], terminal: Terminal): number {
  const stopping = blocking(findings, accepted);
  if (stopping.length === 0) return 0;
  const warnings = [...new Set(stopping.flatMap(({ check, severity }) => (severity === 'warning' ? [check] : [])))];
  const hint = warnings.length === 0 ? '' : ` Warnings are passed with -accept ${warnings.join(',')}`;
  terminal.print('', `Create would be refused: ${count(stopping.length, 'finding')} in the way.${hint}`);
  return 1;
}

async function start(session: Session, id: string, input: MigrateInput): Promise<Migration> {
  const started = await session.startMigration(id, input, input.dryRun ? ' (dry run)' : '');
  if (started !== undefined) return started;
  const phase = await readLive(session, { id }).then(
    ({ status }) => ` (phase ${status.phase})`,
    () => '',
  );
  throw new CommandError(`${id} is already running${phase}: see vtmigrate Workflow Show ${id}`);
}

function streamsOf({ autoStart, tables }: MigrateInput): string {
  if (!autoStart) return 'its streams are stopped (-auto_start=false)';
  return tables === undefined ? 'copying all tables' : `copying ${count(tables.length, 'table')}`;
}
