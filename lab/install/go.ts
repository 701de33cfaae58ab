import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lock } from '../lock.js';
import { must, onPath } from '../run.js';
import { cached, type Say } from './cache.js';

/** Programs that are built from a public Go module. */
export interface GoPrograms {
  /** Name of the folder in the cache, with the version. */
  name: string;
  title: string;
  minutes: number;
  module: string;
  version: string;
  packages: readonly string[];
  /** Go version the module asks for. */
  go: string;
  /** Go toolchain to use where the module does not compile with the one on PATH. */
  toolchain?: string;
}

/** Builds Go programs into the cache, once, and answers the folder. */
export function installGoPrograms(programs: GoPrograms, say: Say): Promise<string> {
  return cached(programs.name, say, async (folder) => {
    if (onPath('go') === undefined) {
      throw new Error(`Go, to build ${programs.title}, is not on PATH: install Go ${programs.go} or later.`);
    }
    say(`building ${programs.title} (about ${programs.minutes} minutes, once)…`);
    const source = join(folder, '.source');
    await mkdir(source);
    await writeModule(source, programs);
    const options = { cwd: source, env: goEnvironment(programs) };
    await must('go', ['mod', 'tidy'], options);
    await inTurn(() => must('go', ['build', '-ldflags=-s -w', '-o', `${folder}/`, ...programs.packages], options));
    await rm(source, { recursive: true, force: true });
  });
}

/**
 * `go install package@version` needs the proxy to list versions, and it lists none of these; a
 * module that requires the version needs no list.
 */
async function writeModule(source: string, programs: GoPrograms): Promise<void> {
  const imports = programs.packages.map((path) => `\t_ "${path}"`).join('\n');
  await writeFile(
    join(source, 'go.mod'),
    `module lab\n\ngo ${programs.go}\n\nrequire ${programs.module} ${programs.version}\n`,
  );
  await writeFile(join(source, 'tools.go'), `//go:build tools\n\npackage lab\n\nimport (\n${imports}\n)\n`);
}

function goEnvironment(programs: GoPrograms): Record<string, string | undefined> {
  return {
    ...process.env,
    GOWORK: 'off',
    // Without cgo no C compiler is needed.
    CGO_ENABLED: '0',
    ...(programs.toolchain === undefined ? {} : { GOTOOLCHAIN: programs.toolchain }),
  };
}

/** Two builds at once are no faster, as each uses every core, and need twice the memory for linking. */
async function inTurn(build: () => Promise<unknown>): Promise<void> {
  const held = await lock('go build');
  try {
    await build();
  } finally {
    await held.release();
  }
}
