import { setTimeout as sleep } from 'node:timers/promises';
import { describeProblem } from '../../migration/problem/errors.js';
import { blocking, type Finding } from '../../migration/problem/finding.js';
import type { Phase } from '../../migration/lifecycle/status.js';
import { CommandError } from '../errors.js';
import { count } from '../output/format.js';
import { readLive, type Live } from '../temporal/live.js';
import { renderPlan } from '../output/plan.js';
import type { Migration, Session } from '../temporal/session.js';
import type { Terminal } from '../output/terminal.js';

/** Milliseconds between two looks while Create works. */
const pollInterval = 400;
/** Create is done in none of these; the last ones are on their way to the workflow's end. */
const underway: ReadonlySet<Phase> = new Set([
  'mounting',
  'checking',
  'creating',
  'cancelling',
  'completed',
  'cancelled',
  'planned',
  'failed',
]);

/**
 * Starts the migration and follows it until its streams are there, or, for a dry run, its plan is.
 * @throws CommandError with what was wrong; then everything has been put back
 */
export async function create(
  request: { id: string; input: Record<string, unknown> },
  session: Session,
  terminal: Terminal,
): Promise<number> {
  const { id, input } = request;
  const migration = await start(session, id, input);
  terminal.farewell = `${id} goes on without this command: vtmigrate Workflow Show ${id}`;
  const { status, end } = await follow(session, migration, terminal);
  if (end?.result?.outcome === 'planned') {
    terminal.print(...renderPlan(end.result));
    return verdict(end.result.findings, accepted(input), terminal);
  }
  if (end !== null && end.failure !== null) throw new CommandError(end.failure);
  if (status.phase === 'cancelled')
    throw new CommandError(`${id} has been cancelled meanwhile: the target is as it was`);
  terminal.print(
    `Created ${id}: ${input['autoStart'] === false ? 'its streams are stopped (-auto_start=false)' : tablesOf(input)} from ${status.source}.`,
    `See vtmigrate Workflow Show ${id}`,
  );
  return 0;
}

/** What a Create would say to a dry run's findings: 1 when something would stop it. */
function verdict(findings: readonly Finding[], names: readonly string[], terminal: Terminal): number {
  const stopping = blocking(findings, names);
  if (stopping.length === 0) return 0;
  const warnings = [...new Set(stopping.flatMap(({ check, severity }) => (severity === 'warning' ? [check] : [])))];
  terminal.print(
    '',
    `Create would be refused: ${count(stopping.length, 'finding')} in the way.${warnings.length === 0 ? '' : ` Warnings are passed with -accept ${warnings.join(',')}`}`,
  );
  return 1;
}

function accepted({ accept }: Record<string, unknown>): string[] {
  return Array.isArray(accept) ? accept.map(String) : [];
}

async function start(session: Session, id: string, input: Record<string, unknown>): Promise<Migration> {
  const started = await session.startMigration(id, input, input['dryRun'] === true ? ' (dry run)' : '');
  if (started !== undefined) return started;
  const phase = await readLive(session, session.migration(id)).then(
    ({ status }) => ` (phase ${status.phase})`,
    () => '',
  );
  throw new CommandError(`${id} is already running${phase}: see vtmigrate Workflow Show ${id}`);
}

/** Prints a line for each phase, and for each error of a step that is tried again. */
async function follow(session: Session, migration: Migration, terminal: Terminal): Promise<Live> {
  const said = new Set<string>();
  const say = (line: string) => {
    if (!said.has(line)) terminal.print(line);
    said.add(line);
  };
  for (;;) {
    const live = await readLive(session, migration).catch((error: unknown) => {
      throw error instanceof CommandError
        ? new CommandError(`${migration.workflowId} has been started and waits: ${error.message}`)
        : error;
    });
    const { status, end } = live;
    if (end === null) say(`${status.workflow}: ${status.phase}`);
    if (end !== null || !underway.has(status.phase)) return live;
    if (status.lastError !== null) say(`${status.workflow}: ${describeProblem(status.lastError)} (tried again)`);
    await sleep(pollInterval);
  }
}

function tablesOf(input: Record<string, unknown>): string {
  const { tables } = input;
  return Array.isArray(tables) ? `copying ${count(tables.length, 'table')}` : 'copying all tables';
}
