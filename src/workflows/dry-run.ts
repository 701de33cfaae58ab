import { isCancellation, patched } from '@temporalio/workflow';
import { proofGaps } from '../migration/checksum/gaps.js';
import { parseSourceIdentifier } from '../migration/input/identifier.js';
import type { CompleteRequest } from '../migration/input/input.js';
import { dryRunAnswer } from '../migration/lifecycle/complete-answer.js';
import type { CompleteAnswer, KnownReadiness } from '../migration/lifecycle/messages.js';
import { acceptanceOf, readiness } from '../migration/lifecycle/next-step.js';
import { completeOptions, proveOptions } from '../migration/lifecycle/state.js';
import type { MigrationRef } from '../migration/plan/reference.js';
import { predictCutover } from '../migration/proof/cutover.js';
import type { Gap } from '../migration/proof/gaps.js';
import { locked } from './activities.js';
import { toWorkflowFailure } from './failures.js';
import { comparesRows } from './prover.js';
import type { Migration } from './state.js';

/** Whether this Complete would go through: asks the clusters, and changes nothing. */
export async function dryRun(migration: Migration, request: CompleteRequest): Promise<CompleteAnswer> {
  const { created } = known(migration, request, false);
  const inClusters = created ? await prove(migration, request) : [];
  const all = known(migration, request, created && comparesRows());
  return withCutover(migration.ref, all, dryRunAnswer(request, all, inClusters));
}

/**
 * What is known without asking the clusters.
 * @param rows whether the comparison of the rows counts
 */
export function known(migration: Migration, request: CompleteRequest, rows: boolean): KnownReadiness {
  const { gaps, waitingFor } = readiness(migration, acceptanceOf(request));
  const { mount, keyspace } = parseSourceIdentifier(migration.facts.source);
  return {
    created: migration.progress.reached === 'created' || migration.pastNoReturn,
    waitingFor,
    missing: [...gaps, ...(rows ? proofGaps(migration.facts.proof, { cluster: mount, keyspace }) : [])],
    vdiffIsOld: migration.vdiffIsOld,
    ...proveOptions(completeOptions(migration, request)),
  };
}

/** The answer with a prediction of the cutover, where there will be one; without it where it cannot be made. */
export async function withCutover(
  ref: MigrationRef,
  { fenceSource = false }: KnownReadiness,
  answer: CompleteAnswer,
): Promise<CompleteAnswer> {
  if (!fenceSource || answer.outcome !== 'ready' || !patched('predicts-cutover')) return { ...answer, cutover: null };
  const began = Date.now();
  try {
    const rehearsal = await locked.rehearse(ref);
    const step = Math.max(0, Date.now() - began - rehearsal.took);
    return { ...answer, cutover: predictCutover(rehearsal, step) };
  } catch (error) {
    if (isCancellation(error)) throw error;
    return { ...answer, cutover: null };
  }
}

/** An update that fails must give the reason, not only that an activity has failed. */
async function prove(migration: Migration, request: CompleteRequest): Promise<Gap[]> {
  try {
    return await locked.prove(migration.ref, proveOptions(completeOptions(migration, request)));
  } catch (error) {
    throw toWorkflowFailure(error);
  }
}
