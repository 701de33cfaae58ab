import { refusePastNoReturn, type MigrationRecord } from '../effects/journal.js';
import { refuseWithoutTablet } from '../effects/vdiffs.js';
import type { OptionsRequest } from '../migration/input/input.js';
import { settingsOf, type MigrationSettings } from '../migration/adopt/adoption.js';
import { targetPlace } from '../migration/plan/plan.js';
import { changesStreams, withOptions } from '../migration/plan/reading.js';
import type { MigrationRef } from '../migration/plan/reference.js';
import { MigrationError } from '../migration/problem/errors.js';
import type { Clients } from '../vitess/clients.js';
import { withTabletCells, writeRecord } from './step/reading.js';
import { lockedStep, type Step } from './step/step.js';

/** Options of a running migration are changed, as `vtctldclient Workflow update` changes those of its streams. */
export function updateOptionsActivities(clients: Clients) {
  return {
    /**
     * Changes the record, and the streams where they are concerned.
     * @throws CELL_NOT_FOUND, NO_SOURCE_TABLET, NO_VDIFF_TABLET, PAST_NO_RETURN, LOCKED
     */
    async updateOptions(ref: MigrationRef, request: OptionsRequest): Promise<MigrationSettings> {
      return lockedStep(clients, ref, 'vtmigrate update options', async (step) => {
        const record = await step.journals.requireRecord(ref.runId);
        refusePastNoReturn(await step.journals.require(ref.runId), targetPlace(record.plan));
        const changed = withOptions(record, request);
        if (request.cells !== undefined) await refuseUnknownCells(step, record, request.cells);
        if (request.vdiffTabletTypes !== undefined) await refuseWithoutTablet(clients, changed);
        await writeRecord(step, changesStreams(request) ? await withTabletCells(step, changed) : changed);
        return settingsOf(changed.input);
      });
    },
  };
}

async function refuseUnknownCells({ clients }: Step, { plan }: MigrationRecord, cells: string[]): Promise<void> {
  const topology = await clients.source(plan.source.mount);
  const known = await topology.cells();
  const unknown = cells.find((cell) => !known.includes(cell));
  if (unknown === undefined) return;
  throw new MigrationError(
    'CELL_NOT_FOUND',
    `cell ${unknown} does not exist`,
    topology.place(),
    `the cells of this cluster are ${known.join(', ')}; nothing has been changed`,
  );
}
