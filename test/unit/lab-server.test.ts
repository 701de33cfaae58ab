import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Server } from '../../lab/process.js';

let folder: string;
let server: Server;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vtmigrate-server-'));
});
afterEach(async () => {
  await server.kill();
  rmSync(folder, { recursive: true });
});

const starts = async (): Promise<number> => (await readFile(join(folder, 'starts'), 'utf8')).length;

/** A process that notes each start, and ends with the code that it finds in the file `end`. */
async function started(supervised: boolean): Promise<void> {
  const program = `const fs = require('fs');
    fs.appendFileSync('starts', '.');
    process.on('SIGTERM', () => process.exit(1));
    setInterval(() => { try { const code = fs.readFileSync('end', 'utf8'); fs.rmSync('end'); process.exit(Number(code)); } catch {} }, 20);`;
  server = new Server({
    name: 'server',
    command: process.execPath,
    args: ['-e', program],
    cwd: folder,
    log: join(folder, 'log'),
    supervised,
    ready: async () => (await starts()) > 0,
  });
  await server.start();
}

const endWith = (code: number): void => writeFileSync(join(folder, 'end'), String(code));

describe('a server of the lab', () => {
  it('that crashes is started again if it is supervised, each time', async () => {
    await started(true);
    for (const total of [2, 3]) {
      endWith(2);
      await vi.waitFor(async () => expect(await starts()).toBe(total), { timeout: 60_000 });
      expect(server.running).toBe(true);
    }
  });

  it.each([
    ['that crashes without a supervisor', false, () => endWith(2)],
    ['that ends by itself, well', true, () => endWith(0)],
    ['that is killed from outside', true, () => void process.kill(server.pid ?? 0, 'SIGKILL')],
    ['that is stopped, though it ends with an error', true, () => void server.stop()],
    ['that is killed', true, () => void server.kill()],
  ])('%s stays ended until it is started', async (_, supervised, end) => {
    await started(supervised);
    end();
    await vi.waitFor(() => expect(server.running).toBe(false), { timeout: 60_000 });
    await sleep(300);
    expect({ running: server.running, starts: await starts() }).toEqual({ running: false, starts: 1 });
    await server.start();
    expect(server.running).toBe(true);
  });
});
