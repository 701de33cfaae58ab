import { fileURLToPath } from 'node:url';
import { realConnectors, runWorker } from '../../../src/worker.js';
import { passing } from '../fakes/intercept.js';

/**
 * The real worker, which kills itself at one of its external calls: `faulty-worker.ts 17 before`; with a third
 * argument, at the 17th from the first one on that has it in its words: `faulty-worker.ts 17 before vDiff`.
 * Without arguments it lives, and says of each call which it was.
 */
const [at = '0', when = 'before', from = ''] = process.argv.slice(2);
/** Of the build, as the worker uses it that this one stands for: it starts in half the time. */
const bundle = fileURLToPath(new URL('../../../dist/workflow-bundle.js', import.meta.url));
let calls = 0;

function die(what: string): void {
  console.error(`dies ${when} call ${at}: ${what}`);
  process.kill(process.pid, 'SIGKILL');
}

await runWorker(
  passing(realConnectors, async (what, effect) => {
    if (calls === 0 && !what.includes(from)) return effect();
    const call = ++calls;
    if (at === '0') console.error(`call ${call}: ${what}`);
    if (String(call) === at && when === 'before') die(what);
    const result = await effect();
    if (String(call) === at && when === 'after') die(what);
    return result;
  }),
  { workflowBundle: { codePath: bundle } },
);
