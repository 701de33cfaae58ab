import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { allActivities } from '../../../src/activities/index.js';
import type { RetireReport } from '../../../src/activities/retire-source.js';
import { JournalStore } from '../../../src/effects/journal.js';
import type { TablePage } from '../../../src/migration/lifecycle/table-page.js';
import { buildClients } from '../../../src/worker.js';
import { input } from '../../unit/preflight/facts.js';
import { passing, type Pass } from './intercept.js';
import { fakeConfig, fakeMount, sampleTables, World } from './world.js';

const ref = { id: { keyspace: 'commerce', workflow: 'wf' }, runId: 'run' };

/** A worker on a world with many tables. `pass` stands between it and its calls, which are counted. */
export class Bench {
  readonly world = new World();
  readonly target = this.world.mysqlOf(this.world.target, 'commerce', '0');
  readonly calls: string[] = [];
  readonly told: unknown[] = [];
  pass: Pass = (_what, effect) => effect();
  readonly journals;
  private readonly clients;

  constructor(tables: number) {
    for (const name of names(tables)) this.world.fill(name, 1);
    const connectors = passing(this.world.connectors(), (what, effect, failures) => {
      this.calls.push(what);
      return this.pass(what, effect, failures);
    });
    this.clients = buildClients(fakeConfig, connectors).clients;
    this.journals = new JournalStore(this.clients.target, ref.id);
  }

  async preflight(): Promise<number> {
    await this.clients.mounts.add('ext1', fakeMount);
    return this.counted((its) => its.preflight(ref, input()));
  }

  create(): Promise<number> {
    return this.counted((its) => its.create(ref));
  }

  tablePage(page: number): Promise<TablePage> {
    return this.run((its) => its.tablePage('commerce.wf', page));
  }

  cancel(): Promise<number> {
    return this.counted((its) => its.cancel(ref));
  }

  leave(tables: string[]): Promise<number> {
    return this.counted((its) => its.leave(ref, tables, false));
  }

  retire(how: 'rename' | 'drop'): Promise<RetireReport> {
    return this.run((its) => its.retire(ref, how));
  }

  /** How many calls a step makes. */
  private async counted(work: (its: ReturnType<typeof allActivities>) => Promise<unknown>): Promise<number> {
    const before = this.calls.length;
    await this.run(work);
    return this.calls.length - before;
  }

  private async run<T>(work: (its: ReturnType<typeof allActivities>) => Promise<T>): Promise<T> {
    const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
    environment.on('heartbeat', (details: unknown) => this.told.push(details));
    return environment.run(() => work(allActivities(this.clients)));
  }
}

const names = (tables: number) => Array.from({ length: tables }, (_, n) => `t${String(n).padStart(4, '0')}`);
/** Every table of such a world, in order. */
export const planned = (tables: number) => [...sampleTables, ...names(tables)].sort();
