import { customerVSchema, loadSampleData } from '../lab/data.js';
import { startLab, stopOnSignals } from '../lab/lab.js';
import { migrateByPeer } from './peer.js';
import { measureMany } from './many.js';
import { measureProof } from './proof.js';
import { emptyTarget } from './reset.js';
import { loadShape, shardedVSchema } from './shape.js';
import { Ours } from './ours.js';
import { soak } from './soak.js';

const usage = `usage: npm run bench [-- --rows N] [--tables N] [--lanes 1,4] [--runs N] [--keyspace commerce|customer]
                     [--config-overrides vreplication-parallel-insert-workers=4]
       npm run bench -- --proof [--sizes 1000000,5000000] [--rates 0,100,1000]
       npm run bench -- --many 130 [--unstarted]
       npm run bench -- --soak [--minutes 60]

Measures the whole lifecycle, from create to the tables being served, once by vtmigrate and once
by a script of vtctldclient commands, in turns on the same clusters: with the sample, or with N
tables of equal size, and once for each number of lanes; at the end, the steps of the last
migration. With --proof: the checksums beside VDiff on tables of some sizes, what they cost a
writer, and how long a fence stands with some writes a second. With --many: so many migrations of
one table at once, on one worker; with --unstarted their streams are made and not started, for the
tablets need long to start so many. With --soak: migrations in a loop, completed and cancelled,
while workers and servers are killed, with the memory and the connections of a worker that lives.`;

function option(name: string, otherwise: string): string {
  const index = process.argv.indexOf(`--${name}`);
  return index < 0 ? otherwise : (process.argv[index + 1] ?? otherwise);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

const peer = 'vtctldclient';
const seconds = (ms: number) => (ms / 1000).toFixed(2);

interface Contestant {
  name: string;
  times: number[];
  migrate: () => Promise<void>;
}

/** One of each, in the other order every second time, so that none always finds the warmer cache. */
async function compare(
  contestants: readonly Contestant[],
  runs: number,
  afterwards: () => Promise<void>,
): Promise<void> {
  for (let round = 0; round < runs; round++) {
    for (const { name, times, migrate } of round % 2 === 0 ? contestants : contestants.toReversed()) {
      const began = performance.now();
      await migrate();
      times.push(performance.now() - began);
      console.log(`round ${round + 1}: ${name.padEnd(18)} ${seconds(times.at(-1) ?? 0)} s`);
      await afterwards();
    }
  }
  const theirs = median(contestants.find(({ name }) => name === peer)?.times ?? []);
  console.log(`\n${''.padEnd(18)} median (least to most), as a part of ${peer}'s`);
  for (const { name, times } of contestants) {
    const [least, most] = [Math.min(...times), Math.max(...times)].map(seconds);
    const ratio = (median(times) / theirs).toFixed(3);
    console.log(`${name.padEnd(18)} ${seconds(median(times))} s (${least} to ${most}), ${ratio}`);
  }
}

async function main(): Promise<void> {
  if (process.argv.includes('--help')) {
    console.log(usage);
    return;
  }
  const rows = Number(option('rows', '1000000'));
  const tables = Number(option('tables', '0'));
  const shape = tables === 0 ? undefined : { tables, rows };
  const sharded = shape === undefined ? customerVSchema : shardedVSchema(shape);
  const lab = await startLab({ vschemas: { customer: sharded } });
  stopOnSignals(lab);
  try {
    if (process.argv.includes('--proof')) {
      const ours = await Ours.start(lab);
      const numbers = (name: string, otherwise: string) => option(name, otherwise).split(',').map(Number);
      await measureProof(lab, ours, numbers('sizes', '1000000,5000000'), numbers('rates', '0,100,1000'));
      await ours.stop();
      return;
    }
    if (process.argv.includes('--many')) {
      const ours = await Ours.start(lab);
      await measureMany(lab, ours, Number(option('many', '130')), !process.argv.includes('--unstarted'));
      await ours.stop();
      return;
    }
    if (process.argv.includes('--soak')) {
      await loadSampleData(lab.source, { rows: 20_000 });
      await soak(lab, Number(option('minutes', '60')));
      return;
    }
    await (shape === undefined ? loadSampleData(lab.source, { rows }) : loadShape(lab.source, shape));
    const ours = await Ours.start(lab);
    console.log(`worker: ready in ${seconds(ours.startMs)} s, ${ours.residentMiB()} MiB resident`);
    const keyspace = option('keyspace', 'commerce');
    const what = shape === undefined ? 'the sample' : `${tables} tables`;
    console.log(`${rows} rows in ${what} into keyspace ${keyspace}, from create to served`);
    const overrides = option('config-overrides', '')
      .split(',')
      .filter((one) => one.includes('='));
    const configOverrides = Object.fromEntries(overrides.map((one) => one.split('=', 2) as [string, string]));
    const contestants = option('lanes', '1')
      .split(',')
      .map((lanes) => ({
        name: `vtmigrate, ${lanes} lane${lanes === '1' ? '' : 's'}`,
        times: [],
        migrate: () => ours.migrate(keyspace, { lanes: Number(lanes), configOverrides }),
      }));
    const theirs = { name: peer, times: [], migrate: () => migrateByPeer(lab, keyspace) };
    await compare([...contestants, theirs], Number(option('runs', '5')), () => emptyTarget(lab, keyspace, sharded));
    console.log(`\nsteps of the last run of vtmigrate\n${await ours.steps(keyspace)}`);
    console.log(`worker: ${ours.residentMiB()} MiB resident after the runs`);
    await ours.stop();
  } finally {
    await lab.stop();
  }
}

await main();
