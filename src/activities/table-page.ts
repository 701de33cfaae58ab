import { JournalStore } from '../effects/journal.js';
import { parseWorkflowIdentifier } from '../migration/input/identifier.js';
import { pageOf, type TablePage } from '../migration/lifecycle/table-page.js';
import { MigrationError } from '../migration/problem/errors.js';
import type { Clients } from '../vitess/clients.js';
import { Watch } from './step/look.js';

/** What a status does not list of a migration of very many tables. */
export function tablePageActivities(clients: Clients) {
  return {
    /**
     * The progress of some tables, read from the clusters. Changes nothing.
     * @param page from 1
     * @throws MIGRATION_NOT_FOUND when there is no record of such a migration, or not any more
     */
    async tablePage(target: string, page: number): Promise<TablePage> {
      const id = parseWorkflowIdentifier(target);
      const record = await new JournalStore(clients.target, id).readRecord();
      if (record !== undefined) return pageOf(await new Watch(clients, record.plan).look(), page);
      throw new MigrationError(
        'MIGRATION_NOT_FOUND',
        `there is no record of a migration ${target}`,
        clients.target.place({ keyspace: id.keyspace }),
        `it has ended, or Create has not begun: vtmigrate Workflow Show ${target}`,
      );
    },
  };
}
