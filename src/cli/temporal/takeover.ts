import { parseWorkflowIdentifier } from '../../migration/input/identifier.js';
import type { AdoptInput } from '../../migration/input/input.js';
import type { AuditResult } from '../../workflows/audit.js';
import { CommandError, PassingError } from '../errors.js';
import { runAuditWorkflow } from './one-off.js';
import { described, type Description, type Migration, type Session } from './session.js';

/** A migration as a command finds it: a running one, or one that has ended and left nothing behind. */
export interface Found {
  migration: Migration;
  description: Description;
}

/** What is in the cluster under an identifier although no workflow is running. */
export interface Leftover {
  id: string;
  /** How its last workflow ended, in Temporal's words; undefined when Temporal knows of none. */
  ended: string | undefined;
  owner: AuditResult['owners'][number];
  found: AuditResult['found'];
  adopt: AdoptInput['adopt'];
}

/** What to do with an adopted migration, besides its names; `dryRun` only shows what is there. */
export type AdoptOptions = Omit<AdoptInput, 'source' | 'target'> & { dryRun?: boolean };

/**
 * Finds the running workflow of a migration. If there is none, shows what is in the cluster under its
 * identifier and starts a workflow that takes it over.
 * @throws CommandError when there is neither a workflow nor anything in the cluster
 */
export async function findOrAdopt(
  id: string,
  options: AdoptOptions,
  session: Session,
  show: (leftover: Leftover) => void,
): Promise<Found> {
  const description = await session.find({ id });
  if (description?.status.name === 'RUNNING') return { migration: described(description), description };
  const source = await adoptable(id, options.adopt, description, session, show);
  if (source === undefined) {
    const ended = description ?? (await session.describe({ id }));
    return { migration: described(ended), description: ended };
  }
  const { dryRun, ...given } = options;
  if (dryRun === true)
    throw new CommandError(
      `no workflow runs for ${id}: Complete without -dry_run takes it over, ` +
        'proves that the copy is complete, and completes it',
    );
  const migration = await session.startMigration(id, { ...given, source, target: id }, ' (taken over)');
  if (migration === undefined)
    throw new CommandError(`another command has just taken over ${id}: see vtmigrate Workflow Show ${id}`);
  return { migration, description: await session.describe(migration) };
}

/** The source of what is in the cluster under an identifier; undefined when there is nothing. */
async function adoptable(
  id: string,
  adopt: AdoptInput['adopt'],
  ended: Description | undefined,
  session: Session,
  show: (leftover: Leftover) => void,
): Promise<string | undefined> {
  try {
    const input = { ...parseWorkflowIdentifier(id), remove: [] };
    const { owners, found } = await runAuditWorkflow(session, input);
    const [owner] = owners;
    if (owner === undefined) return undefined;
    show({ id, ended: ended?.status.name.toLowerCase(), owner, found, adopt });
    if (!owner.adoptable) throw new CommandError(`${id} cannot be taken over: ${owner.what}`);
    return owner.source;
  } catch (error) {
    // The result of a completed migration can be read without a worker.
    if (error instanceof PassingError && ended?.status.name === 'COMPLETED') return undefined;
    throw error;
  }
}
