import { spawn, type ChildProcess } from 'node:child_process';
import { dirname } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

/** Characters and lines of what a command has written to its standard error that are kept: the last ones. */
const mostText = 2_000;
const mostLines = 5;
/** Milliseconds that the end of its standard error is waited for: a process that it has left behind may hold it. */
const lastWords = 200;

/**
 * Runs an executable, with nothing of this process's environment but the path, in a process group of its own, which is
 * killed when `signal` aborts.
 * @param input its standard input
 * @returns null when it has exited with 0; otherwise how it has ended, with the last lines of its standard error
 */
export async function runCommand(file: string, input: string, signal: AbortSignal): Promise<string | null> {
  const child = spawn(file, [], {
    cwd: dirname(file),
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let text = '';
  child.stderr.setEncoding('utf8').on('data', (more: string) => {
    text = (text + more).slice(-mostText);
  });
  const end = endOf(child);
  const kill = () => killGroup(child);
  signal.addEventListener('abort', kill);
  if (signal.aborted) kill();
  // One that does not read what it is told closes the pipe.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  try {
    const how = await end;
    return how === null ? null : [how, ...lastLines(text)].join(': ');
  } finally {
    signal.removeEventListener('abort', kill);
    child.stderr.destroy();
  }
}

/** How it has ended; null for well. */
function endOf(child: ChildProcess): Promise<string | null> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(`it cannot be run (${error.message})`));
    child.once('exit', (code, signal) => {
      const how = code === 0 ? null : code === null ? `ended by ${signal ?? 'a signal'}` : `exit code ${code}`;
      const timer = setTimeout(() => resolve(how), lastWords);
      child.once('close', () => {
        clearTimeout(timer);
        resolve(how);
      });
    });
  });
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

function lastLines(text: string): string[] {
  const lines = stripVTControlCharacters(text)
    .split('\n')
    .map((line) => line.trim());
  const kept = lines.filter((line) => line !== '').slice(-mostLines);
  return kept.length === 0 ? [] : [kept.join(' | ')];
}
