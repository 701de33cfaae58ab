import type { FactName, Facts } from '../../migration/preflight/facts.js';
import type { Outcome, Sides } from './sides.js';

/** Facts that are read. What is to be migrated is given. */
export type ReadFactName = Exclude<FactName, 'request'>;

/** How a fact is read. */
export interface Fact<N extends ReadFactName = ReadFactName> {
  readonly name: N;
  /** The fact in words; null for a fact without which preflight refuses. */
  readonly what: string | null;
  /** Facts that are read before. */
  readonly needs: readonly FactName[];
  read(sides: Sides, facts: Facts): Promise<Outcome<Facts[N]>>;
}

/** A fact without which preflight refuses: what cannot be read of it is an error of its code. */
export function requiredFact<N extends ReadFactName, const K extends FactName>(fact: {
  name: N;
  needs: readonly K[];
  read: (sides: Sides, facts: Pick<Facts, K>) => Promise<Outcome<Facts[N]>>;
}): Fact<N> {
  return { ...fact, what: null };
}

/**
 * A fact that only checks need: what cannot be read of it is a finding. It is read when there is a plan.
 * @param fact `what` is the fact in words: `<what> could not be read`
 */
export function optionalFact<N extends ReadFactName, const K extends FactName>(fact: {
  name: N;
  what: string;
  needs: readonly K[];
  read: (sides: Sides, facts: Pick<Facts, K | 'plan'>) => Promise<Outcome<Facts[N]>>;
}): Fact<N> {
  return { ...fact, needs: ['plan', ...fact.needs] };
}
