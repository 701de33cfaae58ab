import { defineCheck } from '../check.js';
import { sourcePlace } from '../tables.js';

/** The cells of the input are cells of the source. */
export const cellExists = defineCheck({
  name: 'cell-exists',
  severity: 'error',
  codes: ['CELL_NOT_FOUND'],
  needs: ['request', 'plan', 'sourceCells'],
  judge: ({ request, plan, sourceCells }) =>
    (request.input.cells ?? [])
      .filter((cell) => !sourceCells.includes(cell))
      .map((cell) => ({
        message: `the source has no cell ${cell}`,
        place: sourcePlace(plan, { cell }),
        remedy: `its cells are ${sourceCells.join(', ')}; cells are those of the source, not of the target`,
        code: 'CELL_NOT_FOUND',
      })),
});
