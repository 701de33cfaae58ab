import { proofGaps } from '../migration/checksum/gaps.js';
import { parseSourceIdentifier } from '../migration/input/identifier.js';
import type { CompleteRequest } from '../migration/input/input.js';
import { dryRunAnswer } from '../migration/lifecycle/complete-answer.js';
import type { CompleteAnswer, KnownReadiness } from '../migration/lifecycle/messages.js';
import { acceptanceOf, readiness } from '../migration/lifecycle/next-step.js';
import { completeOptions } from '../migration/lifecycle/state.js';
import type { Gap } from '../migration/proof/gaps.js';
import { locked } from './activities.js';
import { toWorkflowFailure } from './failures.js';
import { comparesRows } from './prover.js';
import type { Migration } from './state.js';

/** Whether this Complete would go through: asks the clusters, and changes nothing. */
export async function dryRun(migration: Migration, request: CompleteRequest): Promise<CompleteAnswer> {
  const { created } = known(migration, request, false);
  const inClusters = created ? await prove(migration, request) : [];
  return dryRunAnswer(request, known(migration, request, created && comparesRows()), inClusters);
}

/**
 * What is known without asking the clusters.
 * @param rows whether the comparison of the rows counts
 */
export function known(migration: Migration, request: CompleteRequest, rows: boolean): KnownReadiness {
  const { gaps, waitingFor } = readiness(migration, acceptanceOf(request));
  const { mount, keyspace } = parseSourceIdentifier(migration.facts.source);
  const { initializeTargetSequences } = completeOptions(migration, request);
  return {
    created: migration.progress.reached === 'created' || migration.pastNoReturn,
    waitingFor,
    missing: [...gaps, ...(rows ? proofGaps(migration.facts.proof, { cluster: mount, keyspace }) : [])],
    vdiffIsOld: migration.vdiffIsOld,
    initializeTargetSequences,
  };
}

/** An update that fails must give the reason, not only that an activity has failed. */
async function prove(migration: Migration, request: CompleteRequest): Promise<Gap[]> {
  const { initializeTargetSequences } = completeOptions(migration, request);
  try {
    return await locked.prove(migration.ref, { initializeTargetSequences });
  } catch (error) {
    throw toWorkflowFailure(error);
  }
}
