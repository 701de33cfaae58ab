import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { WorkflowCreator } from '@temporalio/worker/lib/workflow/interface.js';
import { workflowCreator } from './creator.js';
import { planOf } from './plan.js';
import { Simulation, type Verdict } from './run.js';

/** Tests of seeds, each of which must end as it may. The file that calls this runs beside others. */
export function simulate(seeds: readonly (readonly [seed: number, what: string])[]): void {
  if (seeds.length === 0) {
    test.skip('of this half, no seed has been chosen', () => undefined);
    return;
  }
  let creator: WorkflowCreator;
  const verdicts: Verdict[] = [];
  const startedAt = performance.now();
  beforeAll(async () => {
    creator = await workflowCreator();
  });
  afterAll(async () => {
    await creator.destroy();
    console.log(summary(verdicts, (performance.now() - startedAt) / 1_000));
  });

  describe('whatever goes wrong at once, the end is one that may be, and nothing is left', () => {
    test.each(seeds)('seed %i%s', async (seed) => {
      const plan = planOf(seed);
      const verdict = await Simulation.whole(plan, creator);
      verdicts.push(verdict);
      const again = `SIMULATION_SEEDS=${seed} npm run test:simulation`;
      // At once, and not at the end of thousands of runs.
      if (verdict.wrong.length > 0) console.error(`seed ${seed} failed:\n${JSON.stringify(plan)}\n${verdict.trace}`);
      else if (seeds.length === 1) console.log(`${JSON.stringify(plan)}\n${verdict.trace}`);
      expect(verdict.wrong, again).toEqual([]);
    });
  });

  describe('a seed', () => {
    const some = seeds.slice(0, 5).map(([seed]) => seed);
    test.each(some)('%i has the same plan each time, and the same course to the byte', async (seed) => {
      const [first, second] = [planOf(seed), planOf(seed)].map((plan) => JSON.stringify(plan));
      expect(second).toBe(first);
      const one = await Simulation.whole(planOf(seed), creator);
      const other = await Simulation.whole(planOf(seed), creator);
      expect(other.trace).toBe(one.trace);
    });
  });
}

function summary(verdicts: readonly Verdict[], seconds: number): string {
  const outcomes: Record<string, number> = {};
  const struck: Record<string, number> = {};
  for (const verdict of verdicts) {
    outcomes[verdict.outcome] = (outcomes[verdict.outcome] ?? 0) + 1;
    for (const [kind, count] of Object.entries(verdict.struck)) struck[kind] = (struck[kind] ?? 0) + count;
  }
  const sum = (of: (verdict: Verdict) => number) => verdicts.reduce((total, verdict) => total + of(verdict), 0);
  const list = (counts: Record<string, number>) =>
    Object.entries(counts)
      .sort(([, a], [, b]) => b - a)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ');
  const failed = verdicts.filter(({ wrong }) => wrong.length > 0).length;
  const hours = sum(({ skipped }) => skipped) / 3_600_000;
  return (
    `simulation: ${verdicts.length} runs (${list(outcomes)}), ${failed} of them wrong; ` +
    `${sum(({ calls }) => calls)} external calls, struck by: ${list(struck)}; ` +
    `${hours.toFixed(1)} hours in ${seconds.toFixed(0)} s`
  );
}
