import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { beQuiet } from '../support/workflow/workflow-bench.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');

interface Recorded {
  events: { workflowExecutionStartedEventAttributes?: { workflowId: string } }[];
}

interface Manifest {
  dependencies: Record<string, string>;
}

let folder: string;
/** A project that has installed the package with all its dependencies, and one with those that a client needs. */
let project: string;
let bare: string;

/** A folder in which the tarball is installed, beside links to these packages. */
async function install(name: string, tarball: string, packages: readonly string[]): Promise<string> {
  const path = join(folder, name);
  const modules = join(path, 'node_modules');
  await mkdir(modules, { recursive: true });
  await run('tar', ['-xzf', tarball, '-C', modules, '--transform', 's,^package,vtmigrate,']);
  for (const each of packages) {
    await mkdir(dirname(join(modules, each)), { recursive: true });
    await symlink(join(root, 'node_modules', each), join(modules, each));
  }
  await writeFile(join(path, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  return path;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vtmigrate-package-'));
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: root });
  const [packed] = JSON.parse(stdout) as { filename: string }[];
  const tarball = join(folder, packed?.filename ?? '');
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Manifest;
  project = await install('project', tarball, [...Object.keys(manifest.dependencies), '@types/node']);
  bare = await install('bare', tarball, ['zod', '@temporalio/workflow']);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs a module in the folder of a project, and answers what it prints, as JSON. */
async function evaluate(cwd: string, code: string): Promise<unknown> {
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', code], { cwd });
  return JSON.parse(stdout);
}

describe('a client that has installed the package', () => {
  it.each([
    { module: 'NodeNext', moduleResolution: 'NodeNext' },
    { module: 'ESNext', moduleResolution: 'Bundler' },
  ])('has types for the example of the document, and for every misuse: $moduleResolution', async (resolution) => {
    const document = await readFile(join(root, 'docs', 'client.md'), 'utf8');
    const example = /```ts\n(?<code>[^]*?)```/.exec(document)?.groups?.['code'] ?? '';
    expect(example).toContain('client.workflow.start<Migrate>');
    await writeFile(join(project, 'example.ts'), example);
    await copyFile(join(root, 'test', 'package', 'misuse.ts'), join(project, 'misuse.ts'));
    const compilerOptions = {
      ...resolution,
      target: 'ES2022',
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      skipLibCheck: true,
      types: ['node'],
    };
    await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
    const { stdout } = await run(process.execPath, [tsc, '-p', project]).catch((error: unknown) => error as Answer);
    expect(stdout).toBe('');
  });

  it('loads neither the worker nor the clients of the clusters, for they need not be installed', async () => {
    const found = await evaluate(
      bare,
      `import * as vtmigrate from 'vtmigrate';
      const parsed = vtmigrate.migrateInputSchema.parse({ source: 'ext1.load', target: 'commerce.wf', all: true });
      console.log(JSON.stringify([parsed.onDdl, vtmigrate.errorCodes.LOCKED, vtmigrate.completeSignal.name]));`,
    );
    expect(found).toEqual(['IGNORE', { retryable: true }, 'complete']);
  });
});

interface Answer {
  stdout: string;
}

describe('a worker that has installed the package', () => {
  it('runs the workflows that were bundled when the package was built', async () => {
    const found = (await evaluate(
      project,
      `import { runWorker, workflowCode } from 'vtmigrate/worker';
      console.log(JSON.stringify({ runWorker: typeof runWorker, workflowCode }));`,
    )) as { runWorker: string; workflowCode: { workflowBundle: { codePath: string } } };
    const codePath = join(project, 'node_modules', 'vtmigrate', 'dist', 'workflow-bundle.js');
    expect(found).toEqual({ runWorker: 'function', workflowCode: { workflowBundle: { codePath } } });

    beQuiet();
    const history = new URL('../replay/histories/completed.json', import.meta.url);
    const recorded = JSON.parse(await readFile(history, 'utf8')) as Recorded;
    const id = recorded.events[0]?.workflowExecutionStartedEventAttributes?.workflowId;
    await expect(Worker.runReplayHistory({ workflowBundle: { codePath } }, recorded, id)).resolves.toBeUndefined();
  });

  it('finds the workflows by the entry of their own', async () => {
    const found = await evaluate(
      project,
      `import * as workflows from 'vtmigrate/workflows';
      console.log(JSON.stringify([Object.keys(workflows).sort(), import.meta.resolve('vtmigrate/workflows')]));`,
    );
    const path = join(project, 'node_modules', 'vtmigrate', 'dist', 'src', 'workflows', 'index.js');
    expect(found).toEqual([['audit', 'migrate', 'mount', 'readiness', 'tables'], pathToFileURL(path).href]);
  });

  it('has the command line', async () => {
    const program = join(project, 'node_modules', 'vtmigrate', 'dist', 'src', 'cli', 'main.js');
    const { stdout } = await run(process.execPath, [program, '--help']);
    expect(stdout).toContain('vtmigrate Migrate');
  });
});
