/**
 * Records the histories that test/replay/histories does not have yet, from scripted activities on a
 * real dev server: `npx tsx test/support/workflow/record-histories.ts`. Until 0.1.0 a history that no
 * longer replays may be deleted and recorded anew. From 0.2.0 on a stored history is never changed or
 * deleted: it stands for migrations that are running somewhere, and workflow code that does not replay
 * it needs `patched`. A new shape of the workflow gets a scenario of a new name.
 *
 * Histories of real clusters are called real-*.json; they are exported by hand with
 * `temporal workflow show --workflow-id X --run-id R -o json`.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { binaries } from '../../../lab/install.js';
import { run } from '../../../lab/run.js';
import { MigrationError } from '../../../src/migration/problem/errors.js';
import { copying, dirtyVDiff, failedVDiff, replicating, sampleAdoption, sampleGap, sampleProblem } from './samples.js';
import { fails, returns, Script, untilCancelled } from './scripted-activities.js';
import { Bench, devServer, suggestingContinueAsNewAfter, type Migration } from './workflow-bench.js';

const mount = { topoType: 'etcd2', topoServer: 'localhost:12379', topoRoot: '/vitess/global' };
const denied = new MigrationError(
  'DDL_REFUSED',
  'the tablet refuses the table',
  { table: 'corder' },
  'look at the DDL',
);
const locked = new MigrationError('LOCKED', 'the keyspace is locked', { keyspace: 'commerce' }, 'wait');
const tooLate = new MigrationError('PAST_NO_RETURN', 'the streams are being deleted', {}, 'let Complete end');

const unknownTable = new MigrationError('TABLE_NOT_FOUND', 'nope is not in the migration', {}, 'see its tables');

const unknownCell = new MigrationError('CELL_NOT_FOUND', 'cell nope does not exist', {}, 'the cells are ext');
const unreadable = new MigrationError('VTGATE_UNREACHABLE', 'vtgate does not answer', {}, 'start it');

type Scenario = (bench: Bench, workflowId: string) => Promise<Migration>;

const inPhase = (migration: Migration, phase: string) => migration.until((status) => status.phase === phase);

/** Watching after the copy ends by itself, so that what waits for it is tried again. */
function watchingAWhile(script: Script): Script {
  return script.always('observe', (_ref, _since, wait) =>
    wait.copyingSince === null
      ? new Promise((resolve) => setTimeout(resolve, 200, replicating()))
      : Promise.resolve(replicating()),
  );
}

function adopt(bench: Bench, id: string, script: Script, how: 'complete' | 'cancel'): Promise<Migration> {
  return bench.migrate(script, { all: undefined, adopt: how }, id);
}

/** Watching that ends again and again once the copy has finished. */
function busyAfterCopy(): Script {
  return new Script().always('observe', (_ref, _since, wait) =>
    wait.copyingSince === null
      ? new Promise((resolve) => setTimeout(resolve, 50, replicating()))
      : Promise.resolve(replicating()),
  );
}

async function secondRun(bench: Bench, id: string, count = 2): Promise<void> {
  while ((await bench.historiesOf(id)).length < count) await new Promise((resolve) => setTimeout(resolve, 50));
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
      watchingAWhile(
        new Script().on('prove', returns([sampleGap])).on('finish', returns({ gaps: [sampleGap], cutover: null })),
      ),
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
  async 'table-left'(bench, id) {
    const script = new Script();
    script.hold('vdiff');
    const migration = await bench.migrate(script, {}, id);
    await inPhase(migration, 'verifying');
    await migration.update('leave', { tables: ['corder'] });
    await inPhase(migration, 'replicating');
    script.on('mayLeave', fails(unknownTable));
    await migration.handle.signal('leave', { tables: ['nope'] });
    await migration.until((status) => status.lastError !== null);
    await migration.handle.signal('complete', { leaveTables: ['corder'] });
    return migration;
  },
  async 'options-updated'(bench, id) {
    const script = new Script();
    script.hold('vdiff');
    const migration = await bench.migrate(script, {}, id);
    await inPhase(migration, 'verifying');
    await migration.update('updateOptions', { vdiffTabletTypes: ['PRIMARY'] });
    await inPhase(migration, 'replicating');
    script.on('updateOptions', fails(unknownCell));
    await migration.handle.signal('updateOptions', { cells: ['nope'] });
    await migration.until((status) => status.refusal !== null);
    await migration.handle.signal('complete');
    return migration;
  },
  async 'stream-restarted'(bench, id) {
    const ended = { ...sampleProblem, healer: 'program' as const };
    const script = new Script().on('observe', returns({ ...copying(0.5), problems: [ended] }));
    return bench.migrate(script, { complete: 'auto' }, id);
  },
  async 'trial-skipped'(bench, id) {
    const script = new Script().always('serve', (_ref, _keep, tries = true) =>
      tries ? Promise.reject(unreadable) : Promise.resolve([]),
    );
    const migration = await bench.migrate(script, { complete: 'auto' }, id);
    await migration.until((status) => status.serving && status.lastError !== null);
    await migration.update('retry');
    await migration.until(() => script.count('serve') === 2);
    await migration.handle.signal('skip');
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
  'adopted-to-complete': (bench, id) => adopt(bench, id, new Script(), 'complete'),
  'adopted-to-cancel': (bench, id) => adopt(bench, id, new Script(), 'cancel'),
  'adopted-cut-off-create': (bench, id) =>
    adopt(bench, id, new Script().on('adopt', returns(sampleAdoption({ next: 'create' }))), 'complete'),
  'adopted-past-no-return': (bench, id) =>
    adopt(bench, id, new Script().on('adopt', returns(sampleAdoption({ next: 'forward' }))), 'complete'),
  async 'continued-copying'(bench, id) {
    let looks = 0;
    // Enough looks for the server to suggest to continue as new: see `continueAfter`.
    const script = new Script().always('observe', (_ref, _since, wait) => {
      if (wait.copyingSince === null) return untilCancelled();
      return Promise.resolve(looks++ < 20 ? copying((looks % 10) / 10) : replicating());
    });
    return bench.migrate(script, { complete: 'auto' }, id);
  },
  async 'continued-replicating'(bench, id) {
    const migration = await bench.migrate(busyAfterCopy(), {}, id);
    await secondRun(bench, id);
    await migration.handle.signal('complete');
    return migration;
  },
  async 'continued-paused'(bench, id) {
    const migration = await bench.migrate(busyAfterCopy(), {}, id);
    await inPhase(migration, 'replicating');
    await migration.handle.signal('pause');
    await inPhase(migration, 'paused');
    const before = (await bench.historiesOf(id)).length;
    await secondRun(bench, id, before + 1);
    await migration.handle.signal('resume');
    await migration.handle.signal('cancel');
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

/** test/replay/replay.test.ts compares, so that no history is changed or deleted by mistake. */
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

/** Events after which the scenarios that continue as new do so. */
const continueAfter = 50;

/** What describes the machine and not the workflow. */
const scrubbed = new Set(['identity', 'stackTrace', 'buildId']);

async function record(bench: Bench, name: string, scenario: Scenario): Promise<void> {
  const migration = await scenario(bench, `commerce.${name}`);
  await migration.handle.result().catch(() => undefined);
  const { workflowId } = migration.handle;
  const runs = await bench.runIdsOf(workflowId);
  for (const [i, runId] of runs.reverse().entries()) {
    const command = ['workflow', 'show', '--workflow-id', workflowId, '--run-id', runId, '-o', 'json'];
    const shown = await run(binaries().temporal, [...command, '--address', bench.env.address]);
    const history = JSON.parse(shown.stdout, (key, value: unknown) => (scrubbed.has(key) ? '' : value)) as {
      events: unknown[];
    };
    const file = runs.length === 1 ? name : `${name}-${i + 1}`;
    writeFileSync(fileOf(file), `${JSON.stringify(history, null, 1)}\n`);
    console.log(`${file}: ${history.events.length} events`);
    // The later runs are of the same shape.
    if (i === 2) break;
  }
}

async function main(): Promise<void> {
  mkdirSync(new URL('../../replay/histories/', import.meta.url), { recursive: true });
  const missing = Object.keys(scenarios).filter(
    (name) => !existsSync(fileOf(name)) && !existsSync(fileOf(`${name}-1`)),
  );
  const continuing = (name: string) => name.startsWith('continued-');
  await recordAll(missing.filter((name) => !continuing(name)));
  await recordAll(missing.filter(continuing), continueAfter);
  writeManifest();
}

async function recordAll(names: string[], suggestContinueAfter?: number): Promise<void> {
  if (names.length === 0) return;
  const bench = await Bench.start({
    environment: await devServer(...suggestingContinueAsNewAfter(suggestContinueAfter)),
  });
  try {
    for (const name of names) {
      const scenario = scenarios[name];
      if (scenario !== undefined) await record(bench, name, scenario);
    }
  } finally {
    await bench.stop();
  }
}

await main();
