import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/common';
import type { Pass } from './intercept.js';
import { FakeLease } from './etcd.js';

/** What can happen to an external call. */
export const faultKinds = ['dies before', 'dies after', 'fails before', 'answer lost', 'time runs out'] as const;
export type FaultKind = (typeof faultKinds)[number];

/** Milliseconds after which a call gives up here. */
const callTimeout = 10;

/**
 * One attempt of an activity whose worker may die. Dead, none of its calls takes effect any more,
 * whatever the code tries in its `finally` blocks, and its locks end with their leases.
 */
export class Attempt {
  /**
   * Fails when the worker dies. A real worker would just fall silent, and Temporal would end the attempt
   * by its heartbeat or start-to-close time-out; both are retried like this failure and read alike by the
   * workflow (a cause without a code of ours). Leases are as short here as that wait is.
   */
  readonly death: Promise<never>;
  private die: () => void = () => undefined;
  private dead = false;
  private readonly leases: FakeLease[] = [];

  /** @param next is told of each call and says what happens to it */
  constructor(private readonly next: (what: string) => FaultKind | undefined) {
    this.death = new Promise<never>((_resolve, reject) => {
      this.die = () => {
        this.dead = true;
        for (const lease of this.leases) lease.die();
        reject(ApplicationFailure.retryable('the worker died', 'WorkerDied'));
      };
    });
    this.death.catch(() => undefined);
  }

  readonly pass: Pass = async (what, effect, failures) => {
    this.requireLife();
    const kind = this.next(what);
    if (kind === 'fails before') throw failures.unanswered();
    if (kind === 'dies before') this.die();
    this.requireLife();
    if (kind === 'time runs out') {
      await sleep(callTimeout);
      // The server has the request and carries it out, but only after the caller has given up.
      setTimeout(
        () =>
          void effect().then(
            (result) => this.forget(result),
            () => undefined,
          ),
        1,
      );
      throw failures.late();
    }
    const result = await effect();
    if (result instanceof FakeLease) this.leases.push(result);
    if (kind === 'dies after') this.die();
    try {
      // It may have died of another call while this one was under way.
      this.requireLife();
      if (kind === 'answer lost') throw failures.unanswered();
      return result;
    } catch (error) {
      this.forget(result);
      throw error;
    }
  };

  /** Nobody keeps alive what an attempt could not give back. */
  end(): void {
    for (const lease of this.leases) lease.die();
  }

  private requireLife(): void {
    if (this.dead) throw new Error('the worker is dead');
  }

  /** A lock nobody knows of is not kept alive. */
  private forget(result: unknown): void {
    if (result instanceof FakeLease) result.die();
  }
}
