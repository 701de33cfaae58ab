import type { MigrationRef } from '../migration/lifecycle/reference.js';
import { MigrationError, type Problem } from '../migration/problem/errors.js';
import type { SourceTables } from '../migration/input/input.js';
import type { Plan } from '../migration/plan/plan.js';
import { quoteName } from '../migration/sql/quote.js';
import { retiredName, type Retirement } from '../migration/proof/source-tables.js';
import type { Clients } from '../vitess/clients.js';
import { allowTables } from '../vitess/topology/shard-record.js';
import { JournalStore, type Journal } from '../effects/journal.js';
import { withKeyspaceLock, withMigrationLocks, type KeyspaceLock } from '../vitess/topology/lock.js';
import type { Topology } from '../vitess/topology/topology.js';
import type { TabletHandle } from '../vitess/tablet/tablet-handle.js';
import { withHeartbeat } from './step/heartbeat.js';
import { refreshShard } from '../effects/refresh-shard.js';

/** Milliseconds: how long the source's logs may take to tell what was written since. */
const changesTimeout = 10 * 60_000;

/** What is done with the source's tables once the target serves them. */
export function retireActivities(clients: Clients) {
  return {
    /**
     * Renames or drops the plan's tables in the source, if nothing was written to them since the
     * target had everything; otherwise they are kept, and the answer says why. Then forgets the
     * migration. A table is renamed first in either case (`_<table>_old`, as MoveTables names it):
     * from then on nobody writes to it, and what was written till then can be looked for.
     * @throws LOCKED, TABLET_UNREACHABLE, TOPO_UNREACHABLE
     */
    async retire(ref: MigrationRef, how: SourceTables): Promise<Retirement> {
      const { runId } = ref;
      return withHeartbeat(() =>
        withMigrationLocks(clients.target, ref.id, 'vtmigrate source tables', async (locks) => {
          const journals = new JournalStore(clients.target, ref.id);
          const journal = await journals.read();
          // A second attempt after a first one that could not say that it had ended.
          if (journal?.runId !== runId) return { done: how, kept: null };
          const { plan } = await journals.requireRecord();
          const topology = await clients.source(plan.source.mount);
          const kept =
            how === 'keep'
              ? null
              : await withKeyspaceLock(
                  topology,
                  plan.source.keyspace,
                  'vtmigrate source tables',
                  async (sourceLock) => {
                    const check = async () => {
                      await locks.check();
                      await sourceLock.check();
                    };
                    return new Retiring(clients, topology, sourceLock, plan, journal, check).run(how);
                  },
                );
          await locks.check();
          await journals.remove(runId);
          return { done: kept === null ? how : 'keep', kept };
        }),
      );
    },
  };
}

/** A source shard and its primary. */
interface At {
  shard: string;
  tablet: TabletHandle;
}

class Retiring {
  private readonly journals: JournalStore;

  constructor(
    private readonly clients: Clients,
    private readonly topology: Topology,
    private readonly lock: KeyspaceLock,
    private readonly plan: Plan,
    private readonly journal: Journal,
    private readonly beforeEffect: () => Promise<void>,
  ) {
    this.journals = new JournalStore(clients.target, plan.target);
  }

  /** Null when it is done, or the reason why the tables were kept. */
  async run(how: Exclude<SourceTables, 'keep'>): Promise<Problem | null> {
    const { keyspace, shards } = this.plan.source;
    // Of a migration that was taken over without its record.
    if (shards.length === 0) return this.keep('it is not known from which shards they came');
    const tablets = await Promise.all(
      shards.map(async ({ name }) => ({
        shard: name,
        tablet: await this.clients.primary(this.topology, keyspace, name),
      })),
    );
    // Twice: before anything is touched, and when nobody can write any more.
    const reason =
      (await this.firstReason(tablets, (at) => this.nameTaken(at))) ??
      (await this.firstReason(tablets, (at) => this.written(at)));
    if (reason !== null) return this.putBack(tablets, reason);
    await this.beforeEffect();
    await this.journals.update(this.journal.runId, (record) => {
      record.sourceRenamed = true;
    });
    this.journal.sourceRenamed = true;
    for (const { tablet } of tablets) await this.renameAll(tablet, (table) => [table, retiredName(table)]);
    const late = await this.firstReason(tablets, (at) => this.written(at));
    if (late !== null) return this.putBack(tablets, late);
    if (how === 'drop') for (const { tablet } of tablets) await this.dropAll(tablet);
    await this.forgetInVSchema();
    await this.takeDownFence();
    return null;
  }

  private async firstReason(
    tablets: readonly At[],
    find: (at: At) => Promise<Problem | null>,
  ): Promise<Problem | null> {
    for (const at of tablets) {
      const reason = await find(at);
      if (reason !== null) return reason;
    }
    return null;
  }

  /** Undoes this migration's renames, also those of an attempt that was cut off. */
  private async putBack(tablets: readonly At[], reason: Problem): Promise<Problem> {
    if (this.journal.sourceRenamed)
      for (const { tablet } of tablets) await this.renameAll(tablet, (table) => [retiredName(table), table]);
    return reason;
  }

  /** A table and one that bears its new name: somebody else's, for ours comes into being by a rename. */
  private async nameTaken({ shard, tablet }: At): Promise<Problem | null> {
    const present = new Set(await tablet.tableNames());
    const taken = this.names.find((name) => present.has(name) && present.has(retiredName(name)));
    return taken === undefined
      ? null
      : this.keep(`${quoteName(retiredName(taken))} exists already`, shard, tablet, taken);
  }

  private async written({ shard, tablet }: At): Promise<Problem | null> {
    const since = this.journal.positions[shard];
    if (since === undefined)
      return this.keep('it is not known up to which position the target has everything', shard, tablet);
    try {
      const changed = await tablet.changedTables(this.names, since, await tablet.primaryPosition(), changesTimeout);
      return changed.length === 0
        ? null
        : this.keep(
            `rows were written after the target took over, which it does not have: ${changed.join(', ')}`,
            shard,
            tablet,
            changed[0],
          );
    } catch (error) {
      if (!(error instanceof MigrationError) || error.code === 'TABLET_UNREACHABLE') throw error;
      return this.keep(
        `whether rows were written after the target took over cannot be told (${error.what})`,
        shard,
        tablet,
      );
    }
  }

  private async renameAll(tablet: TabletHandle, names: (table: string) => [string, string]): Promise<void> {
    const present = new Set(await tablet.tableNames());
    for (const [from, to] of this.names.map(names)) {
      if (!present.has(from) || present.has(to)) continue;
      await this.beforeEffect();
      await tablet.renameTable(from, to);
    }
  }

  private async dropAll(tablet: TabletHandle): Promise<void> {
    for (const name of this.names) {
      await this.beforeEffect();
      await tablet.dropTable(retiredName(name));
    }
  }

  /** As Vitess's `dropParticipatingTablesFromKeyspace`. */
  private async forgetInVSchema(): Promise<void> {
    await this.beforeEffect();
    await this.topology.updateVSchema(this.lock, (record) => {
      const kept = Object.entries(record.tables).filter(([name]) => !this.names.includes(name));
      if (kept.length === Object.keys(record.tables).length) return false;
      record.tables = Object.fromEntries(kept);
      return true;
    });
    await this.topology.publishVSchema(this.lock);
  }

  /** Tables that are no longer there need not be denied. */
  private async takeDownFence(): Promise<void> {
    const { keyspace } = this.plan.source;
    for (const [shard, tables] of Object.entries(this.journal.fencedTables)) {
      await this.beforeEffect();
      await allowTables(this.lock, this.topology, shard, tables);
      await refreshShard(this.clients, this.topology, keyspace, shard);
    }
  }

  private get names(): string[] {
    return this.plan.tables.map((table) => table.name);
  }

  private keep(reason: string, shard?: string, tablet?: TabletHandle, table?: string): Problem {
    const place = this.topology.place({
      keyspace: this.plan.source.keyspace,
      ...(shard === undefined ? {} : { shard }),
      ...(tablet === undefined ? {} : { tablet: tablet.alias }),
      ...(table === undefined ? {} : { table }),
    });
    return {
      code: 'SOURCE_KEPT',
      message: `the source's tables have been kept: ${reason}`,
      place,
      remedy: 'look at those rows, then rename or drop the tables by hand',
    };
  }
}
