#!/usr/bin/env node
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { MigrationError } from '../migration/problem/errors.js';
import { auditHelp, parseAudit } from './args/audit.js';
import { commandHelp, generalHelp, type Help } from './args/help.js';
import { migrateHelp, parseMigrate, type MigrateRequest } from './args/migrate.js';
import { mountHelp, parseMount } from './args/mount.js';
import { asksForHelp, closest } from './args/parse.js';
import { parseVDiff, vdiffHelp } from './args/vdiff.js';
import { parseWorkflow, workflowHelp } from './args/workflow.js';
import { runAudit } from './commands/audit.js';
import { cancel } from './commands/cancel.js';
import { complete } from './commands/complete.js';
import { create } from './commands/create.js';
import { leave } from './commands/leave.js';
import { runMount } from './commands/mount.js';
import { runVDiff } from './commands/vdiff.js';
import { runWorkflow } from './commands/workflow.js';
import { CommandError, UsageError } from './errors.js';
import { Terminal } from './output/terminal.js';
import { Session } from './temporal/session.js';

type Run = (session: Session, terminal: Terminal) => Promise<number>;

interface Command {
  help: Help;
  /** Parses the arguments, before any server is contacted; returns what is left to do. */
  prepare: (args: readonly string[]) => Run;
}

function command<R>(
  help: Help,
  parse: (args: readonly string[]) => R,
  run: (request: R, session: Session, terminal: Terminal) => Promise<number>,
): Command {
  return {
    help,
    prepare: (args) => {
      const request = parse(args);
      return (session, terminal) => run(request, session, terminal);
    },
  };
}

function runMigrate(request: MigrateRequest, session: Session, terminal: Terminal): Promise<number> {
  switch (request.action) {
    case 'Create':
      return create(request, session, terminal);
    case 'Complete':
      return complete(request, session, terminal);
    case 'Cancel':
      return cancel(request, session, terminal);
    case 'Leave':
      return leave(request, session, terminal);
  }
}

const commands: readonly Command[] = [
  command(mountHelp, parseMount, runMount),
  command(migrateHelp, parseMigrate, runMigrate),
  command(workflowHelp, parseWorkflow, runWorkflow),
  command(vdiffHelp, parseVDiff, runVDiff),
  command(auditHelp, parseAudit, runAudit),
];

/** Runs a command line; returns the exit code: 0 done, 1 not done, 2 the command line is wrong. */
export async function main(argv: readonly string[], terminal: Terminal): Promise<number> {
  const [name, ...args] = argv;
  if (name === undefined || name.toLowerCase() === 'help' || asksForHelp([name])) {
    terminal.print(generalHelp(commands.map(({ help }) => help)));
    return 0;
  }
  try {
    const found = find(name);
    if (asksForHelp(args)) {
      terminal.print(commandHelp(found.help));
      return 0;
    }
    return await connected(found.prepare(args), terminal);
  } catch (error) {
    terminal.leave();
    return fail(error, terminal);
  }
}

function find(name: string): Command {
  const found = commands.find(({ help }) => help.name.toLowerCase() === name.toLowerCase());
  if (found !== undefined) return found;
  const names = commands.map(({ help }) => help.name);
  const near = closest(name, names);
  const hint = near === undefined ? '' : `did you mean ${near}? `;
  throw new UsageError(`unknown command ${name}: ${hint}The commands are ${names.join(', ')}`);
}

async function connected(run: Run, terminal: Terminal): Promise<number> {
  const session = await Session.open(process.env);
  try {
    return await run(session, terminal);
  } finally {
    await session.close();
  }
}

function fail(error: unknown, terminal: Terminal): number {
  const usage = error instanceof UsageError || error instanceof MigrationError;
  if (!usage && !(error instanceof CommandError)) {
    // Unexpected: a bug report needs the stack.
    terminal.note(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return 1;
  }
  terminal.note(error.message);
  return usage ? 2 : 1;
}

// The installed command is a link to this file.
if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const terminal = new Terminal();
  terminal.handleSignals();
  process.exitCode = await main(process.argv.slice(2), terminal);
}
