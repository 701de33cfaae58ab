import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowFailedError, type ApplicationFailure, type WorkflowHandle } from '@temporalio/client';
import type { Problem } from '../../src/migration/problem/errors.js';
import type { Status } from '../../src/migration/lifecycle/status.js';
import { statusOf } from '../support/status.js';
import type { Account } from './account.js';

/** How a migration came out: the reasons are empty when it gave none. */
export type Outcome = { completed: true } | { completed: false; ended: boolean; reasons: Problem[] };

/** Looks at a migration as its user does. */
export class Follower {
  /** When the migration was last seen before its point of no return, in milliseconds of the account. */
  returnableAt = 0;

  constructor(
    readonly handle: WorkflowHandle,
    private readonly account: Account,
    private readonly onPhase: (phase: string) => void,
  ) {}

  /**
   * Waits until the migration is as wanted, has come to rest, or the time is over.
   * @returns the outcome where it is decided, undefined where the migration is as wanted
   */
  async until(wanted: (status: Status) => boolean, seconds: number): Promise<Outcome | undefined> {
    for (const deadline = Date.now() + seconds * 1_000; ;) {
      await sleep(150);
      const asked = this.account.milliseconds;
      const status = await statusOf(this.handle);
      if (!status.pastNoReturn && status.phase !== 'completed') this.returnableAt = asked;
      this.onPhase(status.phase);
      if (status.phase === 'completed') return { completed: true };
      if (status.phase === 'failed') return { completed: false, ended: true, reasons: [await failureOf(this.handle)] };
      if (wanted(status)) return undefined;
      const late = Date.now() > deadline;
      if ((isStuck(status) && !this.resting) || late)
        return { completed: false, ended: false, reasons: reasonsOf(status) };
    }
  }

  /** A pause that we have asked for ourselves. */
  resting = false;
}

function isStuck({ phase, needsPerson, missing }: Status): boolean {
  if (phase === 'completing') return false;
  return needsPerson !== null || (phase === 'replicating' && missing.some(({ code }) => code === 'ROWS_DIFFER'));
}

function reasonsOf({ missing, needsPerson, problems, lastError }: Status): Problem[] {
  return [...(needsPerson?.reason ?? []), ...missing, ...problems, ...(lastError === null ? [] : [lastError])];
}

/** What the workflow failed with: its type is the code, and its message has place and remedy. */
async function failureOf(handle: WorkflowHandle): Promise<Problem> {
  try {
    await handle.result();
  } catch (error) {
    const cause = error instanceof WorkflowFailedError ? (error.cause as ApplicationFailure) : undefined;
    return {
      code: (cause?.type ?? '') as Problem['code'],
      message: cause?.message ?? String(error),
      place: {},
      remedy: '',
    };
  }
  throw new Error('a migration that has failed gave a result');
}
