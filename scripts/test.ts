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

type Check = [name: string, run: () => Promise<Tally>];

/**
 * Two runs side by side, each with servers of its own: most of their time is waiting for servers, and
 * one after the other they would take almost twice as long.
 */
const lanes = [
  ['--project', 'unit', '--project', 'replay', '--project', 'servers'],
  ['--project', 'workflow', '--project', 'security', '--project', 'faults'],
];

/** What `npm test` runs: of the faults, a sample. */
function everyday(args: string[]): Check[] {
  return [
    ['format', () => check('prettier', '--check', '.')],
    ['lint', () => check('eslint', '.')],
    ['types', () => check('tsc', '--noEmit')],
    [
      'unit, workflow, replay, contract, end to end and a sample of the faults',
      () => (args.length > 0 ? tests(args) : sideBySide(lanes)),
    ],
  ];
}

async function sideBySide(runs: readonly string[][]): Promise<Tally> {
  const tallies = await Promise.all(runs.map((args) => tests(args)));
  return tallies.reduce((sum, { passed, failed }) => ({ passed: sum.passed + passed, failed: sum.failed + failed }));
}

/** What `npm run test:faults` runs: every fault in every phase. */
function everyFault(args: string[]): Check[] {
  process.env['VTMIGRATE_FAULTS'] = 'all';
  return [['every fault in every phase', () => tests(['--project', 'faults', ...args])]];
}

/** Installs what is missing, runs every check, and closes with the line `N passed, N failed`. */
async function main(): Promise<void> {
  await installAll();
  const [first, ...rest] = process.argv.slice(2);
  const checks = first === '--every-fault' ? everyFault(rest) : everyday(process.argv.slice(2));
  const total: Tally = { passed: 0, failed: 0 };
  for (const [name, run] of checks) {
    if (interrupted) break;
    console.log(`\n=== ${name}`);
    const { passed, failed } = await run();
    total.passed += passed;
    total.failed += failed;
  }
  console.log(`\n${total.passed} passed, ${total.failed} failed`);
  process.exitCode = total.failed > 0 || interrupted ? 1 : 0;
}

await main();
