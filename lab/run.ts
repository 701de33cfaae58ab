import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  cwd?: string;
  env?: Record<string, string | undefined>;
  timeoutMs?: number;
}

/** Makes the kernel kill a program when the process that started it dies, however it dies. */
export const DIE_WITH_US = ['setpriv', '--pdeathsig', 'KILL'] as const;

/**
 * Runs a program to its end and never throws for its exit code; one that cannot be started
 * answers 127. It does not outlive this process.
 */
export function run(program: string, args: string[], options: RunOptions = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const settings = {
      maxBuffer: 256 * 1024 * 1024,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.env === undefined ? {} : { env: options.env }),
      ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs }),
    };
    const [wrapper, ...wrapperArgs] = DIE_WITH_US;
    execFile(wrapper, [...wrapperArgs, '--', program, ...args], settings, (error, stdout, stderr) => {
      if (error === null) resolve({ code: 0, stdout, stderr });
      else if (typeof error.code === 'number') resolve({ code: error.code, stdout, stderr });
      else resolve({ code: 127, stdout, stderr: stderr === '' ? error.message : stderr });
    });
  });
}

/** Runs a program that has to succeed, and answers its standard output. */
export async function must(program: string, args: string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await run(program, args, options);
  if (code === 0) return stdout;
  const said = lastLines(stderr.trim() === '' ? stdout : stderr, 20);
  throw new Error(`${program} ${args.slice(0, 3).join(' ')} … failed (exit code ${code}):\n${said}`);
}

/** The full path of a program on PATH, or undefined. */
export function onPath(program: string): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/** The last `count` lines of a text. */
export function lastLines(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n');
}
