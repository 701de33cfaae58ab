import type { SourceInspection } from '../../../effects/source/inspection.js';
import type { SourceTablet } from '../../../migration/plan/facts.js';
import type { DoubtfulColumn, VindexValueFacts } from '../../../migration/preflight/facts.js';
import { doubtfulColumns } from '../../../migration/preflight/vindex-values.js';
import { MigrationError } from '../../../migration/problem/errors.js';
import { optionalFact } from '../fact.js';
import { healthy } from '../tablets.js';

/** Looks for rows that no stream can place, on a replica of each source shard where there is one. */
export const vindexValues = optionalFact({
  name: 'vindexValues',
  what: 'the values of the columns of vindexes',
  needs: ['mount', 'sourceShards', 'sourceTablets', 'candidates', 'sourceDetails', 'targetVSchema'],
  read: async (sides, facts) => {
    const source = sides.source(facts.mount);
    const tablets = healthy(source, facts).sort((a, b) => rank(a.tablet) - rank(b.tablet));
    const asked = facts.sourceShards.flatMap(({ name: shard }) =>
      doubtfulColumns(facts).map((column) => ({ ...column, shard })),
    );
    return sides.each(
      asked,
      ({ shard, table }) => source.place({ shard, table }),
      async ({ shard, ...column }): Promise<VindexValueFacts> => {
        const reader = tablets.find(({ tablet }) => tablet.shard === shard);
        const place = source.place({ shard, table: column.table });
        if (reader === undefined) return { ...column, place, found: undefined };
        return { ...column, place, found: await look(source, reader.tablet, column) };
      },
    );
  },
});

function rank({ type }: SourceTablet): number {
  return type === 'PRIMARY' ? 1 : 0;
}

/** @returns undefined when MySQL could not tell in time */
async function look(source: SourceInspection, tablet: SourceTablet, column: DoubtfulColumn) {
  try {
    return await source.holds(tablet, column.table, column.column, column.unmapped);
  } catch (error) {
    if (error instanceof MigrationError && error.code === 'TABLET_CALL_FAILED') return undefined;
    throw error;
  }
}
