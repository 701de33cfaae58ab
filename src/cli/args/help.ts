import type { Flag, FlagSet } from './parse.js';

/** The help of a command. */
export interface Help {
  name: string;
  about: string;
  /** Examples of command lines, each with what it does. */
  lines: readonly (readonly [string, string])[];
  flags: FlagSet;
  notes?: readonly string[];
}

const environment = [
  [
    'TEMPORAL_ADDRESS',
    'host:port of Temporal (default localhost:7233); also TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_PROFILE, …',
  ],
  ['VTMIGRATE_TASK_QUEUE', 'the task queue of the worker (default vtmigrate)'],
] as const;

/** The help of all commands. */
export function generalHelp(all: readonly Help[]): string {
  return [
    'vtmigrate moves tables from an external Vitess cluster into yours, as one durable Temporal workflow.',
    '',
    ...all.flatMap((help) => help.lines.map(([line]) => `  vtmigrate ${line}`)),
    '',
    'Options of a command: vtmigrate <command> --help.',
    'Commands and actions may be written in any case, options with one dash or two.',
    '',
    'Environment:',
    ...twoColumns(environment),
    '',
    'Exit codes: 0 done, 1 not done, 2 the command line is wrong.',
  ].join('\n');
}

/** The help of one command: every option with its default, and the options that are not supported yet. */
export function commandHelp(help: Help): string {
  return [
    help.about,
    '',
    ...help.lines.flatMap(([line, about]) => [`  vtmigrate ${line}`, `      ${about}`]),
    '',
    'Options (one dash or two; "_" and "-" are the same):',
    ...twoColumns(help.flags.known.map((flag): [string, string] => [signature(flag), describe(flag)])),
    ...(help.flags.notYet.length === 0
      ? []
      : ['', 'Not supported yet (refused, never ignored):', ...wrap(help.flags.notYet.map((name) => `-${name}`))]),
    ...(help.flags.refused === undefined
      ? []
      : [
          '',
          'Refused, because they make no sense here:',
          ...twoColumns(Object.entries(help.flags.refused).map(([name, why]): [string, string] => [`-${name}`, why])),
        ]),
    ...(help.notes === undefined ? [] : ['', ...help.notes]),
  ].join('\n');
}

function signature(flag: Flag): string {
  const names = [flag.name, ...(flag.aliases ?? [])].map((name) => `-${name}`).join(', ');
  return flag.takes === undefined ? names : `${names} ${flag.takes}`;
}

function describe(flag: Flag): string {
  const of = flag.of === undefined ? '' : `${flag.of.join(', ')}: `;
  return `${of}${flag.about}${flag.default === undefined ? '' : ` (default ${flag.default})`}`;
}

const widest = 34;

function twoColumns(rows: readonly (readonly [string, string])[]): string[] {
  return rows.flatMap(([left, right]) =>
    left.length > widest ? [`  ${left}`, `  ${''.padEnd(widest)}  ${right}`] : [`  ${left.padEnd(widest)}  ${right}`],
  );
}

function wrap(words: readonly string[]): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < 98) lines[lines.length - 1] = `${last}, ${word}`;
    else lines.push(`  ${word}`);
  }
  return lines;
}
