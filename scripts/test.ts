import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { installAll } from '../lab/install.js';

interface Tally {
  passed: number;
  failed: number;
  /** What failed, and why: repeated at the end, where the reader of a long log looks first. */
  failures: readonly string[];
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
  return (await run(command)) === 0
    ? { passed: 1, failed: 0, failures: [] }
    : { passed: 0, failed: 1, failures: [command.join(' ')] };
}

/** What of vitest's JSON report is read here. */
interface Report {
  numPassedTests: number;
  numFailedTests: number;
  testResults: readonly FileReport[];
}
interface FileReport {
  name: string;
  status: string;
  message: string;
  assertionResults: readonly { fullName: string; status: string; failureMessages?: readonly string[] }[];
}

function failuresOf({ name, status, message, assertionResults }: FileReport): string[] {
  const file = relative(process.cwd(), name);
  const failed = assertionResults.filter((test) => test.status === 'failed');
  if (failed.length === 0) return status === 'failed' ? [`${file}: ${message || 'a hook failed, see above'}`] : [];
  return failed.map(({ fullName, failureMessages = [] }) => {
    // How the reporter calls a time-out.
    const reason = failureMessages.join('\n').replace('STACK_TRACE_ERROR', 'it has not ended in time');
    return `${file}: ${fullName}\n${reason}`;
  });
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
    const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
    const failures = report.testResults.flatMap(failuresOf);
    if (code === 0 || report.numFailedTests > 0)
      return { passed: report.numPassedTests, failed: report.numFailedTests, failures };
    // A file that cannot be loaded, or an error outside a test.
    const reason = failures.length > 0 ? failures : [`vitest ${args.join(' ')} ended with ${code}`];
    return { passed: report.numPassedTests, failed: 1, failures: reason };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { passed: 0, failed: 1, failures: [`vitest ${args.join(' ')}: ${message}`] };
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
  program('format', 'prettier', '--check', '--cache', '--log-level', 'warn', '.'),
  program('lint', 'eslint', '.'),
  program('types', 'tsc', '--noEmit', '--incremental', '--tsBuildInfoFile', 'node_modules/.cache/types.tsbuildinfo'),
];
const packageChecks: Lane = [
  program('package contents', 'publint', 'run', '--strict'),
  program('package types', 'attw', '--pack', '.', '--profile', 'esm-only', '--quiet'),
  projects('package'),
];

/** What `npm run check` runs: all that needs no Vitess, and of the pairs of messages a sample. */
const quick: readonly Lane[] = [staticChecks, [projects('unit', 'replay', 'workflow')]];

/**
 * What `npm test` runs: of the faults, a sample. Most of the time of the last two lanes is waiting for servers, of
 * which each has its own; the first computes meanwhile.
 */
const everyday: readonly Lane[] = [
  [...staticChecks, ...packageChecks, projects('unit', 'replay', 'workflow'), projects('simulation', 'effects')],
  [projects('servers')],
  [projects('faults'), projects('security')],
];

/**
 * What the command asks for: `--check`, `--every-fault`, `--referee`, `--simulation`, or everything; and what vitest
 * gets.
 */
function chosen([first, ...rest]: readonly string[]): readonly Lane[] {
  if (first === '--check') {
    // No divisor of the six messages: each comes first and second.
    process.env['VTMIGRATE_PAIR_STRIDE'] = '5';
    return quick;
  }
  if (first === '--every-fault') {
    const [part, more] = /^\d+\/\d+$/.test(rest[0] ?? '') ? [rest[0], rest.slice(1)] : ['1/1', rest];
    process.env['VTMIGRATE_FAULTS'] = part;
    const run = () => tests(['--project', 'faults', '--project', 'effects', ...more]);
    return [[{ name: `every fault, part ${part}`, run }]];
  }
  if (first === '--referee') {
    process.env['REFEREE_SEEDS'] ??= '1-200';
    return [[{ name: 'referee', run: () => tests(['--project', 'servers', 'test/referee', ...rest]) }]];
  }
  if (first === '--simulation') {
    process.env['SIMULATION_SEEDS'] ??= '1-10000';
    return [[{ name: 'simulation', run: () => tests(['--project', 'simulation', ...rest]) }]];
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
  for (const failure of verdicts.flatMap(({ failures }) => failures)) console.log(`\nfailed: ${failure}`);
  console.log();
  for (const { name, passed, failed, seconds } of verdicts)
    console.log(`${failed > 0 ? '✗' : '✓'} ${name}: ${passed} passed, ${failed} failed in ${seconds.toFixed(0)} s`);
  const sum = (numbers: number[]) => numbers.reduce((total, each) => total + each, 0);
  const failed = sum(verdicts.map((verdict) => verdict.failed));
  console.log(`\n${sum(verdicts.map((verdict) => verdict.passed))} passed, ${failed} failed`);
  process.exitCode = failed > 0 || interrupted ? 1 : 0;
}

await main();
