import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ProofReport } from '../../src/migration/checksum/report.js';
import type { Gap } from '../../src/migration/proof/gaps.js';
import { dirtyVDiff, sampleProof } from '../support/workflow/samples.js';
import { hearing, reporting, returns, Script } from '../support/workflow/scripted-activities.js';
import { Bench, devServer } from '../support/workflow/workflow-bench.js';

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.start({ environment: await devServer() });
});
afterAll(() => bench.stop());

const differing = { table: 'customer', source: 1, target: 2, keys: ['id = 7'] };
const unequal = sampleProof({ proven: 1, differing: [differing], oldest: null, tablesProven: [] });
const gap: Gap = {
  code: 'ROWS_DIFFER',
  message: 'the rows are not the same on both sides',
  place: { table: 'customer' },
  remedy: 'mend them',
};
const answers = (report: ProofReport, gaps: Gap[] = []) => returns({ report, gaps });

describe('rows are compared', () => {
  it('beside VDiff, from the end of the copy on, and the status says how far', async () => {
    const script = new Script().always('checksum', reporting(sampleProof()));
    const vdiff = script.hold('vdiff');
    const migration = await bench.migrate(script);
    await vdiff.reached;
    const { phase, proof } = await migration.until((status) => status.proof !== null);
    expect({ phase, proof }).toEqual({ phase: 'verifying', proof: sampleProof() });
    vdiff.release();
    await migration.until((status) => status.phase === 'replicating');
    await migration.handle.signal('cancel');
    await migration.result();
  });

  it('not while the streams are paused, and on when they run again', async () => {
    const script = new Script();
    const migration = await bench.migrate(script);
    await migration.until((status) => status.phase === 'replicating');
    const begun = () => script.calls.filter(({ name }) => name === 'checksum').length;
    await expect.poll(begun, { timeout: 60_000 }).toBe(1);
    await migration.update('pause');
    const before = begun();
    await migration.update('resume');
    await migration.until((status) => status.phase === 'replicating');
    await expect.poll(begun, { timeout: 60_000 }).toBeGreaterThan(before);
    await migration.handle.signal('cancel');
    expect(await migration.result()).toMatchObject({ outcome: 'cancelled' });
  });

  it('until Cancel puts everything back: the comparison has ended before', async () => {
    const order: string[] = [];
    const script = new Script().always('checksum', async () => {
      try {
        return await hearing(new Promise<never>(() => undefined));
      } finally {
        order.push('checksum has ended');
      }
    });
    script.on('cancel', () => {
      order.push('cancel');
      return Promise.resolve({ droppedTables: {} });
    });
    const migration = await bench.migrate(script);
    await migration.until((status) => status.phase === 'replicating');
    await migration.handle.signal('cancel');
    await migration.result();
    expect(order).toEqual(['checksum has ended', 'cancel']);
  });
});

describe('Complete', () => {
  it('is held back by rows that differ, and goes on when they are equal', async () => {
    const script = new Script().always('checksum', reporting(unequal, sampleProof()));
    script.on('checksumNow', answers(unequal, [gap]));
    const migration = await bench.migrate(script);
    await migration.until((status) => status.proof !== null && status.phase === 'replicating');
    await migration.handle.signal('complete');
    expect(await migration.result()).toMatchObject({ outcome: 'completed', proof: sampleProof(), overridden: [] });
    expect(script.count('publish')).toBe(1);
    expect(script.count('checksumNow')).toBe(2);
  });

  it('is answered with what the checksums lack', async () => {
    const script = new Script().always('checksum', reporting(unequal));
    script.always('checksumNow', answers(unequal, [gap]));
    const migration = await bench.migrate(script);
    await migration.until((status) => status.phase === 'replicating');
    expect(await migration.update('complete')).toMatchObject({ outcome: 'remembered', missing: [gap] });
    expect(await migration.update('complete', { dryRun: true })).toMatchObject({
      outcome: 'not ready',
      missing: [{ code: 'ROWS_DIFFER', place: { cluster: 'ext1', keyspace: 'load', table: 'customer' } }],
    });
    await migration.handle.signal('cancel');
    await migration.result();
  });

  it('with a fence asks once more behind it, and takes it down when rows differ', async () => {
    const script = new Script().on('checksumNow', answers(sampleProof()), answers(unequal, [gap]));
    script.always('checksum', reporting(unequal, sampleProof()));
    const migration = await bench.migrate(script, { fenceSource: true });
    await migration.until((status) => status.proof !== null && status.phase === 'replicating');
    await migration.handle.signal('complete');
    expect(await migration.result()).toMatchObject({ outcome: 'completed', fenced: true });
    const steps = script.steps().filter((step) => step !== 'observe');
    expect(steps.slice(steps.indexOf('prove'))).toEqual([
      ...['prove', 'checksumNow', 'publish', 'fence', 'checksumNow', 'unpublish'],
      ...['prove', 'checksumNow', 'publish', 'fence', 'checksumNow', 'finish', 'serve'],
    ]);
    const fenced = script.calls.flatMap(({ name, args }) => (name === 'checksumNow' ? [args[1]] : []));
    expect(fenced).toEqual([false, true, false, true]);
  });

  it('by force accepts what it names', async () => {
    const script = new Script().on('vdiff', returns(dirtyVDiff())).always('checksumNow', answers(unequal, [gap]));
    const migration = await bench.migrate(script);
    await migration.until((status) => status.phase === 'replicating');
    await migration.handle.signal('complete', { force: true });
    expect(await migration.result()).toMatchObject({
      outcome: 'completed',
      overridden: [{ code: 'VDIFF_NOT_CLEAN' }, gap],
    });
  });
});
