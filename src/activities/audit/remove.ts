import { JournalStore } from '../../effects/journal.js';
import { judge, type Judgement } from '../../migration/audit/judge.js';
import { notRemovable, refusals } from '../../migration/audit/removal.js';
import { removalOrder, residueName, type Found, type Residue } from '../../migration/audit/residue.js';
import type { RunState } from '../../migration/audit/survey.js';
import type { Clients } from '../../vitess/clients.js';
import { withKeyspaceLock, withWorkflowLock, type KeyspaceLock } from '../../vitess/topology/lock.js';
import { auditAction, putBack, remove } from './removers.js';
import { readSurvey } from './survey.js';

/** Removes residue, each thing under the locks that Vitess takes for it. */
export class Removal {
  constructor(
    private readonly clients: Clients,
    private readonly keyspace: string,
    private readonly things: readonly Residue[],
    private readonly runs: readonly RunState[],
    /** Run ID in each journal, by workflow, when Temporal was asked. */
    private readonly seen: Readonly<Record<string, string>>,
    private readonly stopIfCancelled: () => void,
  ) {}

  async run(): Promise<void> {
    for (const thing of this.things) if (thing.kind === 'table') await putBack(this.clients, thing);
    const found = this.present(await this.look(), this.things.map(residueName));
    // What needs no workflow's lock goes first: it includes dead locks, for which the others would wait.
    const workflows = [...new Set(found.map(lockOf))].sort((a, b) => Number(a !== null) - Number(b !== null));
    for (const workflow of workflows) {
      this.stopIfCancelled();
      const names = found.filter((each) => lockOf(each) === workflow).map(({ name }) => name);
      await this.locked(workflow, (lock) => this.removeAll(names, workflow, lock));
    }
  }

  /** Under the lock no other program begins or ends a migration: what this look finds to be residue stays residue. */
  private async removeAll(names: readonly string[], workflow: string | null, lock: KeyspaceLock): Promise<void> {
    const judgement = await this.look();
    const present = this.present(judgement, names);
    const [reason] = [
      ...refusals(
        judgement,
        present.map(({ name }) => name),
      ),
      ...present.filter((each) => lockOf(each) !== workflow).map(({ name }) => `${name} has got another owner`),
    ];
    if (reason !== undefined) throw notRemovable(this.keyspace, reason);
    const inOrder = present
      .filter(({ live }) => !live)
      .sort((a, b) => removalOrder.indexOf(a.kind) - removalOrder.indexOf(b.kind));
    for (const thing of inOrder) {
      this.stopIfCancelled();
      await lock.check();
      await remove(this.clients, lock, thing);
    }
  }

  /** What is still there under these names. */
  private present({ found }: Judgement, names: readonly string[]): Found[] {
    return found.filter(({ name }) => names.includes(name));
  }

  /** A journal that has changed hands since Temporal was asked belongs to a live migration. */
  private async look(): Promise<Judgement> {
    const survey = await readSurvey(this.clients, this.keyspace);
    const changed = survey.journals
      .filter(({ workflow, runId }) => this.seen[workflow] !== runId)
      .map(({ workflow }) => workflow);
    return judge(
      survey,
      this.runs.filter((run) => !changed.includes(run.workflow)),
    );
  }

  private async locked(workflow: string | null, work: (lock: KeyspaceLock) => Promise<void>): Promise<void> {
    const { clients, keyspace } = this;
    const underKeyspaceLock = () => withKeyspaceLock(clients.target, keyspace, auditAction, work);
    if (workflow === null) return underKeyspaceLock();
    const id = { keyspace, workflow };
    const workflows = await new JournalStore(clients.target, id).workflows();
    return withWorkflowLock(clients.target, { ...id, workflows }, auditAction, underKeyspaceLock);
  }
}

/** The workflow under whose lock something is removed; null for the keyspace's lock alone, as for a dead lock. */
function lockOf({ kind, owner }: Found): string | null {
  return kind === 'lock' ? null : owner;
}
