import { afterAll, beforeAll, expect, it } from 'vitest';
import { MigrationError } from '../../src/migration/problem/errors.js';
import type { CompleteAnswer } from '../../src/workflows/messages.js';
import { cleanVDiff, dirtyVDiff, sampleGap, sampleProof } from '../support/workflow/samples.js';
import { fails, reporting, returns, Script } from '../support/workflow/scripted-activities.js';
import { Bench, devServer } from '../support/workflow/workflow-bench.js';

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.start({ environment: await devServer() });
});
afterAll(() => bench.stop());

const repairFloats = ['customer'];
const differing = { table: 'customer', source: 1, target: 1, keys: ['id = 7'], floats: true };
const unequal = sampleProof({ proven: 1, differing: [differing], oldest: null, tablesProven: [] });
const gap = { ...sampleGap, code: 'ROWS_DIFFER' as const, place: { table: 'customer' } };

it('FLOAT columns are set once, before VDiff, and the result says so', async () => {
  const script = new Script().always('checksum', reporting(sampleProof()));
  const migration = await bench.migrate(script, { repairFloats, complete: 'auto' });
  expect(await migration.result()).toMatchObject({
    outcome: 'completed',
    repair: { tables: { count: 1, names: ['customer'] }, rows: 1 },
  });
  expect(script.steps().filter((step) => step === 'repair' || step === 'vdiff')).toEqual(['repair', 'vdiff']);
});

it('they are set again while that finds something, and then a person is asked', async () => {
  const script = new Script().always('checksum', reporting(unequal));
  script.always('checksumNow', returns({ report: unequal, gaps: [gap] }));
  let left = 1;
  script.always('repair', (_ref, tables) => Promise.resolve({ tables, rows: left-- > 0 ? 5 : 0 }));
  const migration = await bench.migrate(script, { repairFloats });
  await migration.until(({ phase, repair, proof }) => phase === 'replicating' && repair?.rows === 5 && proof !== null);
  await expect.poll(() => script.count('repair'), { timeout: 60_000 }).toBe(2);
  const answer = await migration.update<CompleteAnswer>('complete');
  expect(answer).toMatchObject({ outcome: 'remembered', missing: [{ code: 'ROWS_DIFFER' }] });
  expect(script.count('repair')).toBe(2);
  await migration.handle.signal('cancel');
  await migration.result();
});

it('a source that gives them something to set each time cannot keep a migration at it', async () => {
  const script = new Script().always('checksum', reporting(unequal));
  script.always('checksumNow', returns({ report: unequal, gaps: [gap] }));
  const migration = await bench.migrate(script, { repairFloats });
  const { missing } = await migration.until(({ phase, repair }) => phase === 'replicating' && repair?.rows === 3);
  expect(missing).toEqual([]);
  expect(await migration.update<CompleteAnswer>('complete')).toMatchObject({ missing: [{ code: 'ROWS_DIFFER' }] });
  expect(script.count('repair')).toBe(3);
  await migration.handle.signal('cancel');
  await migration.result();
});

it('tables that Complete names are repaired first, and a VDiff that was not clean runs again', async () => {
  const script = new Script().always('checksum', reporting(sampleProof()));
  script.on('vdiff', returns(dirtyVDiff()));
  script.on('vdiff', (_ref, uuid) => Promise.resolve(cleanVDiff({ uuid })));
  const migration = await bench.migrate(script);
  await migration.until(({ phase, vdiff }) => phase === 'replicating' && vdiff !== null);
  await migration.handle.signal('complete', { repairFloats });
  expect(await migration.result()).toMatchObject({ outcome: 'completed', repair: { rows: 1 } });
  expect(script.count('vdiff')).toBe(2);
});

it('one that cannot be done is told, does not hold up Cancel, and is left out when Complete says so', async () => {
  const script = new Script().always('checksum', reporting(sampleProof()));
  script.always('repair', fails(new MigrationError('TABLET_CALL_FAILED', 'stream 7 has ended', {}, 'start it')));
  const migration = await bench.migrate(script, { repairFloats });
  const { lastError } = await migration.until(
    ({ phase, lastError: error }) => phase === 'replicating' && error !== null,
  );
  expect(lastError?.code).toBe('TABLET_CALL_FAILED');
  await migration.handle.signal('complete', { repairFloats: [] });
  expect(await migration.result()).toMatchObject({ outcome: 'completed', repair: null });
  const other = await bench.migrate(script, { repairFloats });
  await other.until((status) => status.lastError !== null);
  await other.handle.signal('cancel');
  expect(await other.result()).toMatchObject({ outcome: 'cancelled' });
});

it('replays every history of this file', async () => {
  const { replayed, broken } = await bench.replayAll();
  expect(broken).toEqual([]);
  expect(replayed).toBeGreaterThan(5);
});
