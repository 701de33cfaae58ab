import type { RowReader } from '../../effects/row-reader.js';
import { agreeOnTable, type ChecksumTable } from '../../migration/checksum/columns.js';
import type { ProofState } from '../../migration/checksum/report.js';
import { TableProof } from '../../migration/checksum/table-proof.js';
import { tableNames, type Plan } from '../../migration/plan/plan.js';

/** Rows that are read at once at first. */
const firstRows = 20_000;
/** Keys that are looked at at once. */
export const mostKeysAtOnce = 1_000;

/** A table that is being compared. */
export interface TrackedTable {
  table: ChecksumTable;
  proof: TableProof;
  /** Rows that are read at once: they follow the time that it takes. */
  rowsAtOnce: number;
  /** Keys that are looked at at once. */
  keysAtOnce: number;
  /** A suspect cannot be split any more. */
  stuck: boolean;
  /** Milliseconds since 1970: when its differences were last looked at. */
  differencesAt: number;
}

/** The tables of a plan, as far as they can be compared. */
export interface TrackedTables {
  tracked: Map<string, TrackedTable>;
  unprovable: { table: string; reason: string }[];
}

/** How the tables of a plan are compared, with what is known of them from before. */
export async function trackTables(
  plan: Plan,
  source: RowReader,
  target: RowReader,
  known: ProofState['tables'],
): Promise<TrackedTables> {
  const names = tableNames(plan);
  const rounded = new Set(plan.tables.flatMap((table) => (table.rounded === true ? [table.name] : [])));
  const [sources, targets] = await Promise.all([source.tableDetails(names), target.tableDetails(names)]);
  const tracked: TrackedTables = { tracked: new Map(), unprovable: [] };
  for (const name of names) {
    const found = [...sources, ...targets].map((tables) => tables.find((table) => table.name === name));
    const [first, ...others] = found.filter((table) => table !== undefined);
    const agreed =
      first === undefined || found.includes(undefined)
        ? 'the table is not there on both sides'
        : agreeOnTable(first, others, { rounded: rounded.has(name), zone: plan.stream.sourceTimeZone });
    if (typeof agreed === 'string') tracked.unprovable.push({ table: name, reason: agreed });
    else
      tracked.tracked.set(name, {
        table: agreed,
        proof: new TableProof(known[name]),
        rowsAtOnce: firstRows,
        keysAtOnce: mostKeysAtOnce,
        stuck: false,
        differencesAt: 0,
      });
  }
  return tracked;
}
