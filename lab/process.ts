import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { DIE_WITH_US, lastLines } from './run.js';

/** Vitess refuses to run as root, and its servers then run as this user. */
export const NOBODY = 65534;

export interface ServerSpec {
  name: string;
  command: string;
  args: string[];
  env?: Record<string, string>;
  cwd: string;
  /** File that the output is appended to. */
  log: string;
  /** Run as nobody when we are root. */
  unprivileged?: boolean;
  /** It ends well only while other servers still run, so it is stopped before them. */
  needsOthers?: boolean;
  /** Started again when it ends with an error of its own, as by a supervisor; ended by a signal, it stays ended. */
  supervised?: boolean;
  /** Whether it can be used; asked again and again until it answers true. A rejection counts as no. */
  ready: () => Promise<boolean>;
  startupMs?: number;
}

/** One server process, which can be stopped, killed and started again with the same arguments. */
export class Server {
  readonly #spec: ServerSpec;
  #child: ChildProcess | undefined;
  #exit: Promise<void> = Promise.resolve();
  /** It has been ready, and nobody has asked it to end. */
  #serves = false;

  constructor(spec: ServerSpec) {
    this.#spec = spec;
  }

  get name(): string {
    return this.#spec.name;
  }

  get log(): string {
    return this.#spec.log;
  }

  get needsOthers(): boolean {
    return this.#spec.needsOthers === true;
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  /** The process ID while it runs. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts the process if it is not running, and waits until it can be used. */
  async start(): Promise<void> {
    if (this.#child === undefined) this.#spawn();
    const { startupMs = 180_000, ready } = this.#spec;
    const deadline = Date.now() + startupMs;
    while (!(await ready().catch(() => false))) {
      if (!this.running) throw new Error(`${this.name} ended while it was starting. ${this.#lastWords()}`);
      if (Date.now() > deadline) {
        await this.kill('SIGKILL');
        throw new Error(`${this.name} was not ready after ${startupMs / 1000} s. ${this.#lastWords()}`);
      }
      await delay(100);
    }
    this.#serves = true;
  }

  /** Asks the process to end, kills it after the grace period, and waits until it is gone. */
  async stop(graceMs = 10_000): Promise<void> {
    this.signal('SIGTERM');
    // A paused process would never see the signal.
    this.signal('SIGCONT');
    const timer = setTimeout(() => this.signal('SIGKILL'), graceMs);
    await this.#exit;
    clearTimeout(timer);
  }

  /** Sends a signal that ends the process, and waits until it is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.signal(signal);
    await this.#exit;
  }

  /** Sends any signal, `SIGSTOP` and `SIGCONT` for example, and does not wait. */
  signal(signal: NodeJS.Signals): void {
    if (signal !== 'SIGSTOP' && signal !== 'SIGCONT') this.#serves = false;
    this.#child?.kill(signal);
  }

  /** Stops the process and starts it again, on the same ports and data. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  #spawn(): void {
    const { command, args, cwd, env, log, unprivileged } = this.#spec;
    const nobody = unprivileged === true && process.getuid?.() === 0;
    const identity = nobody ? [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] : [];
    const output = openSync(log, 'a');
    const [wrapper, ...wrapperArgs] = DIE_WITH_US;
    // "We" is the thread that calls this: servers that a worker thread starts end with that thread.
    // The wrapper replaces itself with the server, so this is the server's own process ID.
    const child = spawn(wrapper, [...wrapperArgs, ...identity, '--', command, ...args], {
      cwd,
      env: { PATH: process.env['PATH'] ?? '', LANG: 'C.UTF-8', HOME: cwd, TMPDIR: cwd, ...env },
      stdio: ['ignore', output, output],
      // A process group of its own: Ctrl-C in a terminal reaches us only, and we stop in order.
      detached: true,
    });
    closeSync(output);
    this.#child = child;
    this.#exit = new Promise((resolve) => {
      const gone = (): void => {
        if (this.#child === child) this.#child = undefined;
        resolve();
      };
      child.once('exit', (code) => {
        gone();
        this.#superviseAfter(code);
      });
      child.once('error', gone);
    });
  }

  /** @param code null when a signal has ended the process */
  #superviseAfter(code: number | null): void {
    const crashed = this.#serves && code !== null && code !== 0;
    this.#serves = false;
    // One that ends while it starts has said why in its log, and would do so again.
    if (crashed && this.#spec.supervised === true) this.start().catch(() => undefined);
  }

  #lastWords(): string {
    // Vitess prints all its flags before it says which one is wrong.
    const text = readFileSync(this.log, 'utf8').replace(/^ {2,}-.*\n/gm, '');
    return `Last lines of ${this.log}:\n${lastLines(text, 20)}`;
  }
}
