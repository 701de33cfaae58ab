import { readFileSync } from 'node:fs';
import type { TestProject } from 'vitest/node';
import { customerVSchema, loadSampleData } from '../../../lab/data.js';
import { asData, type LabData } from '../../../lab/describe.js';
import { startLab, stopOnSignals, type Lab } from '../../../lab/lab.js';

declare module 'vitest' {
  export interface ProvidedContext {
    labs: LabData[];
  }
}

/** Rows in the source: enough for several copy rounds, few enough to compare each one. */
const rows = 30_000;

async function startSampleLab(): Promise<Lab> {
  const lab = await startLab({ vschemas: { customer: customerVSchema } });
  await loadSampleData(lab.source, { rows });
  return lab;
}

/**
 * Starts the real servers once for all tests that need them: a lab for each file that runs at the same time (see
 * `takeLab`). VTMIGRATE_LAB names the file of a lab that runs already (`npm run lab -- --json FILE --sample ROWS`),
 * for quick rounds by hand.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const running = process.env['VTMIGRATE_LAB'];
  if (running !== undefined) {
    project.provide('labs', [JSON.parse(readFileSync(running, 'utf8')) as LabData]);
    return () => Promise.resolve();
  }
  const { maxWorkers } = project.config;
  const starting = Array.from({ length: typeof maxWorkers === 'number' ? maxWorkers : 1 }, startSampleLab);
  const stop = async (): Promise<void> => {
    const labs = await Promise.allSettled(starting);
    await Promise.all(labs.flatMap((lab) => (lab.status === 'fulfilled' ? [lab.value.stop()] : [])));
  };
  stopOnSignals({ stop });
  try {
    project.provide('labs', (await Promise.all(starting)).map(asData));
    return stop;
  } catch (error) {
    await stop();
    throw error;
  }
}
