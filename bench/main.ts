import { customerVSchema, loadSampleData } from '../lab/data.js';
import { startLab, stopOnSignals, type Lab } from '../lab/lab.js';
import { migrateByPeer } from './peer.js';
import { measureProof } from './proof.js';
import { emptyTarget } from './reset.js';
import { Ours } from './ours.js';
import { soak } from './soak.js';

const usage = `usage: npm run bench [-- --rows N] [--runs N] [--keyspace commerce|customer]
       npm run bench -- --proof [--sizes 1000000,5000000] [--rates 0,100,1000]
       npm run bench -- --soak [--minutes 60]

Measures the whole lifecycle, from create to the tables being served, once by vtmigrate and once
by a script of vtctldclient commands, in turns on the same clusters. With --proof: the checksums
beside VDiff on tables of some sizes, what they cost a writer, and how long a fence stands with
some writes a second. With --soak: migrations in a loop, completed and cancelled, while workers
and servers are killed, with the memory and the connections of a worker that lives.`;

function option(name: string, otherwise: string): string {
  const index = process.argv.indexOf(`--${name}`);
  return index < 0 ? otherwise : (process.argv[index + 1] ?? otherwise);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

const seconds = (ms: number) => (ms / 1000).toFixed(2);

/** One of each, alternating which goes first, so that neither always finds the warmer cache. */
async function compare(lab: Lab, ours: Ours, keyspace: string, runs: number): Promise<void> {
  const times = { vtmigrate: [] as number[], vtctldclient: [] as number[] };
  const contestants: [keyof typeof times, () => Promise<void>][] = [
    ['vtmigrate', () => ours.migrate(keyspace)],
    ['vtctldclient', () => migrateByPeer(lab, keyspace)],
  ];
  for (let round = 0; round < runs; round++) {
    for (const [name, migrate] of round % 2 === 0 ? contestants : [...contestants].reverse()) {
      const began = performance.now();
      await migrate();
      times[name].push(performance.now() - began);
      console.log(`round ${round + 1}: ${name.padEnd(12)} ${seconds(times[name].at(-1) ?? 0)} s`);
      await emptyTarget(lab, keyspace);
    }
  }
  const [mine, theirs] = [median(times.vtmigrate), median(times.vtctldclient)];
  console.log(
    `\nmedians: vtmigrate ${seconds(mine)} s, vtctldclient ${seconds(theirs)} s, ratio ${(mine / theirs).toFixed(3)}`,
  );
}

async function main(): Promise<void> {
  if (process.argv.includes('--help')) {
    console.log(usage);
    return;
  }
  const rows = Number(option('rows', '1000000'));
  const lab = await startLab({ vschemas: { customer: customerVSchema } });
  stopOnSignals(lab);
  try {
    if (process.argv.includes('--proof')) {
      const ours = await Ours.start(lab);
      const numbers = (name: string, otherwise: string) => option(name, otherwise).split(',').map(Number);
      await measureProof(lab, ours, numbers('sizes', '1000000,5000000'), numbers('rates', '0,100,1000'));
      await ours.stop();
      return;
    }
    if (process.argv.includes('--soak')) {
      await loadSampleData(lab.source, { rows: 20_000 });
      await soak(lab, Number(option('minutes', '60')));
      return;
    }
    await loadSampleData(lab.source, { rows });
    const ours = await Ours.start(lab);
    console.log(`worker: ready in ${seconds(ours.startMs)} s, ${ours.residentMiB()} MiB resident`);
    console.log(`${rows} rows into keyspace ${option('keyspace', 'commerce')}, from create to served`);
    await compare(lab, ours, option('keyspace', 'commerce'), Number(option('runs', '5')));
    console.log(`worker: ${ours.residentMiB()} MiB resident after the runs`);
    await ours.stop();
  } finally {
    await lab.stop();
  }
}

await main();
