import { parseSourceIdentifier } from '../../migration/input/identifier.js';
import type { Field } from '../../migration/input/options.js';
import { UsageError } from '../errors.js';
import { splitList } from './lists.js';
import type { Arguments, Flag } from './parse.js';

/** Options of MoveTables that set a field of the JSON contract in another way, and that field. */
export const spellings: Partial<Record<Field, readonly Flag[]>> = {
  source: [
    { name: 'mount-name', takes: '<mount>', about: 'with -source-keyspace, the same as -source', of: ['Create'] },
    { name: 'source-keyspace', takes: '<keyspace>', about: 'with -mount-name, the same as -source', of: ['Create'] },
  ],
  sourceTables: [
    {
      name: 'keep-data',
      about: 'the same as -source-tables=keep; -keep-data=false is -source-tables=drop',
      of: ['Complete'],
    },
    { name: 'rename-tables', about: 'the same as -source-tables=rename', of: ['Complete'] },
  ],
};

/** @throws UsageError, MigrationError INVALID_INPUT */
export function sourceOf(args: Arguments): string {
  const source = args.text('source');
  const [mount, keyspace] = [args.text('mount-name'), args.text('source-keyspace')];
  if (source !== undefined && (mount ?? keyspace) !== undefined)
    throw new UsageError('-source names both the mount and the keyspace: leave out -mount-name and -source-keyspace');
  if (source === undefined && (mount === undefined || keyspace === undefined))
    throw new UsageError(
      '-source <mount>.<keyspace> is needed, for example -source ext1.load (or -mount-name and -source-keyspace)',
    );
  const text = source ?? `${mount ?? ''}.${keyspace ?? ''}`;
  parseSourceIdentifier(text);
  return text;
}

/**
 * Tablet types and whether their order counts. In the old spelling, only the prefix `in_order:` makes
 * it count; in the modern one it counts unless it is turned off, as in vtctldclient.
 * @throws UsageError
 */
export function preferenceOf(
  args: Arguments,
  modern: boolean,
): { tabletTypes?: string[]; tabletTypesInPreferenceOrder?: boolean } {
  const inOrder = args.bool('tablet-types-in-preference-order');
  const given = args.values('tablet-types')?.join(',');
  if (given === undefined) return {};
  const [, prefix, rest = ''] = /^(in_order:)?(.*)$/is.exec(given) ?? [];
  const typed = args.typed('tablet-types');
  if (prefix !== undefined && inOrder === false)
    throw new UsageError(
      `${typed} says in_order:, and ${args.typed('tablet-types-in-preference-order')}=false denies it`,
    );
  return {
    tabletTypes: splitList(rest, typed),
    tabletTypesInPreferenceOrder: prefix !== undefined || (inOrder ?? modern),
  };
}

/** One flag of vtmigrate and two of MoveTables mean the same. @throws UsageError when they contradict each other */
export function sourceTablesOf(args: Arguments): { sourceTables?: string } {
  const [keep, rename] = [args.bool('keep-data'), args.bool('rename-tables')];
  const given = [
    args.text('source-tables')?.toLowerCase(),
    keep === undefined || (!keep && rename === true) ? undefined : keep ? 'keep' : 'drop',
    rename === true ? 'rename' : undefined,
  ].filter((each) => each !== undefined);
  const [action] = given;
  if (new Set(given).size > 1)
    throw new UsageError(`-source-tables, -keep-data and -rename-tables contradict each other: ${given.join(' and ')}`);
  return action === undefined ? {} : { sourceTables: action };
}
