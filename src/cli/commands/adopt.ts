import type { WorkflowExecutionDescription } from '@temporalio/client';
import { parseWorkflowIdentifier } from '../../migration/input/identifier.js';
import type { AdoptInput } from '../../migration/input/input.js';
import { look } from './audit.js';
import { CommandError, PassingError } from '../errors.js';
import { renderOwner } from '../output/audit.js';
import type { Migration, Session } from '../temporal/session.js';
import type { Terminal } from '../output/terminal.js';

/** A migration as a command finds it: one that runs, or one that has ended and left nothing. */
export interface Found {
  migration: Migration;
  description: WorkflowExecutionDescription;
}

/**
 * The running workflow of a migration. Where there is none, what is in the cluster under its
 * identifier is shown and taken over by a new one, with the options given.
 * @param options what to do with it; `dryRun` only shows what is there
 * @throws CommandError when there is neither a workflow nor anything in the cluster
 */
export async function findOrAdopt(
  id: string,
  options: { adopt: AdoptInput['adopt']; dryRun?: boolean } & Record<string, unknown>,
  session: Session,
  terminal: Terminal,
): Promise<Found> {
  const description = await session.find(session.migration(id));
  if (description?.status.name === 'RUNNING')
    return { migration: session.migration(id, description.runId), description };
  const source = await adoptable(id, options.adopt, description, session, terminal);
  if (source === undefined) {
    const ended = await session.describe(session.migration(id));
    return { migration: session.migration(id, ended.runId), description: ended };
  }
  const { dryRun, ...said } = options;
  if (dryRun === true)
    throw new CommandError(
      `no workflow runs ${id}: Complete without -dry_run takes it over, proves that the copy is whole, and completes it`,
    );
  const migration = await takeOver(id, { ...said, source, target: id }, session);
  const started = await session.describe(migration);
  return { migration, description: started };
}

/** The source of what is in the cluster under an identifier; undefined when there is nothing. */
async function adoptable(
  id: string,
  how: AdoptInput['adopt'],
  ended: WorkflowExecutionDescription | undefined,
  session: Session,
  terminal: Terminal,
): Promise<string | undefined> {
  const { keyspace, workflow } = parseWorkflowIdentifier(id);
  try {
    const { owners, found } = await look({ keyspace, workflow, remove: [] }, session);
    const [owner] = owners;
    if (owner === undefined) return undefined;
    terminal.note(
      `${ended === undefined ? `Temporal knows of no migration ${id}` : `The workflow of ${id} has ended (${ended.status.name.toLowerCase()})`}, and this is in the cluster:`,
    );
    for (const line of renderOwner(keyspace, { ...owner, adoptable: false }, found)) terminal.note(line);
    if (!owner.adoptable) throw new CommandError(`${id} cannot be taken over: ${owner.what}`);
    terminal.note(`It is taken over, to ${how} it.`);
    return owner.source;
  } catch (error) {
    // What has ended well can be told without a worker.
    if (error instanceof PassingError && ended?.status.name === 'COMPLETED') return undefined;
    throw error;
  }
}

async function takeOver(id: string, input: Record<string, unknown>, session: Session): Promise<Migration> {
  const migration = await session.startMigration(id, input, ' (taken over)');
  if (migration === undefined)
    throw new CommandError(`${id} has been taken over by somebody else this moment: see vtmigrate Workflow Show ${id}`);
  return migration;
}
