import { readFileSync } from 'node:fs';
import type { TestProject } from 'vitest/node';
import { customerVSchema, loadSampleData } from '../../../lab/data.js';
import { asData, type LabData } from '../../../lab/describe.js';
import { startLab, stopOnSignals } from '../../../lab/lab.js';

declare module 'vitest' {
  export interface ProvidedContext {
    lab: LabData;
  }
}

/** Rows in the source: enough for several copy rounds, few enough to compare each one. */
const rows = 30_000;

/**
 * Starts the real servers once for all tests that need them. VTMIGRATE_LAB names the file of a
 * lab that runs already (`npm run lab -- --json FILE --sample ROWS`), for quick rounds by hand.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const running = process.env['VTMIGRATE_LAB'];
  if (running !== undefined) {
    project.provide('lab', JSON.parse(readFileSync(running, 'utf8')) as LabData);
    return () => Promise.resolve();
  }
  const lab = await startLab({ vschemas: { customer: customerVSchema } });
  stopOnSignals(lab);
  await loadSampleData(lab.source, { rows });
  project.provide('lab', asData(lab));
  return () => lab.stop();
}
