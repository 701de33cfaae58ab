import { constants, getPriority, setPriority } from 'node:os';
import type { WorkflowCreator } from '@temporalio/worker/lib/workflow/interface.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { everyFault, ofThisPart } from '../support/fault-part.js';
import { unlisted, unwritten, type WrittenKey } from '../support/listed-writes.js';
import { workflowCreator } from './creator.js';
import { calm, dryRun, faultsOf, struckBy } from './matrix.js';
import { scenarios } from './scenarios.js';

/** Of the runs, `npm test` makes every which one. */
const stride = 71;

// The files beside this one have real servers, which need the processor when they need it.
if (everyFault) setPriority(Math.max(getPriority(), constants.priority.PRIORITY_BELOW_NORMAL));

let creator: WorkflowCreator;
const totals = { calls: 0, faults: 0, runs: 0, seconds: 0 };
beforeAll(async () => {
  creator = await workflowCreator();
});
afterAll(async () => {
  await creator.destroy();
  const { calls, faults, runs, seconds } = totals;
  console.log(`${calls} external calls, ${faults} faults, ${runs} of them tried in ${seconds.toFixed(0)} s`);
});

describe.each(scenarios)('$name', (scenario) => {
  test(
    'whatever happens to any one external call, the end is the right one and nothing is left',
    { timeout: 14_400_000 },
    async () => {
      const { verdict, calls } = await calm(scenario, creator);
      expect(verdict.wrong, verdict.trace).toEqual([]);
      const faults = faultsOf(calls);
      const chosen = everyFault ? ofThisPart(faults) : faults.filter((_, index) => index % stride === 0);
      const startedAt = performance.now();
      const problems: string[] = [];
      for (const fault of chosen) {
        const { wrong, trace } = await struckBy(scenario, fault, creator);
        if (wrong.length === 0) continue;
        const { kind, call, step, nth, attempt, what } = fault;
        const where = `${kind}, call ${call} of ${step} ${nth}, attempt ${attempt} (${what})`;
        problems.push(`${where}: ${wrong.join('\n')}`);
        // At once, and not at the end of thousands of runs.
        console.error(`${scenario.name}: ${where}\n${trace}`);
      }
      const seconds = (performance.now() - startedAt) / 1_000;
      totals.calls += calls.length;
      totals.faults += faults.length;
      totals.runs += chosen.length;
      totals.seconds += seconds;
      console.log(
        `${scenario.name}: ${calls.length} external calls, ${faults.length} faults, ${chosen.length} of them tried in ${seconds.toFixed(1)} s`,
      );
      expect(problems).toEqual([]);
    },
  );
});

describe.each(scenarios)('the dry run of: $name', (scenario) => {
  test('writes nothing, and lists the keys that the migration writes on both clusters', async () => {
    const { calls } = await calm(scenario, creator);
    const { result, wrong, trace } = await dryRun(scenario, creator);
    expect(wrong, trace).toEqual([]);
    if (result?.outcome !== 'planned') throw new Error(`the dry run ended ${result?.outcome}`);
    const listed = result.details.topologyWrites;
    const written = calls.flatMap(({ what }) => writtenKey(what));
    expect(unlisted(listed, written)).toEqual([]);
    // What is written only where it is needed says so; a Cancel writes less.
    const certain = scenario.end.outcome === 'completed' ? listed.filter(({ what }) => !what.includes('unless')) : [];
    expect(unwritten(certain, written)).toEqual([]);
  });
});

/** The key of a call that writes to etcd: `etcd target put /vitess/global/…`. */
function writtenKey(what: string): WrittenKey[] {
  const [, cluster, kind, key] = /^etcd (\S+) (put|delete|lock) (.*)$/s.exec(what) ?? [];
  if (cluster === undefined || key === undefined) return [];
  return [{ cluster, key: kind === 'lock' ? `${key}/locks/` : key }];
}
