import { readdir, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflows } from './workflow-bundle.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const sources = join(root, 'src');
const built = join(root, 'dist', 'src');

/** The compiler leaves what it once wrote: the output of a source that has been moved or deleted would be packed. */
async function removeStale(): Promise<void> {
  for (const entry of await readdir(built, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const source = path.replace(built, sources).replace(/(\.d\.ts|\.js|\.js\.map)$/, '.ts');
    if (!existsSync(source)) await rm(path);
  }
}

/** The last step of `npm run build`: the workflows as one file, so that a worker need not bundle them at each start. */
await removeStale();
const code = await bundleWorkflows(built, 'js');
await writeFile(join(root, 'dist', 'workflow-bundle.js'), code);
