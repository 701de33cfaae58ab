import {
  judge,
  refusals,
  removalOrder,
  type Finding,
  type FindingKind,
  type Judgement,
  type RunState,
} from '../../migration/audit/judge.js';
import { MigrationError } from '../../migration/problem/errors.js';
import { parseSourceIdentifier } from '../../migration/input/identifier.js';
import { quoteName } from '../../migration/sql/quote.js';
import type { Clients } from '../../vitess/clients.js';
import { allowTables } from '../../vitess/topology/shard-record.js';
import { JournalStore } from '../../effects/journal.js';
import { listLocks, withKeyspaceLock, withMigrationLocks, type KeyspaceLock } from '../../vitess/topology/lock.js';
import type { TabletHandle } from '../../vitess/tablet/tablet-handle.js';
import { addTo, refreshShard } from '../../effects/refresh-shard.js';
import { readSurvey } from './survey.js';

/** What a table is called between the moment nobody can write to it any more and its end. */
const asidePrefix = '_vtmigrate_';
const longestName = 64;

/** Removes residue by name. */
export class Removal {
  constructor(
    private readonly clients: Clients,
    private readonly keyspace: string,
    private readonly names: readonly string[],
    private readonly runs: readonly RunState[],
    /** Run ID of each journal's owner, by workflow, as it was when Temporal was asked. */
    private readonly seen: Readonly<Record<string, string>>,
    private readonly stopIfCancelled: () => void,
  ) {}

  async run(): Promise<void> {
    for (const { shard, thing } of this.names.filter((name) => name.startsWith('table:')).map(partsOf))
      await this.putBack(shard, thing);
    const found = this.named(await this.look());
    // What needs no lock of a workflow goes first: a dead lock is among it.
    const workflows = [...new Set(found.map(lockedBy))].sort((a, b) => Number(a !== null) - Number(b !== null));
    for (const workflow of workflows) {
      this.stopIfCancelled();
      await this.locked(workflow, (lock) => this.removeAll(workflow, lock));
    }
  }

  /** Under the lock nobody else begins or ends a migration: what is residue now can go. */
  private async removeAll(workflow: string | null, lock: KeyspaceLock): Promise<void> {
    const now = await this.look();
    const found = this.named(now).filter((finding) => lockedBy(finding) === workflow);
    const [reason] = refusals(
      now,
      found.map((finding) => finding.name),
    );
    if (reason !== undefined) throw this.refusal(reason);
    for (const finding of found.sort((a, b) => removalOrder.indexOf(a.kind) - removalOrder.indexOf(b.kind))) {
      this.stopIfCancelled();
      await lock.check();
      await this.remove(finding, lock);
    }
  }

  private named({ findings }: Judgement): Finding[] {
    return findings.filter(({ name }) => this.names.includes(name));
  }

  /** A journal that has changed hands since Temporal was asked belongs to somebody alive. */
  private async look(): Promise<Judgement> {
    const survey = await readSurvey(this.clients, this.keyspace);
    const changed = survey.journals
      .filter((journal) => this.seen[journal.workflow] !== journal.runId)
      .map((journal) => journal.workflow);
    return judge(
      survey,
      this.runs.filter((run) => !changed.includes(run.workflow)),
    );
  }

  private locked(workflow: string | null, work: (lock: KeyspaceLock) => Promise<void>): Promise<void> {
    const action = 'vtmigrate audit';
    if (workflow === null) return withKeyspaceLock(this.clients.target, this.keyspace, action, work);
    return withMigrationLocks(this.clients.target, { keyspace: this.keyspace, workflow }, action, work);
  }

  private async remove({ kind, name, workflow }: Finding, lock: KeyspaceLock): Promise<void> {
    const { rest, shard, thing } = partsOf(name);
    const tablet = () => this.clients.primary(this.clients.target, this.keyspace, shard);
    const removers: Record<FindingKind, () => Promise<void>> = {
      stream: async () => (await tablet()).deleteStreams(thing),
      vdiff: async () => (await tablet()).deleteVDiffRows(thing),
      'copy-state': async () => (await tablet()).deleteCopyState(thing),
      table: async () => this.dropEmpty(await tablet(), thing, lock),
      denied: () => this.allow(lock, shard, thing),
      fence: () => this.takeDown(rest, workflow ?? ''),
      lock: () => this.unlock(rest.slice(this.keyspace.length + 1)),
      journal: () =>
        new JournalStore(this.clients.target, { keyspace: this.keyspace, workflow: rest }).remove(
          this.seen[rest] ?? '',
        ),
    };
    await removers[kind]();
  }

  private async allow(lock: KeyspaceLock, shard: string, table: string): Promise<void> {
    await allowTables(lock, this.clients.target, shard, [table]);
    await refreshShard(this.clients, this.clients.target, this.keyspace, shard);
  }

  /** @param rest `ext1/load/0/corder` */
  private async takeDown(rest: string, workflow: string): Promise<void> {
    const [, mount = '', keyspace = '', shard = '', table = ''] = /^([^/]+)\/([^/]+)\/([^/]+)\/(.*)$/s.exec(rest) ?? [];
    const topology = await this.clients.source(parseSourceIdentifier(`${mount}.${keyspace}`).mount);
    await withKeyspaceLock(topology, keyspace, 'vtmigrate audit', async (lock) => {
      await lock.check();
      await allowTables(lock, topology, shard, [table]);
    });
    await refreshShard(this.clients, topology, keyspace, shard);
    await new JournalStore(this.clients.target, { keyspace: this.keyspace, workflow }).update(
      this.seen[workflow] ?? '',
      (journal) => {
        const left = (journal.fencedTables[shard] ?? []).filter((each) => each !== table);
        journal.fencedTables = Object.fromEntries(
          Object.entries(journal.fencedTables).filter(([name]) => name !== shard),
        );
        if (left.length > 0) addTo(journal.fencedTables, shard, left);
      },
    );
  }

  private async unlock(workflow: string): Promise<void> {
    const held = (await listLocks(this.clients.target, this.keyspace)).filter((lock) => lock.workflow === workflow);
    for (const { entry } of held) await this.clients.target.kv.delete(entry.key, entry.revision);
  }

  /**
   * Sets the table aside first: from then on nobody writes to it, and a row that was written until
   * then shows itself. One that has a row gets its name back.
   */
  private async dropEmpty(tablet: TabletHandle, table: string, lock: KeyspaceLock): Promise<void> {
    const aside = asideName(table);
    await tablet.renameTable(table, aside);
    if (!(await tablet.isEmpty(aside))) {
      await tablet.renameTable(aside, table);
      throw this.refusal(`table ${quoteName(table)} has got rows meanwhile`);
    }
    await lock.check();
    await tablet.dropTable(aside);
  }

  /** An attempt that was cut off may have left the table set aside. */
  private async putBack(shard: string, table: string): Promise<void> {
    const tablet = await this.clients.primary(this.clients.target, this.keyspace, shard);
    const present = await tablet.tableNames();
    if (present.includes(table) || !present.includes(asideName(table))) return;
    await withKeyspaceLock(this.clients.target, this.keyspace, 'vtmigrate audit', () =>
      tablet.renameTable(asideName(table), table),
    );
  }

  private refusal(reason: string): MigrationError {
    return new MigrationError(
      'NOT_REMOVABLE',
      reason,
      this.clients.target.place({ keyspace: this.keyspace }),
      `look again: vtmigrate Audit ${this.keyspace}`,
    );
  }
}

/** The workflow under whose lock a finding is removed; null for the keyspace's lock alone. A dead lock must not be waited for. */
function lockedBy({ kind, workflow }: Finding): string | null {
  return kind === 'lock' ? null : workflow;
}

/** The parts of `denied:commerce/0/corder`: what follows the kind, the shard, and what is on it. */
function partsOf(name: string): { rest: string; shard: string; thing: string } {
  const [, rest = ''] = /^[^:]+:(.*)$/s.exec(name) ?? [];
  const [, shard = '', thing = ''] = /^[^/]+\/([^/]+)\/(.*)$/s.exec(rest) ?? [];
  return { rest, shard, thing };
}

function asideName(table: string): string {
  return `${asidePrefix}${table}`.slice(0, longestName);
}
