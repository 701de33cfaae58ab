import { setTimeout as sleep } from 'node:timers/promises';
import { JournalStore } from '../effects/journal.js';
import { targetPlace, tableNames, type Plan } from '../migration/plan/plan.js';
import type { MigrationRef } from '../migration/plan/reference.js';
import { MigrationError, type Problem } from '../migration/problem/errors.js';
import { ruleBehind, trialWarnings, type RefusedTrial } from '../migration/proof/table-trials.js';
import { quoteName } from '../migration/sql/quote.js';
import type { Clients } from '../vitess/clients.js';
import type { TableTrial, Vtgate } from '../vitess/vtgate/vtgate.js';
import { withHeartbeat } from './step/heartbeat.js';

/** Milliseconds: how long vtgate may take to serve a table, once it serves the one before. */
const serveTimeout = 60_000;
const servePoll = 250;

/** The end of Complete: applications can use the tables. */
export function serveActivities(clients: Clients) {
  return {
    /**
     * Tries every table through vtgate, as an application will: a read, and a write that matches no row. Then removes
     * the journal. What rules of vtgate, its tablets or MySQL refuse is a warning of the answer; a second attempt,
     * after a first one whose answer was lost, has none.
     * @param keepJournal the source's tables are still to be dealt with: `retire` removes it then
     * @param tryTables false when a person has asked to skip the trial
     * @throws TABLE_UNREADABLE, TABLE_UNWRITABLE, VTGATE_UNREACHABLE
     */
    async serve(ref: MigrationRef, keepJournal = false, tryTables = true): Promise<Problem[]> {
      return withHeartbeat(async (stopIfCancelled) => {
        const journals = new JournalStore(clients.target, ref.id);
        const journal = await journals.read();
        if (journal?.runId !== ref.runId) return [];
        const { plan } = await journals.requireRecord(ref.runId);
        const refused = tryTables ? await new Serving(clients.vtgate, plan, stopIfCancelled).tryAll() : [];
        if (!keepJournal) await journals.remove(ref.runId);
        return trialWarnings(refused, targetPlace(plan, { server: clients.vtgate.server }));
      });
    },
  };
}

class Serving {
  private readonly trial: TableTrial;

  constructor(
    private readonly vtgate: Vtgate,
    private readonly plan: Plan,
    private readonly stopIfCancelled: () => void,
  ) {
    this.trial = vtgate.trial(plan.target.keyspace);
  }

  /** The reads one after the other; beside them, the writes of each shard. */
  async tryAll(): Promise<RefusedTrial[]> {
    const { plan } = this;
    try {
      const ends = await Promise.allSettled([
        this.course(),
        ...plan.target.shards.map(({ name }) => this.course(name)),
      ]);
      return ends.flatMap((end) => {
        if (end.status === 'rejected') throw end.reason;
        return end.value;
      });
    } finally {
      await this.trial.close();
    }
  }

  /** Reads every table, or writes to every table of a shard. */
  private async course(shard?: string): Promise<RefusedTrial[]> {
    const refused: RefusedTrial[] = [];
    for (const table of tableNames(this.plan)) refused.push(...(await this.insist(() => this.attempt(table, shard))));
    return refused;
  }

  private async insist<T>(work: () => Promise<T>): Promise<T> {
    const deadline = Date.now() + serveTimeout;
    for (;;) {
      this.stopIfCancelled();
      try {
        return await work();
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await sleep(servePoll);
      }
    }
  }

  /** What a rule refuses. @throws MigrationError when it is not yet as it must be */
  private async attempt(table: string, shard: string | undefined): Promise<RefusedTrial[]> {
    const reason = await (shard === undefined ? this.trial.read(table) : this.trial.write(table, shard));
    if (reason === undefined) return [];
    const rule = ruleBehind(reason);
    if (rule === undefined) throw this.failure(reason, table, shard);
    return [{ trial: shard === undefined ? 'read' : 'write', rule, table, reason }];
  }

  private failure(reason: string, table: string, shard: string | undefined): MigrationError {
    const { server } = this.vtgate;
    if (shard === undefined)
      return new MigrationError(
        'TABLE_UNREADABLE',
        `vtgate cannot read table ${quoteName(table)} (${reason})`,
        targetPlace(this.plan, { server, table }),
        "look at the denied tables of the target's shards and at the serving VSchema",
      );
    return new MigrationError(
      'TABLE_UNWRITABLE',
      `vtgate cannot write to table ${quoteName(table)} (${reason})`,
      targetPlace(this.plan, { server, shard, table }),
      'look at the denied tables of the shard, and whether its primary takes writes',
    );
  }
}
