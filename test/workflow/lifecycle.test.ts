import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cutoverOf } from '../../src/migration/proof/cutover.js';
import { MigrationError } from '../../src/migration/problem/errors.js';
import type { Phase, Status } from '../../src/migration/lifecycle/status.js';
import { copying, samplePlan } from '../support/workflow/samples.js';
import { fails, Script, returns, type StepName } from '../support/workflow/scripted-activities.js';
import { inSkippedTime } from '../support/workflow/skipped-time.js';
import { Bench, refOf } from '../support/workflow/workflow-bench.js';

/** The whole way, step by step. */
const upToReplicating: StepName[] = ['preflight', 'create', 'observe', 'vdiff'];
const completion: StepName[] = ['prove', 'checksumNow', 'watchSource', 'publish', 'finish', 'serve'];

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.start();
});
afterAll(() => bench.stop());

describe('a migration in which nothing goes wrong', () => {
  it('completes by itself with complete: auto', async () => {
    const script = new Script();
    const migration = await bench.migrate(script, { complete: 'auto' });
    const result = await migration.result();
    expect(result).toMatchObject({
      outcome: 'completed',
      workflow: migration.handle.workflowId,
      source: 'ext1.load',
      tables: { count: 2, names: ['corder', 'customer'] },
      vdiff: { state: 'completed' },
    });
    expect(script.steps()).toEqual([...upToReplicating, ...completion]);
    expect(await migration.status()).toMatchObject({
      phase: 'completed',
      requested: [],
      waitingFor: [],
      missing: [],
      lastError: null,
      pastNoReturn: true,
    });
  });

  it('waits for complete otherwise, without a proof or a change', async () => {
    const script = new Script();
    const migration = await bench.migrate(script);
    const waiting = await migration.until((status) => status.phase === 'replicating');
    expect(waiting).toMatchObject({
      waitingFor: ['complete, or cancel'],
      requested: [],
      vdiff: { state: 'completed' },
      copiedPercent: 100,
      lagSeconds: 0,
      pastNoReturn: false,
    });
    expect(script.steps()).not.toContain('prove');
    await migration.handle.signal('complete');
    expect(await migration.result()).toMatchObject({ outcome: 'completed' });
    expect(script.steps()).toEqual([...upToReplicating, 'observe', ...completion]);
  });

  it('mounts first when the input says how', async () => {
    const mount = { topoType: 'etcd2', topoServer: 'localhost:12379', topoRoot: '/vitess/global' };
    const script = new Script();
    const migration = await bench.migrate(script, { complete: 'auto', mount });
    await migration.result();
    expect(script.steps()).toEqual(['mount', ...upToReplicating, ...completion]);
    expect(script.calls[0]?.args).toEqual(['ext1', mount]);
  });

  it('only plans with dryRun', async () => {
    const script = new Script();
    const migration = await bench.migrate(script, { dryRun: true, complete: 'auto' });
    expect(await migration.result()).toMatchObject({ outcome: 'planned', plan: samplePlan() });
    expect(script.steps()).toEqual(['preflight']);
    expect(await migration.status()).toMatchObject({ phase: 'planned', waitingFor: [] });
  });

  it('plans with dryRun and mount without mounting: preflight is given the configuration', async () => {
    const mount = { topoType: 'etcd2', topoServer: 'localhost:12379', topoRoot: '/vitess/global' };
    const script = new Script();
    const migration = await bench.migrate(script, { dryRun: true, mount });
    expect(await migration.result()).toMatchObject({ outcome: 'planned' });
    expect(script.steps()).toEqual(['preflight']);
    expect(script.calls[0]?.args[1]).toMatchObject({ dryRun: true, mount });
  });

  it('gives the steps a reference, and what was seen last', async () => {
    const script = new Script();
    script.on('observe', returns(copying(0.5)));
    const migration = await bench.migrate(script, { complete: 'auto' });
    await migration.result();
    const ref = refOf(migration);
    const argsOf = (name: StepName) => script.calls.filter((call) => call.name === name).map((call) => call.args);
    expect(argsOf('preflight')).toEqual([[ref, expect.objectContaining({ source: 'ext1.load', all: true })]]);
    expect(argsOf('create')).toEqual([[ref]]);
    expect(argsOf('finish')).toEqual([[ref, { fenced: false, initializeTargetSequences: false }]]);
    const [first, second] = argsOf('observe');
    expect(first?.[0]).toEqual(ref);
    expect(first?.[1]).toBe('');
    expect(second?.[1]).toMatch(/^[0-9a-f]{16}$/);
    expect(second?.[2]).toMatchObject({
      minSeconds: 0,
      copyingSince: (first?.[2] as { copyingSince: string }).copyingSince,
    });
  });

  it.each([
    ['what was said with Complete', { initializeTargetSequences: false }, { initializeTargetSequences: true }],
    ['what Create was given', { initializeTargetSequences: true }, {}],
  ])('tells prove and finish %s of sequences', async (_, input, payload) => {
    const script = new Script();
    const migration = await bench.migrate(script, { ...input, fenceSource: true });
    await migration.handle.signal('complete', payload);
    expect(await migration.result()).toMatchObject({ outcome: 'completed' });
    const optionsOf = (name: StepName) => script.calls.find((call) => call.name === name)?.args[1];
    expect(optionsOf('prove')).toEqual({ initializeTargetSequences: true, fenceSource: true });
    expect(optionsOf('finish')).toEqual({ fenced: true, initializeTargetSequences: true });
  });

  it('calls what is to be called inside the fence, between the last comparison and the point of no return', async () => {
    const cutover = cutoverOf({ '0': 1_000 }, 1_700);
    const script = new Script().on('finish', returns({ gaps: [], cutover }));
    const migration = await bench.migrate(script, { fenceSource: true, insideFence: 'switch-router' });
    await migration.handle.signal('complete', { fenceSource: true, insideFenceTimeout: '3s' });
    expect(await migration.result()).toMatchObject({ outcome: 'completed', cutover: { ...cutover, hookMs: 40 } });
    expect(script.steps().slice(-5)).toEqual(['fence', 'checksumNow', 'insideFence', 'finish', 'serve']);
    expect(script.calls.find(({ name }) => name === 'insideFence')?.args.slice(1)).toEqual(['switch-router', '3s']);
    expect(script.calls.find(({ name }) => name === 'prove')?.args[1]).toMatchObject({ insideFence: 'switch-router' });
  });

  it('calls nothing when Complete takes the fence away', async () => {
    const script = new Script();
    const migration = await bench.migrate(script, { fenceSource: true, insideFence: 'switch-router' });
    await migration.handle.signal('complete', { fenceSource: false });
    expect(await migration.result()).toMatchObject({ outcome: 'completed', cutover: null });
    expect(script.count('insideFence') + script.count('fence')).toBe(0);
  });

  it('goes on replicating when that fails, says why, and tries again', async () => {
    const failed = new MigrationError(
      'FENCE_HOOK_FAILED',
      'switch-router has failed (fenced): exit code 3',
      {},
      'mend',
    );
    const unheard = { ...failed.toProblem(), message: 'switch-router has failed (taken-back): exit code 3' };
    const script = new Script().on('insideFence', fails(failed));
    const takingDown = script.hold('unpublish', { then: returns([unheard]) });
    const input = { fenceSource: true, insideFence: 'switch-router', complete: 'auto' };
    const migration = await bench.migrate(script.always('observe', inSkippedTime(bench.env)), input);
    await takingDown.reached;
    const again = script.hold('prove');
    takingDown.release();
    await again.reached;
    const { missing, warnings } = await migration.status();
    expect(missing).toEqual([failed.toProblem()]);
    expect(warnings).toEqual([unheard]);
    again.release();
    expect(await migration.result()).toMatchObject({ outcome: 'completed', warnings: [] });
    expect([script.count('insideFence'), script.count('unpublish'), script.count('finish')]).toEqual([2, 1, 1]);
  });

  it('says in the status and the result for how long writes were refused', async () => {
    const cutover = cutoverOf({ '-80': 1_000, '80-': 1_020 }, 1_700);
    const script = new Script().on('finish', returns({ gaps: [], cutover }));
    const serving = script.hold('serve');
    const migration = await bench.migrate(script, { fenceSource: true, complete: 'auto' });
    await serving.reached;
    expect(await migration.status()).toMatchObject({ cutover: { refusedMs: 700 } });
    serving.release();
    expect(await migration.result()).toMatchObject({ outcome: 'completed', cutover });
  });
});

describe('the status', () => {
  /** Every field of the public contract: a missing one would vanish as `undefined` on its way. */
  const fields = [
    'copiedPercent',
    'createDone',
    'creating',
    'cutover',
    'findings',
    'lagSeconds',
    'lastError',
    'left',
    'missing',
    'needsPerson',
    'observedAt',
    'overridden',
    'pastNoReturn',
    'phase',
    'problems',
    'proof',
    'refusal',
    'remainingSeconds',
    'repair',
    'requested',
    'restarts',
    'retireAt',
    'served',
    'serving',
    'since',
    'source',
    'streams',
    'tableNames',
    'tables',
    'totals',
    'unlisted',
    'vdiff',
    'vdiffsFinished',
    'waitingFor',
    'warnings',
    'workflow',
  ];
  const mount = { topoType: 'etcd2', topoServer: 'localhost:12379', topoRoot: '/vitess/global' };
  const phases: { phase: Phase; at: StepName; expected: Partial<Status> }[] = [
    { phase: 'mounting', at: 'mount', expected: { waitingFor: [], observedAt: null, pastNoReturn: false } },
    { phase: 'checking', at: 'preflight', expected: { waitingFor: [], observedAt: null, streams: [] } },
    { phase: 'creating', at: 'create', expected: { waitingFor: [], observedAt: null, copiedPercent: 0 } },
    { phase: 'copying', at: 'observe', expected: { waitingFor: ['the copy to finish'], vdiff: null } },
    { phase: 'verifying', at: 'vdiff', expected: { waitingFor: ['VDiff to finish'], copiedPercent: 100, vdiff: null } },
    { phase: 'completing', at: 'prove', expected: { waitingFor: [], pastNoReturn: false } },
    { phase: 'completing', at: 'watchSource', expected: { waitingFor: [], pastNoReturn: false } },
    { phase: 'completing', at: 'publish', expected: { waitingFor: [], pastNoReturn: false } },
    { phase: 'completing', at: 'finish', expected: { waitingFor: [], pastNoReturn: false } },
    { phase: 'completing', at: 'serve', expected: { waitingFor: [], pastNoReturn: true } },
  ];

  it.each(phases)('is complete while $phase (at $at)', async ({ phase, at, expected }) => {
    const script = new Script();
    const hold = script.hold(at);
    const migration = await bench.migrate(script, { complete: 'auto', mount });
    await hold.reached;
    const status = await migration.status();
    hold.release();
    expect(status).toMatchObject({
      phase,
      source: 'ext1.load',
      workflow: migration.handle.workflowId,
      requested: ['complete'],
      ...expected,
    });
    expect(Object.keys(status).sort()).toEqual(fields);
    expect(Date.parse(status.since)).not.toBeNaN();
    await migration.result();
  });

  it('shows how far the copy is, and the streams and tables as they were seen', async () => {
    const script = new Script().on('observe', returns(copying(0.5)));
    const hold = script.hold('observe');
    const migration = await bench.migrate(script, { complete: 'auto' });
    await hold.reached;
    expect(await migration.status()).toMatchObject({
      phase: 'copying',
      copiedPercent: 50,
      lagSeconds: null,
      observedAt: copying(0.5).at,
      streams: copying(0.5).streams,
      tables: copying(0.5).tables,
    });
    hold.release();
    await migration.result();
  });

  it('says cancelling while the target is put back', async () => {
    const script = new Script();
    const copy = script.hold('observe');
    const hold = script.hold('cancel');
    const migration = await bench.migrate(script);
    await copy.reached;
    await migration.handle.signal('cancel');
    await hold.reached;
    expect(await migration.status()).toMatchObject({ phase: 'cancelling', requested: ['cancel'], waitingFor: [] });
    hold.release();
    await migration.result();
    expect(await migration.status()).toMatchObject({ phase: 'cancelled', requested: [] });
  });
});

it('replays every history of this file', async () => {
  const { replayed, broken } = await bench.replayAll();
  expect(broken).toEqual([]);
  expect(replayed).toBeGreaterThan(10);
});
