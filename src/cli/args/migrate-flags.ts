import type { OptionsRequest, RawCompleteRequest, RawMigrateInput } from '../../migration/input/input.js';
import { defaultOf, type Option } from '../../migration/input/option.js';
import { fieldsOf, options, type Field } from '../../migration/input/options.js';
import { tabletTypes } from '../../migration/input/stream-options.js';
import { targetKeyspaceFlag, workflowFlag } from './common.js';
import { itemsOf, namesOf, settingsOf } from './lists.js';
import type { Arguments, Flag, FlagSet } from './parse.js';
import { spellings } from './spellings.js';
import { refusedFlags, unsupportedFlags } from './unsupported-flags.js';

/** The options of `Migrate`: those of the JSON contract, and what MoveTables has for them. */
export const migrateFlags: FlagSet = {
  known: [
    workflowFlag,
    targetKeyspaceFlag,
    ...(Object.keys(options) as Field[])
      .filter((field) => actionsOf(field).length > 0)
      .flatMap((field) => [...flagOf(field), ...(spellings[field] ?? [])]),
  ],
  notYet: unsupportedFlags,
  refused: refusedFlags,
};

/** The options that `Workflow Update` takes. */
export const updateFlags: readonly Flag[] = fieldsOf('Update')
  .flatMap(flagOf)
  .map((flag) => ({ ...flag, default: 'as it is', of: ['Update'] }));

/** The actions of `Migrate` that take an option. */
function actionsOf(field: Field): string[] {
  const { of }: Option = options[field];
  const actions = of.filter((action) => action !== 'Adopt' && action !== 'Update');
  return [...actions, ...(field === 'tables' ? ['Leave'] : [])];
}

function flagOf(field: Field): Flag[] {
  const { kind, flag, aliases }: Option = options[field];
  if (flag === undefined) return [];
  const shown = defaultText(field);
  return [
    {
      name: flag,
      ...(aliases === undefined ? {} : { aliases }),
      ...(kind.takes === undefined ? {} : { takes: kind.takes }),
      ...(kind.list === undefined ? {} : { list: true }),
      ...(shown === undefined ? {} : { default: shown }),
      about: aboutFlag(field),
      of: actionsOf(field),
    },
  ];
}

/** The meaning of an option, with what only a command line has to know. */
function aboutFlag(field: Field): string {
  const { kind, about }: Option = options[field];
  if (field === 'tabletTypes')
    return `${about}: ${tabletTypes.join(', ')}; the prefix in_order: makes their order count`;
  const meaning = field === 'tables' ? `${about}; for Leave, these tables leave` : about;
  return kind.list === 'tables' ? `${meaning}: names joined by commas, or a JSON list of names` : about;
}

/** A default as it would be typed. */
function defaultText(field: Field): string | undefined {
  const option: Option = options[field];
  const value = defaultOf(option);
  if (value === undefined) return option.absent;
  if (typeof value === 'object' && !Array.isArray(value)) return 'none';
  if (!Array.isArray(value)) {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return option.kept === true && option.of.includes('Complete')
      ? `${text}; for Complete, what Create was given`
      : text;
  }
  const items = value.length === 0 ? 'none' : value.join(',');
  return field === 'tabletTypes' && defaultOf(options.tabletTypesInPreferenceOrder) === true
    ? `in_order:${items}`
    : items;
}

/** An input with the values that were typed; parsing checks them. */
export type Unchecked<T> = { [F in keyof T]: unknown };

/** The JSON fields of an action that were given as flags. The defaults are left to the schema. @throws UsageError */
export function readOptions(args: Arguments, action: 'Create'): Unchecked<Partial<RawMigrateInput>>;
export function readOptions(args: Arguments, action: 'Complete'): Unchecked<RawCompleteRequest>;
export function readOptions(args: Arguments, action: 'Update'): Unchecked<OptionsRequest>;
export function readOptions(args: Arguments, action: 'Create' | 'Complete' | 'Update'): object {
  return Object.fromEntries(
    fieldsOf(action).flatMap((field) => {
      const value = read(args, options[field]);
      return value === undefined ? [] : [[field, value]];
    }),
  );
}

function read(args: Arguments, { kind, flag }: Option): unknown {
  if (flag === undefined) return undefined;
  if (kind.takes === undefined) return args.bool(flag);
  if (kind.number === true) return numberOf(args.text(flag));
  if (kind.list === undefined) return args.text(flag);
  if (kind.list === 'settings') return settingsOf(args, flag);
  return kind.list === 'tables' ? namesOf(args, flag) : itemsOf(args, flag);
}

/** What is no number in digits stays as it was typed, for the schema to refuse. */
function numberOf(text: string | undefined): number | string | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : text;
}
