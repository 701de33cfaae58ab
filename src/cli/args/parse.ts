import { UsageError } from '../errors.js';

/** An option of a command. Its name is written with dashes; the parser reads `_` as `-`. */
export interface Flag {
  name: string;
  aliases?: readonly string[];
  /** The syntax of its value; an option without one is a boolean. */
  takes?: string;
  /** May be given several times; the values are joined. */
  list?: true;
  /** What holds when it is not given, as the help shows it. */
  default?: string;
  about: string;
  /** The actions that accept it; without this, every action. */
  of?: readonly string[];
}

/** The options of a command: those it accepts, and those it refuses by name, some with the reason. */
export interface FlagSet {
  known: readonly Flag[];
  notYet: readonly string[];
  refused?: Readonly<Record<string, string>>;
}

const truths = new Map<string, boolean>([
  ...['1', 't', 'T', 'true', 'TRUE', 'True'].map((text): [string, boolean] => [text, true]),
  ...['0', 'f', 'F', 'false', 'FALSE', 'False'].map((text): [string, boolean] => [text, false]),
]);

interface Given {
  flag: Flag;
  /** As it was typed, for messages: `-tablet_types`. */
  typed: string;
  values: string[];
}

/** A parsed command line: words in their order, and options by name. */
export class Arguments {
  constructor(
    readonly words: readonly string[],
    private readonly given: ReadonlyMap<string, Given>,
  ) {}

  has(name: string): boolean {
    return this.given.has(name);
  }

  text(name: string): string | undefined {
    return this.given.get(name)?.values[0];
  }

  bool(name: string): boolean | undefined {
    const value = this.text(name);
    return value === undefined ? undefined : truths.get(value);
  }

  /** All values of an option that may be repeated. */
  values(name: string): readonly string[] | undefined {
    return this.given.get(name)?.values;
  }

  /** The option as typed, for messages; `-name` when it was not given. */
  typed(name: string): string {
    return this.given.get(name)?.typed ?? `-${name}`;
  }

  /** @throws UsageError when an option was given that this action does not accept */
  only(action: string): void {
    for (const { flag, typed } of this.given.values()) {
      if (flag.of === undefined || flag.of.includes(action)) continue;
      throw new UsageError(`${typed} is not an option of ${action}: it belongs to ${flag.of.join(' and ')}`);
    }
  }
}

/** True when any argument before `--` asks for help. */
export function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return args.slice(0, end === -1 ? args.length : end).some((arg) => /^--?(h|help)$/i.test(arg));
}

/**
 * Parses a command line the way Go's `flag` package does, but accepts options anywhere.
 * @throws UsageError for an option that is unknown, not supported yet, or lacks its value
 */
export function parseArguments(args: readonly string[], flags: FlagSet, command: string): Arguments {
  const words: string[] = [];
  const given = new Map<string, Given>();
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === '--') {
      words.push(...rest);
      break;
    }
    const [, typed, , value] = /^(--?([^-=][^=]*))(?:=([^]*))?$/.exec(arg) ?? [];
    if (typed === undefined) words.push(arg);
    else take(typed, value, rest, flags, command, given);
  }
  return new Arguments(words, given);
}

function take(
  typed: string,
  attached: string | undefined,
  rest: string[],
  flags: FlagSet,
  command: string,
  given: Map<string, Given>,
): void {
  const flag = find(typed, flags, command);
  const value = flag.takes === undefined ? truth(typed, attached, rest) : valueOf(typed, flag.takes, attached, rest);
  const before = given.get(flag.name);
  if (before !== undefined && flag.list === undefined) throw new UsageError(`${typed} is given twice`);
  given.set(flag.name, { flag, typed, values: [...(before?.values ?? []), value] });
}

function find(typed: string, flags: FlagSet, command: string): Flag {
  const name = typed.replace(/^--?/, '').replaceAll('_', '-');
  const flag = flags.known.find((each) => each.name === name || each.aliases?.includes(name));
  if (flag !== undefined) return flag;
  if (flags.notYet.includes(name)) throw new UsageError(`${typed} is not supported yet`);
  const reason = Object.entries(flags.refused ?? {}).find(([refused]) => refused === name)?.[1];
  if (reason !== undefined) throw new UsageError(`${typed} is refused: ${reason}`);
  const dashes = typed.startsWith('--') ? '--' : '-';
  const near = closest(name, [...flags.known.flatMap((each) => [each.name, ...(each.aliases ?? [])]), ...flags.notYet]);
  const hint = near === undefined ? '' : `did you mean ${dashes}${near}? `;
  throw new UsageError(`unknown option ${typed}: ${hint}All options: vtmigrate ${command} --help`);
}

function truth(typed: string, attached: string | undefined, rest: readonly string[]): string {
  // A boolean does not consume the next word: without this check, `-all false` would mean `-all`.
  const next = rest[0];
  if (attached === undefined && next !== undefined && /^(true|false)$/i.test(next))
    throw new UsageError(`write ${typed}=${next.toLowerCase()}: a boolean takes its value after "="`);
  const value = attached ?? 'true';
  if (!truths.has(value)) throw new UsageError(`${typed} must be true or false, not ${JSON.stringify(value)}`);
  return value;
}

function valueOf(typed: string, takes: string, attached: string | undefined, rest: string[]): string {
  if (attached !== undefined) return attached;
  const next = rest.shift();
  if (next === undefined) throw new UsageError(`${typed} needs a value: ${typed} ${takes}`);
  if (/^-./.test(next))
    throw new UsageError(
      `${typed} needs a value, and ${next} looks like an option; if it is the value, write ${typed}=${next}`,
    );
  return next;
}

/** The candidate with the smallest edit distance, if that is small enough for a typing mistake. */
export function closest(name: string, candidates: readonly string[]): string | undefined {
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: distance(name.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= Math.max(2, Math.floor(name.length / 2)) ? best.candidate : undefined;
}

/** The Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(
        Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)),
      );
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
