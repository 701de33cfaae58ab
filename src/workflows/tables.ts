import { parseWith, tablesInputSchema } from '../migration/input/input.js';
import type { TablePage } from '../migration/lifecycle/table-page.js';
import { quick } from './activities.js';
import { toWorkflowFailure } from './failures.js';

/**
 * How far the tables of a migration are, page by page: the query `status` lists some of them only. Changes nothing, and
 * leaves nothing in the history of the migration.
 * @param rawInput see `tablesInputSchema`
 * @throws ApplicationFailure MIGRATION_NOT_FOUND when there is no record of such a migration
 */
export async function tables(rawInput: unknown): Promise<TablePage> {
  try {
    const { target, page } = parseWith(tablesInputSchema, rawInput ?? {}, 'the input of the workflow tables');
    return await quick.tablePage(target, page);
  } catch (error) {
    throw toWorkflowFailure(error);
  }
}
