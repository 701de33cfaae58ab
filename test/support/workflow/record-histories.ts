/**
 * Records histories that test/replay/histories does not have yet, from scripted activities on a real
 * dev server: `npx tsx test/support/record-histories.ts`. A history that is there is never recorded
 * again, because it stands for the migrations that are running somewhere: workflow code that does
 * not replay it needs `patched`. A new shape of the workflow gets a scenario of a new name.
 *
 * Histories of real clusters lie there too, as real-*.json; they were exported by hand with
 * `temporal workflow show --workflow-id X --run-id R -o json`.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { binaries } from '../../../lab/install.js';
import { run } from '../../../lab/run.js';
import { MigrationError } from '../../../src/migration/problem/errors.js';
import { copying, dirtyVDiff, failedVDiff, replicating, sampleGap, sampleProblem } from './samples.js';
import { fails, returns, Script } from './scripted-activities.js';
import { Bench, devServer, type Migration } from './workflow-bench.js';

const mount = { topoType: 'etcd2', topoServer: 'localhost:12379', topoRoot: '/vitess/global' };
const denied = new MigrationError(
  'DDL_REFUSED',
  'the tablet refuses the table',
  { table: 'corder' },
  'look at the DDL',
);
const locked = new MigrationError('LOCKED', 'the keyspace is locked', { keyspace: 'commerce' }, 'wait');
const tooLate = new MigrationError('PAST_NO_RETURN', 'the streams are being deleted', {}, 'let Complete end');

type Scenario = (bench: Bench, workflowId: string) => Promise<Migration>;

const inPhase = (migration: Migration, phase: string) => migration.until((status) => status.phase === phase);

/** Watching after the copy ends by itself, so that what waits for it is tried again. */
function watchingAWhile(script: Script): Script {
  return script.always('observe', (_plan, _since, wait) =>
    wait.copyingSince === null
      ? new Promise((resolve) => setTimeout(resolve, 200, replicating()))
      : Promise.resolve(replicating()),
  );
}

/** By the name of the file: what it shows. */
const scenarios: Record<string, Scenario> = {
  async completed(bench, id) {
    const migration = await bench.migrate(
      new Script().on('observe', returns(copying(0.1)), returns(copying(0.5))),
      { mount },
      id,
    );
    await inPhase(migration, 'replicating');
    await migration.handle.signal('complete');
    return migration;
  },
  'completed-by-itself': (bench, id) => bench.migrate(new Script(), { complete: 'auto' }, id),
  async 'completed-by-force'(bench, id) {
    const migration = await bench.migrate(new Script().on('vdiff', returns(dirtyVDiff())), { complete: 'auto' }, id);
    await inPhase(migration, 'replicating');
    await migration.handle.signal('complete', { force: true });
    return migration;
  },
  async 'dirty-vdiff'(bench, id) {
    const migration = await bench.migrate(new Script().on('vdiff', returns(dirtyVDiff())), { complete: 'auto' }, id);
    await inPhase(migration, 'replicating');
    await migration.handle.signal('vdiff');
    return migration;
  },
  'failed-vdiff': (bench, id) =>
    bench.migrate(new Script().on('vdiff', returns(failedVDiff()), fails(denied)), { complete: 'auto' }, id),
  unproven: (bench, id) =>
    bench.migrate(
      watchingAWhile(new Script().on('prove', returns([sampleGap])).on('finish', returns([sampleGap]))),
      { complete: 'auto' },
      id,
    ),
  async cancelled(bench, id) {
    const migration = await bench.migrate(new Script(), {}, id);
    await inPhase(migration, 'replicating');
    await migration.handle.signal('cancel');
    return migration;
  },
  async 'cancelled-while-creating'(bench, id) {
    const script = new Script();
    const hold = script.hold('create');
    const migration = await bench.migrate(script, {}, id);
    await hold.reached;
    await migration.update('cancel');
    return migration;
  },
  async 'cancelled-by-temporal'(bench, id) {
    const script = new Script();
    const hold = script.hold('observe');
    const migration = await bench.migrate(script, {}, id);
    await hold.reached;
    await migration.handle.cancel();
    return migration;
  },
  async 'cancelled-too-late'(bench, id) {
    const script = new Script().on('cancel', fails(tooLate));
    const hold = script.hold('finish', { deaf: true });
    const migration = await bench.migrate(script, { complete: 'auto' }, id);
    await hold.reached;
    await migration.handle.signal('cancel');
    await migration.until((status) => status.requested.includes('cancel'));
    hold.release();
    return migration;
  },
  'failed-create': (bench, id) =>
    bench.migrate(new Script().on('create', fails(denied)).on('cancel', fails(locked)), {}, id),
  'failed-preflight': (bench, id) =>
    bench.migrate(new Script().on('preflight', fails(locked), fails(locked), fails(locked)), {}, id),
  'failed-input': (bench, id) => bench.migrate(new Script(), { all: 'yes' }, id),
  // The second shape: Complete watches the source, fences it, deals with its tables; pause and resume.
  'completed-watching-writes': (bench, id) => bench.migrate(new Script(), { complete: 'auto' }, id),
  'completed-fenced': (bench, id) =>
    bench.migrate(
      watchingAWhile(new Script().on('fence', returns([sampleGap]))),
      { complete: 'auto', fenceSource: true },
      id,
    ),
  'source-dropped': (bench, id) =>
    bench.migrate(new Script(), { complete: 'auto', sourceTables: 'drop', sourceTablesAfter: '1s' }, id),
  async 'source-kept-by-signal'(bench, id) {
    const migration = await bench.migrate(
      new Script(),
      { complete: 'auto', sourceTables: 'drop', sourceTablesAfter: '1h' },
      id,
    );
    await inPhase(migration, 'retiring');
    await migration.handle.signal('keepSource');
    return migration;
  },
  async 'paused-and-resumed'(bench, id) {
    const migration = await bench.migrate(new Script(), {}, id);
    await inPhase(migration, 'replicating');
    await migration.update('pause');
    await migration.update('resume');
    await migration.handle.signal('complete');
    return migration;
  },
  async 'paused-for-a-person'(bench, id) {
    const inTrouble = replicating({ problems: [{ ...sampleProblem, kind: 'duplicate-key' }] });
    const migration = await bench.migrate(
      new Script().on('observe', returns(replicating()), returns(inTrouble)),
      {},
      id,
    );
    await inPhase(migration, 'paused');
    await migration.handle.signal('resume');
    await migration.handle.signal('complete');
    return migration;
  },
  async 'stale-vdiff'(bench, id) {
    const migration = await bench.migrate(new Script(), { vdiffMaxAge: '1ms' }, id);
    await inPhase(migration, 'replicating');
    await new Promise((resolve) => setTimeout(resolve, 50));
    // Each VDiff is older than that when Complete looks; force takes the last one.
    await migration.handle.signal('complete');
    await migration.until(({ vdiff }) => vdiff !== null);
    await migration.handle.signal('complete', { force: true });
    return migration;
  },
  planned: (bench, id) => bench.migrate(new Script(), { dryRun: true }, id),
  async updates(bench, id) {
    const migration = await bench.migrate(
      new Script().on('vdiff', returns(dirtyVDiff())).on('prove', returns([sampleGap])),
      {},
      id,
    );
    await inPhase(migration, 'replicating');
    await migration.update('complete', { dryRun: true });
    await migration.update('complete');
    await migration.refusal('complete', { nonsense: true });
    await migration.update('vdiff');
    return migration;
  },
};

function fileOf(name: string): URL {
  return new URL(`../../replay/histories/${name}.json`, import.meta.url);
}

/** test/replay/replay.test.ts compares: nobody changes or takes away a history by mistake. */
function writeManifest(): void {
  const folder = new URL('../../replay/histories/', import.meta.url);
  const hashes = readdirSync(folder)
    .sort()
    .map((file) => [
      file,
      createHash('sha256')
        .update(readFileSync(new URL(file, folder)))
        .digest('hex'),
    ]);
  writeFileSync(
    new URL('../../replay/manifest.json', import.meta.url),
    `${JSON.stringify(Object.fromEntries(hashes), null, 1)}\n`,
  );
}

/** What tells about the machine and not about the workflow. */
const scrubbed = new Set(['identity', 'stackTrace', 'buildId']);

async function record(bench: Bench, name: string, scenario: Scenario): Promise<void> {
  const migration = await scenario(bench, `commerce.${name}`);
  await migration.handle.result().catch(() => undefined);
  const shown = await run(binaries().temporal, [
    'workflow',
    'show',
    '--workflow-id',
    migration.handle.workflowId,
    '-o',
    'json',
    '--address',
    bench.env.address,
  ]);
  const history = JSON.parse(shown.stdout, (key, value: unknown) => (scrubbed.has(key) ? '' : value)) as {
    events: unknown[];
  };
  writeFileSync(fileOf(name), `${JSON.stringify(history, null, 1)}\n`);
  console.log(`${name}: ${history.events.length} events`);
}

async function main(): Promise<void> {
  mkdirSync(new URL('../../replay/histories/', import.meta.url), { recursive: true });
  const bench = await Bench.start({ environment: await devServer() });
  try {
    for (const [name, scenario] of Object.entries(scenarios))
      if (!existsSync(fileOf(name))) await record(bench, name, scenario);
    writeManifest();
  } finally {
    await bench.stop();
  }
}

await main();
