import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** A worker in a process of its own. */
export interface RunningWorker {
  process: ChildProcess;
  /** What it has written so far. */
  log(): string;
  /** SIGKILL: nothing of it gets a chance to tidy up. Answers when it is gone. */
  kill(): Promise<void>;
  /** Resolves when it has ended, by whatever hand. */
  gone: Promise<void>;
}

const program = fileURLToPath(new URL('../dist/src/worker.js', import.meta.url));

/**
 * Starts the built worker, as `npm run worker` does, and answers when it polls for work. It ends with this process.
 * @param script another program that does the same, with its arguments
 */
export async function startWorker(
  environment: Record<string, string | undefined>,
  script: readonly string[] = [program],
): Promise<RunningWorker> {
  const worker = spawn('setpriv', ['--pdeathsig', 'KILL', process.execPath, ...script], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const gone = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  let log = '';
  await new Promise<void>((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`the worker ended with ${code ?? 'a signal'}:\n${log}`)));
    worker.stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString();
      if (log.includes('vtmigrate worker: ')) resolve();
    });
  });
  const kill = (): Promise<void> => {
    worker.kill('SIGKILL');
    return gone;
  };
  return { process: worker, log: () => log, kill, gone };
}
