/**
 * Records the histories of test/replay/histories anew, from scripted activities on a real dev
 * server: `npx tsx test/support/record-histories.ts`. For changes before the first release only.
 * Afterwards a history is never recorded again, because it stands for the migrations that are
 * running somewhere: workflow code that does not replay it needs `patched`.
 *
 * Histories of real clusters lie there too, as real-*.json; they were exported by hand with
 * `temporal workflow show --workflow-id X --run-id R -o json`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { binaries } from '../../lab/install.js';
import { run } from '../../lab/run.js';
import { MigrationError } from '../../src/migration/errors.js';
import { copying, dirtyVDiff, failedVDiff, replicating, sampleGap } from './samples.js';
import { fails, returns, Script } from './scripted-activities.js';
import { Bench, devServer, type Migration } from './workflow-bench.js';

const mount = { topoType: 'etcd2', topoServer: 'localhost:12379', topoRoot: '/vitess/global' };
const denied = new MigrationError('DDL_REFUSED', 'the tablet refuses the table', { table: 'corder' }, 'look at the DDL');
const locked = new MigrationError('LOCKED', 'the keyspace is locked', { keyspace: 'commerce' }, 'wait');
const tooLate = new MigrationError('PAST_NO_RETURN', 'the streams are being deleted', {}, 'let Complete end');

type Scenario = (bench: Bench, workflowId: string) => Promise<Migration>;

const inPhase = (migration: Migration, phase: string) => migration.until((status) => status.phase === phase);

/** By the name of the file: what it shows. */
const scenarios: Record<string, Scenario> = {
  async completed(bench, id) {
    const migration = await bench.migrate(new Script().on('observe', returns(copying(0.1)), returns(copying(0.5))), { mount }, id);
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
  'failed-vdiff': (bench, id) => bench.migrate(new Script().on('vdiff', returns(failedVDiff()), fails(denied)), { complete: 'auto' }, id),
  async unproven(bench, id) {
    const script = new Script().on('prove', returns([sampleGap])).on('finish', returns([sampleGap]));
    script.always('observe', (_plan, _since, wait) => (wait.copyingSince === null ? new Promise((resolve) => setTimeout(resolve, 200, replicating())) : Promise.resolve(replicating())));
    return bench.migrate(script, { complete: 'auto' }, id);
  },
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
  'failed-create': (bench, id) => bench.migrate(new Script().on('create', fails(denied)).on('cancel', fails(locked)), {}, id),
  'failed-preflight': (bench, id) => bench.migrate(new Script().on('preflight', fails(locked), fails(locked), fails(locked)), {}, id),
  'failed-input': (bench, id) => bench.migrate(new Script(), { all: 'yes' }, id),
  planned: (bench, id) => bench.migrate(new Script(), { dryRun: true }, id),
  async updates(bench, id) {
    const migration = await bench.migrate(new Script().on('vdiff', returns(dirtyVDiff())).on('prove', returns([sampleGap])), {}, id);
    await inPhase(migration, 'replicating');
    await migration.update('complete', { dryRun: true });
    await migration.update('complete');
    await migration.refusal('complete', { nonsense: true });
    await migration.update('vdiff');
    return migration;
  },
};

/** What tells about the machine and not about the workflow. */
const scrubbed = new Set(['identity', 'stackTrace', 'buildId']);

async function record(bench: Bench, name: string, scenario: Scenario): Promise<void> {
  const migration = await scenario(bench, `commerce.${name}`);
  await migration.handle.result().catch(() => undefined);
  const shown = await run(binaries().temporal, ['workflow', 'show', '--workflow-id', migration.handle.workflowId, '-o', 'json', '--address', bench.env.address]);
  const history = JSON.parse(shown.stdout, (key, value: unknown) => (scrubbed.has(key) ? '' : value)) as { events: unknown[] };
  writeFileSync(fileURLToPath(new URL(`../replay/histories/${name}.json`, import.meta.url)), `${JSON.stringify(history, null, 1)}\n`);
  console.log(`${name}: ${history.events.length} events`);
}

async function main(): Promise<void> {
  mkdirSync(new URL('../replay/histories/', import.meta.url), { recursive: true });
  const bench = await Bench.start({ environment: await devServer() });
  try {
    for (const [name, scenario] of Object.entries(scenarios)) await record(bench, name, scenario);
  } finally {
    await bench.stop();
  }
}

await main();
