import { Client, WorkflowFailedError, WorkflowUpdateFailedError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Script } from '../support/workflow/scripted-activities.js';
import { Bench } from '../support/workflow/workflow-bench.js';

const encodings = ['binary/encrypted', 'binary/protobuf', 'json/plain', ''];

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.start();
});
afterAll(() => bench.stop());

/** A client whose codec the worker does not have: what arrives has this encoding, and bytes that mean nothing. */
function clientWith(encoding: string): Client {
  const metadata = { encoding: Buffer.from(encoding) };
  const encode = (payloads: unknown[]) =>
    Promise.resolve(payloads.map(() => ({ metadata, data: Buffer.from([0xff, 0x00, 0x7b]) })));
  const codec = { encode, decode: <T>(payloads: T) => Promise.resolve(payloads) };
  return new Client({ connection: bench.env.connection, dataConverter: { payloadCodecs: [codec] } });
}

describe.each(encodings)('a payload in the encoding %j', (encoding) => {
  it('of a signal is shown as the last error, and nothing stands still', async () => {
    const migration = await bench.migrate(new Script());
    await migration.until((status) => status.phase === 'replicating');
    const foreign = clientWith(encoding).workflow.getHandle(migration.handle.workflowId);
    await foreign.signal('complete', { force: false });
    const { lastError } = await migration.until((status) => status.lastError !== null);
    expect(lastError).toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining(`its encoding is ${JSON.stringify(encoding)}`) as string,
      remedy: expect.stringContaining('plain JSON') as string,
    });
    await foreign.signal('leave', { tables: ['corder'] });
    await foreign.signal('pause', 'now');
    await migration.until((status) => status.phase === 'paused');
    await foreign.signal('resume', 'now');
    await migration.until((status) => status.phase === 'replicating');
    await foreign.signal('cancel', 'now');
    expect(await migration.result()).toMatchObject({ outcome: 'cancelled' });
  });

  it('of an update refuses it; where none is needed, the update is carried out', async () => {
    const migration = await bench.migrate(new Script());
    await migration.until((status) => status.phase === 'replicating');
    const foreign = clientWith(encoding).workflow.getHandle(migration.handle.workflowId);
    const refused: unknown = await foreign.executeUpdate('complete', { args: [{}] }).catch((error: unknown) => error);
    expect((refused as WorkflowUpdateFailedError).cause).toMatchObject({ type: 'INVALID_INPUT' });
    expect((await migration.status()).requested).toEqual([]);
    const update = await foreign.startUpdate('cancel', { args: ['now'], waitForStage: 'ACCEPTED' });
    expect(update.workflowId).toBe(migration.handle.workflowId);
    expect(await migration.result()).toMatchObject({ outcome: 'cancelled' });
  });

  it.each(['migrate', 'mount', 'audit'])('of the start makes %s fail at once', async (type) => {
    const workflowId = `commerce.foreign_${encodings.indexOf(encoding)}_${type}`;
    const { taskQueue } = bench;
    const run = clientWith(encoding).workflow.execute(type, { taskQueue, workflowId, args: [{}] });
    const failure: unknown = await run.catch((error: unknown) => error);
    expect((failure as WorkflowFailedError).cause).toMatchObject({
      type: 'INVALID_INPUT',
      message: expect.stringContaining(JSON.stringify(encoding)) as string,
    });
  });
});
