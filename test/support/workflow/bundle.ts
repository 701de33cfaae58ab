import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflows } from '../../../scripts/workflow-bundle.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const cache = join(root, 'node_modules', '.cache', 'vtmigrate');
const bundler = ['scripts/workflow-bundle.ts', 'scripts/leave-unfrozen.mjs', 'package-lock.json'].map((name) =>
  join(root, name),
);
const aDay = 24 * 60 * 60_000;

/** Workflow code in a file, as `Worker.create` and a replay take it. */
export interface WorkflowBundle {
  codePath: string;
}

/** The workflow code, and interceptors that change it for some tests. */
export async function bundle(...modules: URL[]): Promise<WorkflowBundle> {
  const interceptors = modules.map((each) => fileURLToPath(each));
  const codePath = join(cache, `workflows-${await digest(interceptors)}.js`);
  if (!existsSync(codePath)) await write(codePath, interceptors);
  return { codePath };
}

/**
 * Bundling takes seconds of both cores, and a dozen test files need the same code: it is bundled once, and
 * again when one of its sources or packages has changed.
 */
async function digest(interceptors: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  const sources = ['src/workflows', 'src/migration'].map((folder) => filesOf(join(root, folder)));
  const files = [...(await Promise.all(sources)).flat().sort(), ...interceptors, ...bundler];
  for (const file of files) hash.update(`${file}\0`).update(await readFile(file));
  return hash.digest('hex').slice(0, 20);
}

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

async function write(codePath: string, workflowInterceptorModules: string[]): Promise<void> {
  await mkdir(cache, { recursive: true });
  const code = await bundleWorkflows(join(root, 'src'), 'ts', { workflowInterceptorModules });
  // Several processes may write the same file: each puts a whole one in its place.
  const draft = `${codePath}.${process.pid}`;
  await writeFile(draft, code);
  await rename(draft, codePath);
  await removeOld();
}

async function removeOld(): Promise<void> {
  for (const name of await readdir(cache)) {
    const path = join(cache, name);
    const age = await stat(path).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (name.startsWith('workflows-') && age > aDay) await rm(path, { force: true });
  }
}
