import { assertClaims } from '../../src/vitess/claims.js';
import { FakeLease } from '../support/fakes/etcd.js';
import type { Failures, Pass } from '../support/fakes/intercept.js';
import type { AttemptId } from './activity-task.js';
import { outside, sleep, type Clock, type Process } from './clock.js';
import { changes, isEffect, type Fate } from './faults.js';

/** Milliseconds after which a call gives up. */
const callTimeout = 5_000;

/** An external call of an attempt. */
export interface Call {
  /** In words: `tablet 200 applySchema`. */
  what: string;
  /** In words that are the same in each run of the seed, whatever else has been called. */
  name: string;
  /** Which one it is of its attempt, from 1: of all, of those that may change something, of those that change something. */
  numbers: { calls: number; changes: number | undefined; effects: number | undefined };
}

/** What a worker needs of the run that it belongs to. */
export interface Surroundings {
  clock: Clock;
  leaseTtl: number;
  /** The fate of a call; what becomes of it is written down. */
  fate: (call: Call) => Fate;
  /** A call goes out. */
  sends: (what: string) => void;
  /** Whether the server of a call is away now, and if so whether it says nothing or refuses. */
  away: (what: string) => 'silent' | 'refuses' | undefined;
}

/**
 * The worker of one attempt. Dead, it falls silent: no call goes out, no heartbeat, and its locks end with their
 * leases. Frozen, the same is true for a while; then it goes on where it stood, and knows of nothing. What has reached a
 * server by then is carried out all the same.
 */
export class SimulatedWorker implements Process {
  dead = false;
  frozenUntil = 0;
  skew = 0;
  private readonly leases: FakeLease[] = [];
  private readonly numbers = { calls: 0, changes: 0, effects: 0 };
  private readonly counts = new Map<string, number>();

  constructor(
    private readonly id: AttemptId,
    private readonly around: Surroundings,
  ) {}

  readonly pass: Pass = async (what, effect, failures) => {
    await this.awake();
    const fate = this.around.fate(this.next(what));
    if (fate.kind === 'dies before') return this.die();
    if (mayGoOut()) this.around.sends(what);
    // Between a check of the locks and the effect that it allows there is a moment that no program can close.
    if (what.startsWith('etcd check ')) return this.check(effect, failures, fate);
    const result = await outside(() => this.serve(what, effect, failures, fate)).then(
      (value) => this.arrive(value, fate, failures),
      async (error: unknown) => {
        await this.awake();
        throw error;
      },
    );
    await this.awake();
    return result;
  };

  /** The process is gone. */
  die(): Promise<never> {
    this.dead = true;
    this.end();
    return never();
  }

  /** Nobody keeps alive what an attempt could not give back. */
  end(): void {
    outside(() => {
      for (const lease of this.leases) lease.die();
    });
  }

  private async check<T>(effect: () => Promise<T>, failures: Failures, { kind }: Fate): Promise<T> {
    if (kind === 'fails before' || kind === 'answer lost') throw failures.unanswered();
    return effect();
  }

  /** On the server's side, which goes on whatever becomes of the caller. */
  private async serve<T>(what: string, effect: () => Promise<T>, failures: Failures, fate: Fate): Promise<T> {
    const { kind, latency, ms } = fate;
    await sleep(latency + (kind === 'slow' && ms % 2 === 0 ? ms : 0));
    const away = this.around.away(what);
    if (away === 'silent') await sleep(callTimeout);
    if (away !== undefined) throw away === 'silent' ? failures.late() : failures.unanswered();
    if (kind === 'fails before') throw failures.unanswered();
    if (kind === 'time runs out') {
      await sleep(callTimeout);
      // The server has the request and carries it out, but only after the caller has given up.
      setTimeout(() => void effect().then(forget, () => undefined), 1);
      throw failures.late();
    }
    const result = await effect();
    if (kind === 'slow' && ms % 2 === 1) await sleep(ms);
    return result;
  }

  private async arrive<T>(result: T, { kind, ms }: Fate, failures: Failures): Promise<T> {
    if (result instanceof FakeLease) this.keep(result);
    if (kind === 'dies after') return this.die();
    if (kind === 'frozen') this.freeze(ms);
    if (kind === 'clock jumps') this.skew += ms;
    if (kind !== 'answer lost') return result;
    forget(result);
    await this.awake();
    throw failures.unanswered();
  }

  /** Its lease runs out while nobody keeps it alive. */
  private keep(lease: FakeLease): void {
    this.leases.push(lease);
    if (this.dead) outside(() => lease.die());
    else this.loseWhileFrozen(lease);
  }

  private freeze(ms: number): void {
    this.frozenUntil = Math.max(this.frozenUntil, this.around.clock.now + ms);
    for (const lease of this.leases) this.loseWhileFrozen(lease);
  }

  private loseWhileFrozen(lease: FakeLease): void {
    const { clock, leaseTtl } = this.around;
    if (this.frozenUntil > clock.now + leaseTtl) clock.at(leaseTtl, () => lease.expire());
  }

  private async awake(): Promise<void> {
    while (this.frozenUntil > this.around.clock.now) await sleep(this.frozenUntil - this.around.clock.now);
    if (this.dead) await never();
  }

  private next(what: string): Call {
    const { counts, numbers } = this;
    const count = (counts.get(what) ?? 0) + 1;
    counts.set(what, count);
    const { step, nth, attempt } = this.id;
    return {
      what,
      name: `${step} ${nth}, attempt ${attempt}: ${what} (${count})`,
      numbers: {
        calls: ++numbers.calls,
        changes: changes(what) ? ++numbers.changes : undefined,
        effects: isEffect(what) ? ++numbers.effects : undefined,
      },
    };
  }
}

/** The client refuses a call whose locks are lost, or whose step is another worker's. */
function mayGoOut(): boolean {
  try {
    assertClaims();
    return true;
  } catch {
    return false;
  }
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}

/** A lock nobody knows of is not kept alive. */
function forget(result: unknown): void {
  if (result instanceof FakeLease) outside(() => result.die());
}
