import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installAll } from '../lab/install.js';

interface Tally {
  passed: number;
  failed: number;
}

let interrupted = false;
// The terminal's Ctrl-C reaches the child as well: it tidies up, and we wait for it.
process.on('SIGINT', () => {
  interrupted = true;
});

function run([program = '', ...args]: string[]): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: 'inherit' });
    const onTerm = () => {
      interrupted = true;
      child.kill('SIGTERM');
    };
    process.on('SIGTERM', onTerm);
    child.once('error', () => resolve(127));
    child.once('exit', (code) => {
      process.off('SIGTERM', onTerm);
      resolve(code ?? 1);
    });
  });
}

/** A program that has one verdict. */
async function check(...command: string[]): Promise<Tally> {
  return (await run(command)) === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** Every test, counted one by one; a run that breaks off counts as a failure of its own. */
async function tests(args: string[]): Promise<Tally> {
  const folder = await mkdtemp(join(tmpdir(), 'vtmigrate-test-'));
  try {
    const file = join(folder, 'report.json');
    const code = await run([
      'vitest',
      'run',
      '--reporter',
      'default',
      '--reporter',
      'json',
      '--outputFile',
      file,
      ...args,
    ]);
    const report = JSON.parse(readFileSync(file, 'utf8')) as { numPassedTests: number; numFailedTests: number };
    const failed = report.numFailedTests + (code !== 0 && report.numFailedTests === 0 ? 1 : 0);
    return { passed: report.numPassedTests, failed };
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return { passed: 0, failed: 1 };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** One or several things to run, one after the other. Lanes run side by side. */
type Lane = readonly Check[];
interface Check {
  name: string;
  run: () => Promise<Tally>;
}
interface Verdict extends Tally {
  name: string;
  seconds: number;
}

const program = (name: string, ...command: string[]): Check => ({ name, run: () => check(...command) });
const projects = (...names: string[]): Check => ({
  name: names.join(', '),
  run: () => tests(names.flatMap((name) => ['--project', name])),
});

const staticChecks: Lane = [
  program('format', 'prettier', '--check', '--log-level', 'warn', '.'),
  program('lint', 'eslint', '.'),
  program('types', 'tsc', '--noEmit'),
];
const packageChecks: Lane = [
  program('package contents', 'publint', 'run', '--strict'),
  program('package types', 'attw', '--pack', '.', '--profile', 'esm-only', '--quiet'),
  projects('package'),
];

/** What `npm run check` runs: all that needs no Vitess. */
const quick: readonly Lane[] = [staticChecks, [projects('unit', 'replay', 'workflow')]];

/**
 * What `npm test` runs: of the faults, a sample. Most of the time of the last two lanes is waiting for servers, of
 * which each has its own; the first computes meanwhile.
 */
const everyday: readonly Lane[] = [
  [...staticChecks, ...packageChecks, projects('unit', 'replay', 'workflow')],
  [projects('servers')],
  [projects('faults'), projects('security')],
];

/** What the command asks for: `--check`, `--every-fault`, or everything; and what it passes on to vitest. */
function chosen([first, ...rest]: readonly string[]): readonly Lane[] {
  if (first === '--check') return quick;
  if (first === '--every-fault') {
    process.env['VTMIGRATE_FAULTS'] = 'all';
    return [[{ name: 'every fault in every phase', run: () => tests(['--project', 'faults', ...rest]) }]];
  }
  if (first === undefined) return everyday;
  return [[...staticChecks, { name: 'tests', run: () => tests([first, ...rest]) }]];
}

async function runLane(lane: Lane): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const { name, run } of lane) {
    if (interrupted) break;
    const began = performance.now();
    verdicts.push({ name, ...(await run()), seconds: (performance.now() - began) / 1000 });
  }
  return verdicts;
}

/** Installs what is missing, runs every check, and closes with the line `N passed, N failed`. */
async function main(): Promise<void> {
  await installAll();
  const verdicts = (await Promise.all(chosen(process.argv.slice(2)).map(runLane))).flat();
  console.log();
  for (const { name, passed, failed, seconds } of verdicts)
    console.log(`${failed > 0 ? '✗' : '✓'} ${name}: ${passed} passed, ${failed} failed in ${seconds.toFixed(0)} s`);
  const sum = (numbers: number[]) => numbers.reduce((total, each) => total + each, 0);
  const failed = sum(verdicts.map((verdict) => verdict.failed));
  console.log(`\n${sum(verdicts.map((verdict) => verdict.passed))} passed, ${failed} failed`);
  process.exitCode = failed > 0 || interrupted ? 1 : 0;
}

await main();
