import { rename, rm, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { customerVSchema, loadSampleData } from './data.js';
import { asData, asText } from './describe.js';
import { startLab, stopOnSignals, type Lab } from './lab.js';

const USAGE = `Usage: tsx lab/main.ts [--json FILE] [--sample ROWS]

Starts two Vitess clusters and a Temporal dev server, and stops them on Ctrl-C.
  --json FILE     write the addresses to FILE once everything is ready
  --sample ROWS   fill keyspace load with about ROWS rows, and give keyspace customer a VSchema`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { json: { type: 'string' }, sample: { type: 'string' }, help: { type: 'boolean' } },
  });
  if (values.help === true) {
    console.log(USAGE);
    return;
  }
  const rows = values.sample === undefined ? 0 : Number(values.sample);
  if (!Number.isInteger(rows) || rows < 0)
    throw new Error(`--sample takes a number of rows, not ${String(values.sample)}.`);
  const began = Date.now();
  const lab = await startLab(rows > 0 ? { vschemas: { customer: customerVSchema } } : {});
  const { json } = values;
  stopOnSignals({ stop: () => stop(lab, json) });
  try {
    if (rows > 0) await loadSampleData(lab.source, { rows });
    if (json !== undefined) await writeWhole(json, JSON.stringify(asData(lab), null, 2));
  } catch (error) {
    await stop(lab, json);
    throw error;
  }
  console.log(`Ready after ${((Date.now() - began) / 1000).toFixed(1)} s. Ctrl-C stops it.\n\n${asText(lab)}`);
}

async function stop(lab: Lab, json: string | undefined): Promise<void> {
  console.log('stopping…');
  // First, so that nobody takes a lab for running that is not.
  if (json !== undefined) await rm(json, { force: true });
  await lab.stop();
}

/** Whoever waits for the file must not read half of it. */
async function writeWhole(path: string, text: string): Promise<void> {
  await writeFile(`${path}.tmp`, `${text}\n`);
  await rename(`${path}.tmp`, path);
}

await main();
