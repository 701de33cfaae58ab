import type { Adoption } from '../migration/adopt/adoption.js';
import { parseSourceIdentifier } from '../migration/input/identifier.js';
import type { AdoptInput, MigrateInput } from '../migration/input/input.js';
import type { PreflightReport } from '../migration/lifecycle/preflight-report.js';
import type { MigrateResult } from '../migration/lifecycle/result.js';
import { locked, mounting, reading } from './activities.js';
import type { LifecycleContext } from './context.js';
import { isFinal } from './failures.js';
import { retryUpTo } from './retry.js';

/** How often Create, or an adoption, is tried before its failure counts. */
const createTries = 3;

/** Mount, preflight, Create. A dry run ends with its plan. */
export async function createFrom(context: LifecycleContext, input: MigrateInput): Promise<MigrateResult | undefined> {
  const { migration } = context;
  // A dry run writes nothing: its preflight goes by the mount configuration of the input.
  if (input.mount !== undefined && !input.dryRun) {
    context.enter('mounting');
    await mounting.mount(parseSourceIdentifier(input.source).mount, input.mount);
  }
  context.enter('checking');
  const report = await preflight(context, input);
  if (report.outcome === 'planned') return planned(context, report);
  migration.pass(report);
  return create(context);
}

/** A refusal leaves nothing behind; any other failure may have left a journal. */
async function preflight({ migration }: LifecycleContext, input: MigrateInput): Promise<PreflightReport> {
  const { progress, ref } = migration;
  if (!input.dryRun) progress.reached = 'uncertain';
  try {
    return await reading.preflight(ref, input);
  } catch (error) {
    if (isFinal(error)) progress.reached = 'nothing';
    throw error;
  }
}

function planned(
  context: LifecycleContext,
  { plan, findings, details }: Extract<PreflightReport, { outcome: 'planned' }>,
): MigrateResult {
  const { facts } = context.migration;
  facts.findings = findings;
  context.enter('planned');
  return { outcome: 'planned', workflow: facts.workflow, source: facts.source, plan, findings, details };
}

/** The step Create. */
export async function create(context: LifecycleContext): Promise<undefined> {
  const { progress, ref } = context.migration;
  context.enter('creating');
  await retryUpTo(progress, createTries, () => locked.create(ref));
  progress.reached = 'created';
}

/**
 * Takes over a migration that is in the cluster already. Until its journal is this run's there is
 * nothing to put back, and a Cancel that comes meanwhile waits for it.
 */
export async function adopt(context: LifecycleContext, request: AdoptInput): Promise<Adoption['next']> {
  const { migration } = context;
  context.enter('checking');
  const adoption = await retryUpTo(migration.progress, createTries, () => locked.adopt(migration.ref, request));
  migration.takeOver(adoption, request);
  if (adoption.next !== 'create') migration.progress.reached = 'created';
  return adoption.next;
}
