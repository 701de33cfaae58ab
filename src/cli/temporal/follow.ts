import { setTimeout as sleep } from 'node:timers/promises';
import { describeProblem } from '../../migration/problem/errors.js';
import type { Status } from '../../migration/lifecycle/status.js';
import { PassingError } from '../errors.js';
import { count, duration, grouped, oneLine } from '../output/format.js';
import { readLive, type Live } from './live.js';
import type { Migration, Session } from './session.js';
import type { Terminal } from '../output/terminal.js';

/** Milliseconds between two looks, and how long nobody may answer before following is given up. */
const pollInterval = 1_000;
const patience = 5 * 60_000;

/** Follows a migration and shows where it stands, over restarts of the worker and of Temporal. */
export class Follower {
  private answeredAt = Date.now();

  constructor(
    private readonly session: Session,
    private readonly migration: Migration,
    private readonly terminal: Terminal,
  ) {}

  /** Looks until what it sees is `enough`. @throws CommandError when nobody answers for minutes */
  async until(enough: (live: Live) => boolean): Promise<Live> {
    for (;;) {
      const live = await this.look();
      if (live !== undefined && enough(live)) return live;
      await sleep(pollInterval);
    }
  }

  /** Shows where things stand while something else is waited for. */
  async during<T>(work: Promise<T>): Promise<T> {
    const over = new AbortController();
    const showing = this.keepLooking(over.signal);
    try {
      return await Promise.race([work, showing.then(() => work)]);
    } finally {
      over.abort();
    }
  }

  private async keepLooking(over: AbortSignal): Promise<void> {
    const pause = () => sleep(pollInterval, true, { signal: over }).catch(() => false);
    while (await pause()) await this.look(over);
  }

  private async look(over?: AbortSignal): Promise<Live | undefined> {
    try {
      const live = await readLive(this.session, this.migration);
      // The answer may have been printed meanwhile.
      if (over?.aborted === true) return live;
      this.answeredAt = Date.now();
      this.terminal.progress(progressLine(live.status), live.status.phase);
      return live;
    } catch (error) {
      if (!(error instanceof PassingError) || Date.now() - this.answeredAt > patience) throw error;
      this.terminal.progress(error.message, error.message);
      return undefined;
    }
  }
}

/** A status in one line. */
export function progressLine(status: Status): string {
  // What a pause waits for says it already.
  const error = status.lastError ?? (status.phase === 'paused' ? undefined : status.problems[0]);
  return `${status.workflow} ${status.phase}${whereIn(status)}${error === undefined ? '' : ` — ${describeProblem(error)}`}`;
}

function whereIn(status: Status): string {
  const { phase, totals } = status;
  if (phase === 'copying') {
    return `: ${status.copiedPercent}%, ${totals.copied} of ${count(totals.tables, 'table')} done${status.remainingSeconds === null ? '' : `, about ${duration(status.remainingSeconds)} remaining`}`;
  }
  if (phase === 'verifying') return `: ${comparing(status)}`;
  if (phase === 'paused' || phase === 'retiring') return `: waiting for ${status.waitingFor.join('; ')}`;
  if (phase === 'replicating')
    return `: lag ${status.lagSeconds === null ? 'not known' : duration(status.lagSeconds)}${status.waitingFor.length === 0 ? '' : `, waiting for ${status.waitingFor.join('; ')}`}`;
  return '';
}

function comparing({ vdiff, totals }: Status): string {
  if (vdiff === null || vdiff.state === 'completed') return 'VDiff begins';
  // One that ends without a verdict is tried a few times.
  if (vdiff.state !== 'running')
    return `VDiff ended as ${vdiff.state}${Object.values(vdiff.errors)
      .map((text) => `, ${oneLine(text)}`)
      .join('')}; it is tried again`;
  return `VDiff has compared ${grouped(vdiff.rowsCompared)} of about ${grouped(totals.rowsTotal)} rows`;
}
