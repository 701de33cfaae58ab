import { chmod, copyFile, link, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { tryLock } from './lock.js';

const PREFIX = 'vtmigrate-lab-';
const TEN_MINUTES = 10 * 60 * 1000;

/** A temporary folder of one lab. */
export interface Folder {
  path: string;
  remove(): Promise<void>;
}

/**
 * Makes a temporary folder that other users may pass through (Vitess runs as nobody), and removes
 * those of labs that were killed.
 */
export async function makeFolder(): Promise<Folder> {
  await sweep();
  const path = await mkdtemp(join(tmpdir(), PREFIX));
  const held = await tryLock(`folder ${path}`);
  await chmod(path, 0o755);
  return {
    path,
    remove: async () => {
      await rm(path, { recursive: true, force: true, maxRetries: 3 });
      await held?.release();
    },
  };
}

/** The lock says whether a folder is in use; the age covers the moment between making and locking it. */
async function sweep(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(PREFIX)) continue;
    const path = join(tmpdir(), name);
    const held = await tryLock(`folder ${path}`);
    if (held === undefined) continue;
    const age = await stat(path).then(
      (found) => Date.now() - found.mtimeMs,
      () => 0,
    );
    if (age > TEN_MINUTES) await rm(path, { recursive: true, force: true }).catch(() => undefined);
    await held.release();
  }
}

/**
 * Puts programs where nobody may start them, as the cache usually lies in a home folder that only
 * its owner may enter; answers the new paths in the same order.
 */
export async function stagePrograms(programs: string[], folder: string): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  return Promise.all(
    programs.map(async (program) => {
      const path = join(folder, basename(program));
      // A link costs nothing; it fails across file systems.
      await link(program, path).catch(() => copyFile(program, path));
      return path;
    }),
  );
}
