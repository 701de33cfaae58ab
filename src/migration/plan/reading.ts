import { migrateInputSchema, type MigrateInput, type OptionsRequest } from '../input/input.js';
import { MigrationError, type Place } from '../problem/errors.js';
import type { Plan } from './plan.js';

/** Codes of the errors by which options may not be changed. Each is thrown before anything is touched. */
export const optionsRefusals: ReadonlySet<string> = new Set(['CELL_NOT_FOUND', 'NO_SOURCE_TABLET', 'NO_VDIFF_TABLET']);

/** What a migration is, as its record has it. */
interface Asked {
  input: MigrateInput;
  plan: Plan;
}

/** True when the request changes the streams themselves. */
export function changesStreams(request: OptionsRequest): boolean {
  const { cells, tabletTypes, tabletTypesInPreferenceOrder, onDdl, configOverrides } = request;
  const values = [cells, tabletTypes, tabletTypesInPreferenceOrder, onDdl, configOverrides];
  return values.some((value) => value !== undefined);
}

/** The same with other options. Where the streams look for tablets is another question: see `readingFrom`. */
export function withOptions({ input, plan }: Asked, request: OptionsRequest): Asked {
  const cellsOnly = request.cells === undefined ? {} : { allCells: false };
  const changed = migrateInputSchema.parse({ ...input, ...cellsOnly, ...request });
  const { tabletTypes, tabletTypesInPreferenceOrder, onDdl, configOverrides } = changed;
  return {
    input: changed,
    plan: changesStreams(request)
      ? { ...plan, stream: { ...plan.stream, tabletTypes, tabletTypesInPreferenceOrder, onDdl, configOverrides } }
      : plan,
  };
}

/**
 * The same, reading in cells that have tablets now: those that were asked for, or every one with a fitting tablet.
 * @param tabletCells by source shard, the cells in which it has a tablet of the types of the plan
 * @throws MigrationError NO_SOURCE_TABLET when a shard has none in these cells
 */
export function readingFrom({ input, plan }: Asked, tabletCells: Record<string, string[]>, place: Place): Asked {
  const cells = input.cells ?? [...new Set(Object.values(tabletCells).flat())].sort();
  const without = Object.entries(tabletCells).find(([, found]) => !found.some((cell) => cells.includes(cell)));
  if (without === undefined) return { input, plan: { ...plan, source: { ...plan.source, cells } } };
  const where = input.cells === undefined ? 'any cell' : `cell ${input.cells.join(', ')}`;
  throw new MigrationError(
    'NO_SOURCE_TABLET',
    `the shard has no tablet of type ${plan.stream.tabletTypes.join(', ')} in ${where}`,
    { ...place, shard: without[0] },
    'choose other tablet types or cells; nothing has been changed',
  );
}
