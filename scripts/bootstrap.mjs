// Runs a task of this project on a machine that has only Node: installs the packages when they
// are missing or not those of the lock file, builds, and starts the task. Plain JavaScript,
// because nothing is installed yet when it begins.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const [task, ...args] = process.argv.slice(2);

/** What runs for a task: a program of node_modules/.bin or node itself, its arguments, and what is made before. */
const tasks = {
  demo: ['tsx', ['lab/demo.ts']],
  test: ['tsx', ['scripts/test.ts']],
  // Needs no `dist`, only the generated sources.
  check: ['tsx', ['scripts/test.ts', '--check'], 'generate'],
  'test:faults': ['tsx', ['scripts/test.ts', '--every-fault']],
  'test:referee': ['tsx', ['scripts/test.ts', '--referee']],
  // Needs no servers, and of the programs only the generated sources.
  'test:simulation': ['tsx', ['scripts/test.ts', '--simulation'], 'generate'],
  lab: ['tsx', ['lab/main.ts']],
  bench: ['tsx', ['bench/main.ts']],
  worker: [process.execPath, ['dist/src/worker.js']],
};

let child;

/** Runs a program in the foreground and gives its exit code. A signal that ends us, ends it first. */
function run(program, programArgs, options = {}) {
  return new Promise((resolve) => {
    child = spawn(program, programArgs, { cwd: root, stdio: 'inherit', ...options });
    child.once('error', (error) => {
      console.error(`${program} cannot be started: ${error.message}`);
      resolve(127);
    });
    child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 143)));
  });
}

async function must(program, programArgs) {
  const code = await run(program, programArgs);
  if (code !== 0) process.exit(code);
}

/** True unless the packages in node_modules are the ones of the lock file as it is now. */
function packagesAreMissing(stamp, hash) {
  return !existsSync(stamp) || readFileSync(stamp, 'utf8') !== hash;
}

async function main() {
  const [program, programArgs, made = 'build'] = tasks[task] ?? [];
  if (program === undefined) {
    console.error(`usage: node scripts/bootstrap.mjs ${Object.keys(tasks).join('|')}`);
    process.exit(2);
  }
  // The terminal sends Ctrl-C to the whole group: the task tidies up, and we wait for it.
  process.on('SIGINT', () => undefined);
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child?.kill(signal));
  const stamp = join(root, 'node_modules', '.vtmigrate-lock');
  const hash = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (packagesAreMissing(stamp, hash)) {
    console.error('installing the packages of package-lock.json …');
    rmSync(stamp, { force: true });
    await must('npm', ['ci', '--no-fund', '--no-audit', '--loglevel', 'error']);
    mkdirSync(dirname(stamp), { recursive: true });
    writeFileSync(stamp, hash);
  }
  await must('npm', ['run', '--silent', made]);
  const path = `${join(root, 'node_modules', '.bin')}:${process.env.PATH}`;
  process.exit(await run(program, [...programArgs, ...args], { env: { ...process.env, PATH: path } }));
}

await main();
