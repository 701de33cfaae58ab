import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, type BundleOptions } from '@temporalio/worker';

/**
 * The workflows with their payload converter, as one file. What they import of `migration` keeps no state, so that all
 * workflows of a worker share it: each of them would have 1.3 MB of its own otherwise, most of it schemas of input.
 * @param sources the folder that has `workflows` and `migration`
 * @param extension of their files: as written, or as compiled
 */
export async function bundleWorkflows(
  sources: string,
  extension: 'ts' | 'js',
  options: Pick<BundleOptions, 'workflowInterceptorModules'> = {},
): Promise<string> {
  const migration = join(sources, 'migration');
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(sources, 'workflows', `index.${extension}`),
    payloadConverterPath: join(sources, 'workflows', `payload-converter.${extension}`),
    preloadModules: await modulesOf(migration, extension),
    webpackConfigHook: ({ module, ...config }) => ({
      ...config,
      module: { ...module, rules: [...(module?.rules ?? []), ...rulesToShare(migration, extension)] },
    }),
    logger: new DefaultLogger('WARN'),
    ...options,
  });
  return code;
}

async function modulesOf(folder: string, extension: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return names
    .filter((name) => name.endsWith(`.${extension}`) && !name.endsWith('.d.ts'))
    .sort()
    .map((name) => join(folder, name));
}

function rulesToShare(migration: string, extension: string) {
  const zod = fileURLToPath(new URL('.', import.meta.resolve('zod')));
  // A schema builds its parts when it is first used, and keeps them in itself.
  const schemas = [zod, join(migration, 'input'), join(migration, 'preflight', `contract.${extension}`)];
  const unfrozen = fileURLToPath(new URL('leave-unfrozen.mjs', import.meta.url));
  return [
    // Preloading uses no name of a module, and the bundler drops such imports from a package without side effects.
    { include: migration, sideEffects: true },
    { include: schemas, loader: unfrozen },
  ];
}
