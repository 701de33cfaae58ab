import { fence } from '../effects/fence.js';
import { sourceOf } from '../effects/source/open-source.js';
import type { LockedSource, Source } from '../effects/source/source.js';
import { sourceTables } from '../effects/source-tables.js';
import type { SourceTables } from '../migration/input/input.js';
import type { MigrationRef } from '../migration/plan/reference.js';
import { tableNames, type Plan } from '../migration/plan/plan.js';
import { firstOf } from '../migration/problem/bounded.js';
import { MigrationError, type ErrorCode, type Problem } from '../migration/problem/errors.js';
import { retiredName, sharesRetiredName, type Retirement } from '../migration/proof/source-tables.js';
import { quoteName } from '../migration/sql/quote.js';
import type { Clients } from '../vitess/clients.js';
import { LockedStep, lockedStep } from './step/step.js';

/** Milliseconds: how long reading what was written since from the source's logs may take. */
const changesTimeout = 10 * 60_000;
const action = 'vtmigrate source tables';
/** How a tablet answers that cannot read its logs from a position on, such as when they are purged. */
const refusals: ReadonlySet<string> = new Set<ErrorCode>(['TABLET_CALL_FAILED', 'TABLET_REFUSED', 'ACCESS_REFUSED']);

/** Why the tables were kept, or null, and what is not quite as it should be. */
interface Retired {
  kept: Problem | null;
  warnings: Problem[];
}

/** Reports of earlier versions have no warnings. */
export type RetireReport = Retirement & { warnings?: Problem[] };

const asIs = (kept: Problem | null): Retired => ({ kept, warnings: [] });

/** What is done with the source's tables once the target serves them. */
export function retireSourceActivities(clients: Clients) {
  return {
    /**
     * Renames or drops the plan's tables in the source, if nothing was written to them since the target had
     * everything; otherwise they are kept, and the answer says why. Then removes the journal. A table is renamed
     * first in either case (`_<table>_old`, as MoveTables names it): from then on no application writes to it, and
     * what was written until then can be looked for.
     * @throws LOCKED, TABLET_UNREACHABLE, TOPO_UNREACHABLE
     */
    async retire(ref: MigrationRef, how: SourceTables): Promise<RetireReport> {
      const work = async (step: LockedStep): Promise<RetireReport> => {
        const journal = await step.journals.read();
        // A second attempt after a first one whose answer was lost.
        if (journal?.runId !== ref.runId) return { done: how, kept: null, warnings: [] };
        const { kept, warnings } = how === 'keep' ? asIs(null) : await retireUnderLock(step, how);
        await step.beforeEffect();
        await step.journals.remove(ref.runId);
        return { done: kept === null ? how : 'keep', kept, warnings };
      };
      return lockedStep(clients, ref, action, work, { interruptible: false });
    },
  };
}

async function retireUnderLock(step: LockedStep, how: Exclude<SourceTables, 'keep'>): Promise<Retired> {
  const plan = await step.plan();
  const source = await sourceOf(step.clients, plan);
  return source.withLock(action, (locked) => {
    const both = new StepUnderSourceLock(step, locked);
    return new RetiringSource(both, source, locked, plan).run(how);
  });
}

/** Before each effect, both clusters' locks must still be held. */
class StepUnderSourceLock extends LockedStep {
  constructor(
    step: LockedStep,
    private readonly locked: LockedSource,
  ) {
    super(step.clients, step.ref, step.lock, step.action, false);
  }

  override async beforeEffect(): Promise<void> {
    await super.beforeEffect();
    await this.locked.check();
  }
}

class RetiringSource {
  constructor(
    private readonly step: LockedStep,
    private readonly source: Source,
    private readonly locked: LockedSource,
    private readonly plan: Plan,
  ) {}

  async run(how: Exclude<SourceTables, 'keep'>): Promise<Retired> {
    const { step, source, plan } = this;
    // Of a migration that was adopted without its record.
    if (source.shards.length === 0) return asIs(this.keep('it is not known from which shards they came'));
    // Twice: before anything is touched, and when no application can write any more.
    const reason = (await this.nameTaken()) ?? (await this.written());
    if (reason !== null) return this.putBack(reason);
    await sourceTables.make(step, source, plan);
    const late = await this.written();
    if (late !== null) return this.putBack(late);
    if (how === 'drop') await sourceTables.drop(step, source, plan);
    const warnings = await sourceTables.forget(step, this.locked, plan);
    // Tables that are gone need not be denied.
    await fence.undoUnderLock(step, source, this.locked);
    return { kept: null, warnings };
  }

  private async putBack(reason: Problem): Promise<Retired> {
    await sourceTables.undo(this.step, this.source, this.plan);
    return asIs(reason);
  }

  /** A table beside one that has its retired name: a rename makes ours, so this one is another program's. */
  private async nameTaken(): Promise<Problem | null> {
    const shared = sharesRetiredName(tableNames(this.plan));
    if (shared !== undefined)
      return this.keep(`${quoteName(retiredName(shared))} would be the name of two of them`, { table: shared });
    for (const shard of this.source.shards) {
      const present = new Set(await this.source.tableNames(shard));
      const taken = tableNames(this.plan).find((name) => present.has(name) && present.has(retiredName(name)));
      if (taken !== undefined) {
        return this.keep(`${quoteName(retiredName(taken))} exists already`, { shard, table: taken });
      }
    }
    return null;
  }

  private async written(): Promise<Problem | null> {
    const { positions } = await this.step.journals.require(this.step.ref.runId);
    for (const shard of this.source.shards) {
      const since = positions[shard];
      if (since === undefined) {
        return this.keep('it is not known up to which position the target has everything', { shard });
      }
      const reason = await this.writtenSince(shard, since);
      if (reason !== null) return reason;
    }
    return null;
  }

  private async writtenSince(shard: string, since: string): Promise<Problem | null> {
    const { source } = this;
    try {
      const now = await source.position(shard);
      const changed = await source.changedTables(shard, tableNames(this.plan), since, now, changesTimeout);
      if (changed[0] === undefined) return null;
      const tables = firstOf(changed);
      const what = `rows were written after the target took over, which it does not have: ${tables}`;
      return this.keep(what, { shard, table: changed[0] });
    } catch (error) {
      // A server that does not answer is asked again; one that refuses has no logs to read.
      if (!(error instanceof MigrationError) || !refusals.has(error.code)) throw error;
      return this.keep(`it cannot be read whether rows were written after the target took over (${error.what})`, {
        shard,
      });
    }
  }

  private keep(reason: string, at: { shard?: string; table?: string } = {}): Problem {
    return {
      code: 'SOURCE_KEPT',
      message: `the source's tables have been kept: ${reason}`,
      place: this.source.place(at),
      remedy: 'look at those rows, then rename or drop the tables by hand',
    };
  }
}
