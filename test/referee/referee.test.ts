import { afterAll, beforeAll, expect, test } from 'vitest';
import { emptyTarget } from '../support/lab/lab.js';
import { Program } from '../support/lab/program.js';
import type { Verdict } from './judge.js';
import { Run } from './run.js';
import { scenarioOf } from './scenario.js';
import { chosenSeeds } from './seeds.js';

const verdicts: Verdict[] = [];
let program: Program;

beforeAll(async () => {
  for (const keyspace of ['commerce', 'customer'] as const) await emptyTarget(keyspace);
  program = await Program.start();
});

afterAll(async () => {
  await program.stop();
  const count = (holds: (verdict: Verdict) => boolean) => verdicts.filter(holds).length;
  console.log(
    `referee: ${verdicts.length} runs, ${count(({ outcome }) => outcome === 'completed')} completed, ` +
      `${count(({ failures }) => failures.length > 0)} failed, ${count((v) => v.floatLosses > 0)} with accepted losses of FLOAT`,
  );
});

test.each(chosenSeeds())(
  'seed %i: what has completed is the same on both sides, and what has not says why',
  async (seed) => {
    const run = new Run(scenarioOf(seed), program);
    const verdict = await run.whole().catch((error: unknown) => {
      console.error(`seed ${seed} broke off: ${String(error)}\n${run.describe}`);
      throw error;
    });
    verdicts.push(verdict);
    const { outcome, reasons, failures } = verdict;
    console.log(`seed ${seed}: ${outcome} ${reasons.join(' ')} in ${(run.account.milliseconds / 1_000).toFixed(1)} s`);
    // At once, and not at the end of hundreds of runs.
    if (failures.length > 0) console.error(`seed ${seed} failed:\n${failures.join('\n')}\n${run.describe}`);
    expect(failures, `REFEREE_SEEDS=${seed} npm run test:referee`).toEqual([]);
  },
);
