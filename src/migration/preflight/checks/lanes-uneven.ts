import { lanesOf } from '../../plan/lanes.js';
import type { PlannedTable } from '../../plan/plan.js';
import { quoteName } from '../../sql/quote.js';
import { defineCheck } from '../check.js';
import { sourcePlace } from '../tables.js';
import { list } from '../words.js';

/** The part of all bytes from which on one lane takes almost as long as the whole copy without lanes. */
const most = 2 / 3;

/** Each of the lanes that were asked for has something to do. */
export const lanesUneven = defineCheck({
  name: 'lanes-uneven',
  severity: 'notice',
  needs: ['request', 'plan'],
  judge: ({ request, plan }) => {
    const lanes = lanesOf(plan);
    const asked = request.input.lanes ?? lanes.length;
    const place = sourcePlace(plan);
    const fewer = {
      message:
        `${asked} lanes were asked for, and ${lanes.length} are made: ` +
        (plan.tables.length === lanes.length ? 'there are no more tables' : 'foreign keys bind the tables'),
      place,
      remedy: 'no action needed',
    };
    const largest = lanes.find(({ tables }) => bytesOf(tables) > most * bytesOf(plan.tables));
    const names = largest?.tables.filter(({ bytes }) => bytes > 0).map(({ name }) => quoteName(name)) ?? [];
    const uneven = {
      message:
        `lane ${largest?.workflow ?? ''} has most of the bytes (${list(names)}): ` +
        'its streams copy them one after the other, however many lanes there are',
      place,
      remedy:
        'no action needed: the other lanes end early; the rows of one table are inserted side by side with ' +
        '-config_overrides vreplication-parallel-insert-workers=4',
    };
    return [...(asked > lanes.length ? [fewer] : []), ...(lanes.length > 1 && largest !== undefined ? [uneven] : [])];
  },
});

function bytesOf(tables: readonly PlannedTable[]): number {
  return tables.reduce((sum, { bytes }) => sum + bytes, 0);
}
