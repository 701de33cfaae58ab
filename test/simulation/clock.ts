import { AsyncLocalStorage } from 'node:async_hooks';

/** A process of a simulated worker: it may stand still, die, or go by a clock that is wrong. */
export interface Process {
  dead: boolean;
  /** Of the clock: until then nothing of this process runs. */
  frozenUntil: number;
  /** Milliseconds by which its `Date.now()` is wrong. */
  skew: number;
}

interface Timer {
  at: number;
  order: number;
  run: () => void | Promise<void>;
  process: Process | undefined;
  off: boolean;
}

const real = {
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  setInterval: globalThis.setInterval,
  clearInterval: globalThis.clearInterval,
  setImmediate: globalThis.setImmediate,
  Date: globalThis.Date,
};
const realNow = performance.now.bind(performance);
const processes = new AsyncLocalStorage<Process | undefined>();

/** What is in force; without a clock, the machine's. */
const force: { clock: Clock | undefined } = { clock: undefined };

/**
 * Time that is skipped: `Date`, `performance`, timers and sleeps of this program go by it, and it stands still while anything is under
 * way. Everything happens on one thread in the order of the timers, so that the same run is the same to the byte.
 */
export class Clock {
  /** Milliseconds since 1970. */
  now = real.Date.UTC(2026, 0, 1);
  private order = 0;
  private readonly heap: Timer[] = [];

  /** Runs work with this clock in the place of the machine's. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    if (force.clock !== undefined) throw new Error('there is another clock already');
    Object.assign(force, { clock: this });
    Object.assign(globalThis, {
      setTimeout: (run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) =>
        handleOf(this.add(ms, () => run(...args))),
      clearTimeout: (handle: { timer?: Timer } | undefined) => cancel(handle),
      setInterval: (run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) => this.interval(run, ms, args),
      clearInterval: (handle: { timer?: Timer } | undefined) => cancel(handle),
      Date: dateOf(() => this.now + (processes.getStore()?.skew ?? 0)),
    });
    // This one is not set by anybody, and goes on while a process stands still.
    Object.assign(performance, { now: () => this.now });
    try {
      return await work();
    } finally {
      Object.assign(globalThis, real);
      Object.assign(performance, { now: realNow });
      force.clock = undefined;
    }
  }

  /** Work of nobody's process, at its time. What it returns is waited for before time goes on. */
  at(ms: number, run: () => void | Promise<void>): { cancel: () => void } {
    const timer = outside(() => this.add(ms, run));
    return { cancel: () => (timer.off = true) };
  }

  /** Lets time pass until `done`, or for at most so many milliseconds. False when `done` has not come. */
  async run(done: () => boolean, limit: number): Promise<boolean> {
    const end = this.now + limit;
    for (;;) {
      await settled();
      if (done()) return true;
      const next = this.take();
      if (next === undefined || next.at > end) {
        if (next !== undefined) this.push(next);
        this.now = end;
        return false;
      }
      this.now = Math.max(this.now, next.at);
      await processes.run(next.process, () => next.run());
    }
  }

  private add(ms: number, run: Timer['run']): Timer {
    const wait = Number.isFinite(ms) ? Math.max(0, ms) : 0;
    const timer = { at: this.now + wait, order: ++this.order, run, process: processes.getStore(), off: false };
    this.push(timer);
    return timer;
  }

  private interval(run: (...args: unknown[]) => void, ms: number, args: unknown[]) {
    const handle = handleOf(this.add(ms, () => again()));
    const again = () => {
      handle.timer = this.add(ms, again);
      run(...args);
    };
    return handle;
  }

  /** The next timer of a process that runs. What comes while its process stands still comes when it goes on. */
  private take(): Timer | undefined {
    for (let next = this.pop(); next !== undefined; next = this.pop()) {
      if (next.off || next.process?.dead === true) continue;
      const frozenUntil = next.process?.frozenUntil ?? 0;
      if (frozenUntil <= next.at) return next;
      this.push(Object.assign(next, { at: frozenUntil, order: ++this.order }));
    }
    return undefined;
  }

  private push(timer: Timer): void {
    const { heap } = this;
    let at = heap.push(timer) - 1;
    for (let up = (at - 1) >> 1; at > 0 && isBefore(timer, heap[up]); up = (at - 1) >> 1) {
      heap[at] = heap[up] as Timer;
      at = up;
    }
    heap[at] = timer;
  }

  private pop(): Timer | undefined {
    const { heap } = this;
    const [first] = heap;
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (let down = 1; down < heap.length; down = 2 * at + 1) {
      if (isBefore(heap[down + 1], heap[down])) down++;
      const child = heap[down] as Timer;
      if (!isBefore(child, last)) break;
      heap[at] = child;
      at = down;
    }
    heap[at] = last;
    return first;
  }
}

/** Runs work in a process, whose timers and clock are its own. */
export function inProcess<T>(process: Process, work: () => T): T {
  return processes.run(process, work);
}

/** Runs work in nobody's process: what a server does goes on, whatever becomes of its caller. */
export function outside<T>(work: () => T): T {
  return processes.run(undefined, work);
}

/** True while some clock stands in the place of the machine's. */
export function isSkipping(): boolean {
  return force.clock !== undefined;
}

/** `setTimeout` of node:timers/promises, by the clock that is in force. */
export function sleep(ms = 0, value?: unknown, { signal }: { signal?: AbortSignal } = {}): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(Object.assign(new Error('The operation was aborted'), { name: 'AbortError', code: 'ABORT_ERR' }));
    };
    const timer = setTimeout(() => resolve(value), ms);
    if (signal?.aborted === true) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  });
}

/** Until nothing is under way that does not wait for a timer. */
function settled(): Promise<void> {
  return new Promise((resolve) => real.setImmediate(resolve));
}

function isBefore(a: Timer | undefined, b: Timer | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

function handleOf(timer: Timer) {
  const handle = { timer, unref: () => handle, ref: () => handle, hasRef: () => true };
  return handle;
}

function cancel(handle: { timer?: Timer } | undefined): void {
  if (handle?.timer !== undefined) handle.timer.off = true;
}

function dateOf(now: () => number): DateConstructor {
  return new Proxy(real.Date, {
    construct: (target, args: unknown[], self) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, self) as object,
    apply: () => new real.Date(now()).toString(),
    get: (target, key) => (key === 'now' ? now : (Reflect.get(target, key) as unknown)),
  });
}
