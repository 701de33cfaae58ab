import type { CompleteRequest } from '../input/input.js';
import { isAccepted, type Gap } from '../proof/gaps.js';
import type { CompleteAnswer, KnownReadiness } from './messages.js';
import { acceptanceOf } from './next-step.js';

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
