import type { Place, Problem } from './errors.js';

/** The warnings of cells from whose serving VSchema tables could not be taken out. */
export function tablesStillKnown(away: readonly Away[], place: Place): Problem[] {
  return cellsNotReached('the vtgates of the cell may still know tables that are no longer there', away, place);
}

/** A cell, and why its topology server could not be reached. */
interface Away {
  cell: string;
  why: string;
}

/**
 * The warnings of cells that keep the serving VSchema that they have.
 * @param what is wrong there until it is made anew
 */
export function cellsNotReached(what: string, away: readonly Away[], place: Place): Problem[] {
  return away.map(({ cell, why }) => ({
    code: 'CELL_NOT_REACHED',
    message: `${what}: ${why}`,
    place: { ...place, cell },
    remedy: `when it is back: vtctldclient RebuildVSchemaGraph --cells ${cell}`,
  }));
}
