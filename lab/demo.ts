import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { customerVSchema, loadSampleData } from './data.js';
import { environment } from './describe.js';
import { startLab, stopOnSignals, type Lab } from './lab.js';
import { startWorker, type RunningWorker } from './worker.js';

const ROWS = 300_000;
const cli = fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url));
const times: [string, number][] = [];

const bold = (text: string) => (process.stdout.isTTY ? `\x1b[1m${text}\x1b[0m` : text);

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const result = await work();
  times.push([what, performance.now() - began]);
  return result;
}

/** Types a line as a person would, and shows it and what it prints. */
function type(lab: Lab, line: string): Promise<void> {
  console.log(`\n${bold(`$ vtmigrate ${line}`)}`);
  return timed(
    line,
    () =>
      new Promise((resolve, reject) => {
        const child = spawn(process.execPath, [cli, ...line.split(' ')], {
          env: { ...process.env, ...environment(lab) },
          stdio: 'inherit',
        });
        child.once('error', reject);
        child.once('exit', (code) => {
          if (code === 0) resolve();
          else reject(new Error(`"vtmigrate ${line}" ended with ${code ?? 'a signal'}`));
        });
      }),
  );
}

/** A few rows and the counts, as an application gets them from the target's vtgate. */
async function readThroughVtgate(lab: Lab, keyspace: string): Promise<void> {
  const connection = await createConnection({
    host: lab.target.vtgate?.host ?? '',
    port: lab.target.vtgate?.port ?? 0,
    user: 'demo',
  });
  console.log(`\n${bold(`mysql> through vtgate, keyspace ${keyspace}`)}`);
  const tables = Object.keys(customerVSchema.tables);
  const counts: Record<string, unknown> = {};
  for (const table of tables) {
    const [rows] = await connection.query<RowDataPacket[]>(`select count(*) as n from ${keyspace}.\`${table}\``);
    counts[table] = rows[0]?.['n'];
  }
  console.table(counts);
  const [rows] = await connection.query<RowDataPacket[]>(
    `select c.id, c.name, o.id as order_id, o.sku, o.qty from ${keyspace}.customer c ` +
      `join ${keyspace}.corder o on o.customer_id = c.id where c.id in (1, 2, 3) order by c.id, o.id limit 5`,
  );
  console.table(rows);
  await connection.end();
}

async function show(lab: Lab): Promise<void> {
  const mount = `-topo_server ${lab.source.topoServer} -topo_root ${lab.source.topoRoot}`;
  await type(lab, `Mount -type vitess -topo_type etcd2 ${mount} ext1`);
  console.log(bold('\n— an unsharded target, in the words of the document —'));
  await type(lab, 'Migrate -all -source ext1.load Create commerce.wf');
  await type(lab, 'Workflow Show commerce.wf');
  await type(lab, 'VDiff commerce.wf');
  await type(lab, 'Migrate Complete commerce.wf');
  await readThroughVtgate(lab, 'commerce');
  console.log(bold('\n— a sharded target, two shards, in the modern spelling —'));
  await type(
    lab,
    'Migrate --workflow wf --target-keyspace customer create --source-keyspace load --mount-name ext1 --all-tables',
  );
  await type(lab, 'Workflow --keyspace customer show --workflow wf');
  await type(lab, 'VDiff --workflow wf --target-keyspace customer create');
  await type(lab, 'Migrate --workflow wf --target-keyspace customer complete');
  await readThroughVtgate(lab, 'customer');
}

async function main(): Promise<void> {
  console.log(
    'Starting two Vitess clusters and Temporal. What is missing is installed first; that takes some minutes, once.',
  );
  const lab = await timed('start both clusters and Temporal', () =>
    startLab({ vschemas: { customer: customerVSchema } }),
  );
  stopOnSignals(lab);
  let worker: RunningWorker | undefined;
  try {
    await timed(`fill the source with ${ROWS.toLocaleString('en')} rows`, () =>
      loadSampleData(lab.source, { rows: ROWS }),
    );
    worker = await timed('start the worker', () => startWorker(environment(lab)));
    console.log(`\nTemporal UI, while this runs: ${bold(lab.temporal.uiUrl)}`);
    await show(lab);
    console.log(bold('\nHow long each step took'));
    for (const [what, ms] of times) console.log(`${(ms / 1000).toFixed(1).padStart(7)} s  ${what}`);
  } finally {
    await worker?.kill();
    await lab.stop();
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
