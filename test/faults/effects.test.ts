import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { everyFault, ofThisPart } from '../support/fault-part.js';
import { unlisted, unwritten, type WrittenKey } from '../support/listed-writes.js';
import { faultKinds } from '../support/fakes/fault.js';
import { FaultBench, type Fault, type Scenario } from '../support/fakes/fault-bench.js';
import { scenarios } from '../support/fakes/scenarios.js';

/** Of the runs, `npm test` makes every which one. */
const stride = 61;
/** How many migrations run side by side: most of their time is waiting. */
const width = 16;

/** The code waits for what real servers need time for; the fakes need none. Longer waits are limits, and stay. */
const shorter = (ms: number): number => (ms > 5_000 ? ms : Math.ceil(ms / 50));
vi.mock(import('node:timers/promises'), async (original) => {
  const real = await original();
  return { ...real, setTimeout: (ms?: number, ...rest: []) => real.setTimeout(shorter(ms ?? 0), ...rest) };
});

let bench: FaultBench;
const totals = { effects: 0, runs: 0 };
beforeAll(async () => {
  bench = await FaultBench.start();
});
afterAll(async () => {
  await bench.stop();
  console.log(
    `${totals.effects} external calls, ${totals.effects * faultKinds.length} faults, ${totals.runs} of them tried`,
  );
});

describe.each(scenarios)('$name', (scenario: Scenario) => {
  test(
    'whatever happens to any one external call, the end is the right one and nothing is left',
    { timeout: 7_200_000 },
    async () => {
      const { run, wrong } = await bench.run(scenario);
      expect(wrong).toEqual([]);
      const effects = [...run.effects];
      const faults = effects.flatMap((effect) => faultKinds.map((kind): Fault => ({ effect, kind })));
      const chosen = everyFault ? ofThisPart(faults) : faults.filter((_, index) => index % stride === 0);
      const startedAt = Date.now();
      const { problems, untried } = await tryAll(scenario, chosen);
      totals.effects += effects.length;
      totals.runs += chosen.length - untried;
      console.log(
        `${scenario.name}: ${effects.length} external calls, ${faults.length} faults, ${chosen.length} of them tried in ${((Date.now() - startedAt) / 1000).toFixed(1)} s`,
      );
      expect(problems).toEqual([]);
      expect(untried, 'faults for which no run made the call').toBeLessThanOrEqual(chosen.length / 10);
    },
  );
});

describe.each(scenarios)('the dry run of: $name', (scenario: Scenario) => {
  test('writes nothing, and lists the keys that the migration writes on both clusters', async () => {
    const { run, wrong } = await bench.run(scenario);
    expect(wrong).toEqual([]);
    const { listed, changed } = await bench.dryRun(run);
    expect(changed).toEqual([]);
    const written = run.effects.flatMap(({ what }) => writtenKey(what));
    expect(unlisted(listed, written)).toEqual([]);
    // What is written only where it is needed says so; a Cancel writes less.
    const certain = scenario.end === 'completed' ? listed.filter(({ what }) => !what.includes('unless')) : [];
    expect(unwritten(certain, written)).toEqual([]);
  });
});

/** The key of a call that writes to etcd: `etcd target put /vitess/global/…`. */
function writtenKey(what: string): WrittenKey[] {
  const [, cluster, kind, key] = /^etcd (\S+) (put|delete|lock) (.*)$/s.exec(what) ?? [];
  if (cluster === undefined || key === undefined) return [];
  return [{ cluster, key: kind === 'lock' ? `${key}/locks/` : key }];
}

/** How often a fault is tried that never struck: the run did not make the call. */
const tries = 5;

/** Runs the scenario with each of the faults; answers what went wrong, in words. */
async function tryAll(scenario: Scenario, faults: readonly Fault[]): Promise<{ problems: string[]; untried: number }> {
  const problems: string[] = [];
  let untried = 0;
  const queue = faults.map((fault) => ({ fault, left: tries }));
  const workers = Array.from({ length: width }, async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const { fault, left } = next;
      const { run, wrong } = await bench.run(scenario, fault);
      const { step, nth, call, what } = fault.effect;
      problems.push(...wrong.map((text) => `${fault.kind}, call ${call} of ${step} ${nth} (${what}): ${text}`));
      if (run.struck) continue;
      // How often a step runs may hang on when a signal arrives; on a slow machine its first attempt may time out.
      if (left > 1) queue.push({ fault, left: left - 1 });
      else untried++;
    }
  });
  await Promise.all(workers);
  return { problems, untried };
}
