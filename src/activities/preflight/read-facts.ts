import type { Answer, Answers, FactName, Facts } from '../../migration/preflight/facts.js';
import { facts as definitions } from './facts/index.js';
import type { Fact, ReadFactName } from './fact.js';
import type { Sides } from './sides.js';

/** Facts that are known before anything is read. */
export type Known = Partial<Pick<Facts, 'plan'>>;

/**
 * Reads these facts and what they need, each once, side by side.
 * @param known facts that are not read but taken as they are
 */
export async function readFacts(sides: Sides, names: readonly FactName[], known: Known = {}): Promise<Answers> {
  const reader = new FactReader(sides, known);
  await Promise.all(names.map((name) => reader.read(name)));
  return reader.answers();
}

/** Every fact. */
export const allFacts = Object.keys(definitions) as ReadFactName[];

class FactReader {
  private readonly reading = new Map<FactName, Promise<Answer<unknown>>>();

  constructor(
    private readonly sides: Sides,
    known: Known,
  ) {
    for (const [name, value] of Object.entries({ ...known, request: sides.request }))
      this.reading.set(name as FactName, Promise.resolve({ value, unread: [], what: null }));
  }

  read(name: FactName): Promise<Answer<unknown>> {
    const reading = this.reading.get(name) ?? this.ask(definitions[name as ReadFactName]);
    this.reading.set(name, reading);
    return reading;
  }

  async answers(): Promise<Answers> {
    const all = await Promise.all([...this.reading].map(async ([name, answer]) => [name, await answer] as const));
    return Object.fromEntries(all);
  }

  /** A fact whose needs are not known is not read: the need that could not be read is reported. */
  private async ask(fact: Fact): Promise<Answer<unknown>> {
    const { needs, what } = fact;
    const needed = await Promise.all(needs.map(async (need) => [need, (await this.read(need)).value] as const));
    if (needed.some(([, value]) => value === undefined)) return { unread: [], what };
    const { value, unread } = await fact.read(this.sides, Object.fromEntries(needed) as unknown as Facts);
    // Part of a required fact is not enough: the plan must not depend on which servers happened to answer.
    if (value === undefined || (what === null && unread.length > 0)) return { unread, what };
    return { value, unread, what };
  }
}
