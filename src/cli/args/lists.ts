import { UsageError } from '../errors.js';
import type { Arguments } from './parse.js';

/** The items of an option that takes a list: joined by commas, or given several times. @throws UsageError */
export function itemsOf(args: Arguments, name: string): string[] | undefined {
  return args.values(name)?.flatMap((value) => splitList(value, args.typed(name)));
}

/**
 * The names that an option takes: like `itemsOf`, or a JSON list. Table names may contain blanks,
 * dots and commas; those with commas need JSON.
 * @throws UsageError
 */
export function namesOf(args: Arguments, name: string): string[] | undefined {
  const typed = args.typed(name);
  return args
    .values(name)
    ?.flatMap((value) => (/^\s*[[{]/.test(value) ? fromJson(value, typed) : splitList(value, typed)));
}

/** The names and values that an option takes: `a=1,b=2`. @throws UsageError for one without a value, or given twice */
export function settingsOf(args: Arguments, name: string): Record<string, string> | undefined {
  const typed = args.typed(name);
  const pairs = itemsOf(args, name)?.map((item) => {
    const [, setting = '', value = ''] = /^([^=]+)=(.+)$/.exec(item) ?? [];
    if (setting === '') throw new UsageError(`${typed} takes names with values, such as a=1: ${item}`);
    return [setting, value] as const;
  });
  if (pairs === undefined) return undefined;
  const settings = Object.fromEntries(pairs);
  if (Object.keys(settings).length < pairs.length) throw new UsageError(`${typed} names a setting twice`);
  return settings;
}

/** @param typed the option as typed, for messages @throws UsageError for an empty item */
export function splitList(value: string, typed: string): string[] {
  const items = value.split(',').map((item) => item.trim());
  if (items.includes('')) throw new UsageError(`${typed} contains an empty name: ${JSON.stringify(value)}`);
  return items;
}

function fromJson(value: string, typed: string): string[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch {
    throw new UsageError(`${typed} looks like JSON but is not: ${value}`);
  }
  if (!Array.isArray(parsed))
    throw new UsageError(
      `${typed} with a JSON VSchema of tables is not supported yet: name the tables, ` +
        'and apply their VSchema to the target keyspace (vtctldclient ApplyVSchema)',
    );
  const entries: unknown[] = parsed;
  const names = entries.filter((entry) => typeof entry === 'string');
  if (names.length !== entries.length) throw new UsageError(`${typed} must be a JSON list of names: ${value}`);
  return names;
}
