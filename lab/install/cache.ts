import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { lock } from '../lock.js';

/** Where one line about something that takes time goes. */
export type Say = (line: string) => void;

export const sayOnStderr: Say = (line) => {
  process.stderr.write(`${line}\n`);
};

const COMPLETE = '.complete';

/** The folder that keeps what was built or downloaded, outside the work tree. */
export function cacheRoot(): string {
  const own = process.env['VTMIGRATE_CACHE'];
  if (own !== undefined && own !== '') return own;
  const xdg = process.env['XDG_CACHE_HOME'];
  return join(xdg !== undefined && xdg !== '' ? xdg : join(homedir(), '.cache'), 'vtmigrate');
}

/** The folder of one finished install, or undefined when it is not there or not finished. */
export function installed(name: string): string | undefined {
  const folder = join(cacheRoot(), name);
  return existsSync(join(folder, COMPLETE)) ? folder : undefined;
}

/**
 * Answers the folder of an install and builds it first when it is missing.
 *
 * `build` works in a folder of its own which is renamed at the end, so that nobody ever sees half
 * an install; a second process waits for the first one instead of building as well.
 */
export async function cached(name: string, say: Say, build: (folder: string) => Promise<void>): Promise<string> {
  const done = installed(name);
  if (done !== undefined) return done;
  const final = join(cacheRoot(), name);
  const held = await lock(`install ${final}`, () => say(`waiting for another process that installs ${name}…`));
  try {
    return installed(name) ?? (await buildAndRename(final, build));
  } finally {
    await held.release();
  }
}

async function buildAndRename(final: string, build: (folder: string) => Promise<void>): Promise<string> {
  await mkdir(dirname(final), { recursive: true });
  await removeLeftovers(final);
  const folder = await mkdtemp(`${final}.tmp-`);
  try {
    await build(folder);
    await writeFile(join(folder, COMPLETE), `${new Date().toISOString()}\n`);
    // Still there only when it was never completed.
    await rm(final, { recursive: true, force: true });
    await rename(folder, final);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  return final;
}

/** Removes the temporary folders of builds that were killed; the caller holds the lock, so none is in use. */
async function removeLeftovers(final: string): Promise<void> {
  for (const entry of await readdir(dirname(final))) {
    if (!entry.startsWith(`${basename(final)}.tmp-`)) continue;
    await rm(join(dirname(final), entry), { recursive: true, force: true });
  }
}
