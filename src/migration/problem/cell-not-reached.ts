import type { Place, Problem } from './errors.js';

/** The warning of a cell from whose serving VSchema tables could not be taken out. */
export function tablesStillKnown(why: string, place: Place & { cell: string }): Problem {
  return cellNotReached('the vtgates of the cell may still know tables that are no longer there', why, place);
}

/**
 * The warning of a cell that keeps the serving VSchema that it has.
 * @param what is wrong there until it is made anew
 */
export function cellNotReached(what: string, why: string, place: Place & { cell: string }): Problem {
  return {
    code: 'CELL_NOT_REACHED',
    message: `${what}: ${why}`,
    place,
    remedy: `when it is back: vtctldclient RebuildVSchemaGraph --cells ${place.cell}`,
  };
}
