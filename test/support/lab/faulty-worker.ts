import { fileURLToPath } from 'node:url';
import { realConnectors, runWorker } from '../../../src/worker.js';
import { passing } from '../fakes/intercept.js';

/**
 * The real worker, which kills itself at one of its external calls: `faulty-worker.ts 17 before`; with a third
 * argument, at the 17th from the first one on that has it in its words: `faulty-worker.ts 17 before vDiff`.
 * `freezes-before` and `freezes-after` count only the calls that change something. The worker stops itself there, and
 * says of each call that it makes when somebody has let it go on (SIGCONT) what came of it.
 * Without arguments it lives, and says of each call which it was.
 */
const [at = '0', when = 'before', from = ''] = process.argv.slice(2);
/** Of the build, as the worker uses it that this one stands for: it starts in half the time. */
const bundle = fileURLToPath(new URL('../../../dist/workflow-bundle.js', import.meta.url));
const freezes = when.startsWith('freezes');
let calls = 0;
/** Asked by function: it changes while the process stands still. */
let woken = false;
const isWoken = (): boolean => woken;

/** Calls that change something at a server, or make it read again what has been changed. */
const changing = [
  /^etcd \S+ (put|delete|lock) /,
  /^tablet \d+ (applySchema|executeMultiFetchAsDba|reloadSchema|refreshState|resetSequences|vDiff (create|delete))$/,
  /^tablet \d+ (create|update|delete)VReplicationWorkflow$/,
  /^tablet \d+ executeFetchAsDba (?!select|show|with)/,
];
const isChange = (what: string): boolean => changing.some((pattern) => pattern.test(what));

function strike(moment: string, what: string): void {
  if (!freezes) {
    console.error(`dies ${moment} call ${at}: ${what}`);
    process.kill(process.pid, 'SIGKILL');
  }
  console.error(`freezes ${moment} change ${at}: ${what}`);
  process.kill(process.pid, 'SIGSTOP');
  woken = true;
}

async function told<T>(what: string, effect: () => Promise<T>): Promise<T> {
  const say = (outcome: string) => {
    console.error(`woken, ${isChange(what) ? 'change' : 'question'}: ${what}: ${outcome}`);
  };
  try {
    const result = await effect();
    say('done');
    return result;
  } catch (error) {
    say(codeOf(error));
    throw error;
  }
}

/** The program's own code, also where a library's error is around it. */
function codeOf(error: unknown): string {
  const { code, cause, message } = error as { code?: unknown; cause?: unknown; message?: string };
  return typeof code === 'string' ? code : cause === undefined ? (message ?? '') : codeOf(cause);
}

await runWorker(
  passing(realConnectors, async (what, effect) => {
    if (isWoken()) return told(what, effect);
    if ((calls === 0 && !what.includes(from)) || (freezes && !isChange(what))) return effect();
    const call = ++calls;
    if (at === '0') console.error(`call ${call}: ${isChange(what) ? 'change: ' : ''}${what}`);
    const isTurn = String(call) === at;
    if (isTurn && when.endsWith('before')) strike('before', what);
    const result = await (isWoken() ? told(what, effect) : effect());
    if (isTurn && when.endsWith('after')) strike('after', what);
    return result;
  }),
  { workflowBundle: { codePath: bundle } },
);
