import { Context } from '@temporalio/activity';
import { isProven, proofFingerprint, type ProofReport } from '../../migration/checksum/report.js';
import { proofGaps } from '../../migration/checksum/gaps.js';
import type { MigrationRef } from '../../migration/plan/reference.js';
import { describeProblem, MigrationError, type Problem } from '../../migration/problem/errors.js';
import type { Gap } from '../../migration/proof/gaps.js';
import type { Clients } from '../../vitess/clients.js';
import { withHeartbeat } from '../step/heartbeat.js';
import { sourcePositions } from '../step/proof.js';
import { sourceOf } from '../../effects/source/open-source.js';
import type { Pace } from '../step/pace.js';
import { Step, type Tell } from '../step/step.js';
import { ProofRecord } from './record.js';
import { ProofRun } from './run.js';

/** Milliseconds between two rounds when there is nothing to read, at least. */
const restTime = 1_000;
/** Times as long as a round took that a busy source is left alone, and milliseconds at most. */
const sparing = 9;
const longestSparing = 10_000;
/** Milliseconds that Complete waits for what is left, and for rows that keep changing. */
const nowTimeout = 20_000;
const changingTimeout = 10_000;
/** Tables that are read at once: beside other work, and when Complete waits for it. */
const tablesAtOnce = { beside: 2, now: 8 };
/** Rounds that fail in a row until the comparison begins anew: binary logs may have been purged. */
const mostFailures = 20;

/** What `checksumNow` answers: the proof, and what it lacks. */
export interface ProofAnswer {
  report: ProofReport;
  gaps: Gap[];
  /** The warning about writers of the source; null when `watchSource` has to tell. An earlier version has none. */
  lateWrites?: Problem | null;
}

/** The rows of both sides, compared by their checksums while the migration goes on. */
export function checksumActivities(clients: Clients, pace: Pace) {
  return {
    /**
     * Compares the rows, and follows what happens to them, until there is something new to say. Each round is
     * heartbeat. What cannot be read is part of the report, not an error.
     * @param since the `proofFingerprint` of the last report
     * @param minSeconds until it answers
     */
    async checksum(ref: MigrationRef, since: string, minSeconds: number): Promise<ProofReport> {
      const until = Date.now() + minSeconds * 1000;
      const following = (pause: (ms: number) => Promise<void>) =>
        comparing(
          clients,
          ref,
          tablesAtOnce.beside,
          (tell) => pace.afterCreations(tell),
          async (rounds, heartbeat) => {
            for (;;) {
              const begun = Date.now();
              const moved = await rounds.next();
              await rounds.run.lookAtLoad();
              heartbeat(rounds.report());
              if (proofFingerprint(rounds.report()) !== since && Date.now() >= until) return rounds.report();
              const spared = rounds.run.slowed === null ? 0 : Math.min(longestSparing, (Date.now() - begun) * sparing);
              await (moved ? Context.current().sleep(spared) : pause(restTime));
            }
          },
        );
      return pace.keep(following);
    },

    /**
     * Compares what is left to compare, up to where the source is now, and answers what is lacking.
     * @param fenced nothing is written to the source any more: rows that keep changing are not accepted
     */
    async checksumNow(ref: MigrationRef, fenced: boolean): Promise<ProofAnswer> {
      return comparing(clients, ref, tablesAtOnce.now, atOnce, async (rounds, heartbeat) => {
        const goal = await rounds.goal();
        const begun = Date.now();
        for (;;) {
          const moved = await rounds.next();
          const { run } = rounds;
          heartbeat(run.report());
          const took = Date.now() - begun;
          const arrived = run.has(goal) && (run.decided || (!fenced && took > changingTimeout && run.onlyChanging));
          if (arrived || took > nowTimeout) return rounds.answer(!fenced);
          if (!moved) await Context.current().sleep(restTime / 10);
        }
      });
    },
  };
}

const atOnce = () => Promise.resolve();

/**
 * @param tables that are read at once
 * @param turn waits until the comparison may begin
 */
function comparing<T>(
  clients: Clients,
  ref: MigrationRef,
  tables: number,
  turn: (tell: Tell) => Promise<void>,
  work: (rounds: Rounds, heartbeat: (report: ProofReport) => void) => Promise<T>,
): Promise<T> {
  return withHeartbeat(async (_, heartbeat) => {
    await turn(heartbeat);
    const rounds = await Rounds.open(new Step(clients, ref), tables);
    try {
      return await work(rounds, heartbeat);
    } finally {
      await rounds.save();
    }
  });
}

/** Rounds of a comparison, kept in its record, whatever fails meanwhile. */
class Rounds {
  private failures = 0;

  private constructor(
    private readonly step: Step,
    private readonly tables: number,
    private readonly record: ProofRecord,
    public run: ProofRun,
  ) {}

  static async open(step: Step, tables: number): Promise<Rounds> {
    const record = await ProofRecord.open(step);
    return new Rounds(step, tables, record, await ProofRun.open(step, record.known, tables));
  }

  /** True when there was something to do. */
  async next(): Promise<boolean> {
    this.step.stopIfCancelled();
    try {
      const moved = await this.run.round();
      this.failures = 0;
      await this.record.saveIfDue(this.run.toState());
      return moved;
    } catch (error) {
      if (!(error instanceof MigrationError)) throw error;
      this.failures++;
      if (this.failures % mostFailures === 0) this.run = await ProofRun.open(this.step, undefined, this.tables);
      this.run.held = describeProblem(error.toProblem());
      return false;
    }
  }

  report(): ProofReport {
    return this.run.report();
  }

  /** Where the source is now. */
  async goal(): Promise<Record<string, string>> {
    return sourcePositions(await sourceOf(this.step.clients, await this.step.plan()));
  }

  /** @param acceptChanging rows that keep changing lack nothing */
  answer(acceptChanging: boolean): ProofAnswer {
    const report = this.report();
    const enough = isProven(report) || (acceptChanging && this.run.onlyChanging && report.differing.length === 0);
    const gaps = enough && report.unprovable.length === 0 ? [] : proofGaps(report, this.run.place);
    return { report, gaps, lateWrites: this.run.lateWrites };
  }

  save(): Promise<void> {
    return this.record.save(this.run.toState());
  }
}
