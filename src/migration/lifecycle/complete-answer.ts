import type { CompleteRequest } from '../input/input.js';
import { isAccepted, type Gap } from '../proof/gaps.js';
import type { CompleteAnswer } from './messages.js';
import { acceptanceOf } from './next-step.js';

/** What a migration knows of its readiness by itself. The rest is known to the clusters. */
export interface KnownReadiness {
  /** Create is done: the clusters can be asked. */
  created: boolean;
  /** In words, what it waits for. */
  waitingFor: string[];
  missing: Gap[];
  vdiffIsOld: boolean;
  /** What the proof needs to know of how Complete would go. */
  initializeTargetSequences: boolean;
}

/**
 * The answer of a dry run of Complete.
 * @param inClusters what the clusters' proof lacks; empty while Create is not done
 */
export function dryRunAnswer(request: CompleteRequest, known: KnownReadiness, inClusters: Gap[]): CompleteAnswer {
  const acceptance = acceptanceOf(request);
  const missing = [...inClusters, ...known.missing].filter((gap) => !isAccepted(gap, acceptance));
  if (!known.created) return { outcome: 'not ready', waitingFor: ['Create to finish'], missing };
  const again =
    !request.force && missing.length === 0 && known.vdiffIsOld
      ? ['VDiff once more, which Complete runs by itself: the last one is too old']
      : [];
  return {
    outcome: missing.length === 0 ? 'ready' : 'not ready',
    waitingFor: [...again, ...known.waitingFor],
    missing,
  };
}
