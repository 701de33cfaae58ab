import type { z } from 'zod';
import * as kinds from './kinds.js';
import { defaultOf, optional, withDefault, type Option } from './option.js';

export const tabletTypes = ['PRIMARY', 'REPLICA', 'RDONLY'] as const;
export const onDdlActions = ['IGNORE', 'STOP', 'EXEC', 'EXEC_IGNORE'] as const;

/** What the streams are made with, and Vitess stores with each of them. */
export const streamOptions = {
  tabletTypes: {
    ...withDefault(kinds.vitessWords(tabletTypes, 'a tablet type'), ['REPLICA', 'PRIMARY']),
    of: ['Create', 'Update'],
    flag: 'tablet-types',
    about: 'tablet types of the source to read from',
  },
  tabletTypesInPreferenceOrder: {
    ...withDefault(kinds.boolean, true),
    of: ['Create', 'Update'],
    flag: 'tablet-types-in-preference-order',
    about: 'try the tablet types in the order given',
  },
  autoStart: {
    ...withDefault(kinds.boolean, true),
    of: ['Create'],
    flag: 'auto-start',
    about: 'start the streams; without it, resume starts them',
  },
  stopAfterCopy: {
    ...withDefault(kinds.boolean, false),
    of: ['Create'],
    flag: 'stop-after-copy',
    about: 'stop the streams when the copy has finished',
  },
  deferSecondaryKeys: {
    ...withDefault(kinds.boolean, true),
    of: ['Create'],
    flag: 'defer-secondary-keys',
    about: "build a table's secondary keys after its rows are copied",
  },
  onDdl: {
    ...withDefault(kinds.vitessWord(onDdlActions), 'IGNORE'),
    of: ['Create', 'Update'],
    flag: 'on-ddl',
    about: 'what a stream does with DDL of the source',
  },
  sourceTimeZone: {
    ...optional(kinds.timeZone),
    of: ['Create'],
    flag: 'source-time-zone',
    about: 'time zone of the DATETIME columns in the source: the copy converts them to UTC',
    absent: 'not converted',
  },
  configOverrides: {
    ...withDefault(kinds.streamFlags, {}),
    of: ['Create', 'Update'],
    flag: 'config-overrides',
    about: "values of vttablet's flags for these streams, such as vreplication-parallel-insert-workers=4",
  },
} as const satisfies Record<string, Option>;

/** The stream options of an input. */
export type StreamOptions = {
  [F in StreamField as undefined extends ValueOf<F> ? never : F]: ValueOf<F>;
} & {
  [F in StreamField as undefined extends ValueOf<F> ? F : never]?: ValueOf<F>;
};
type StreamField = keyof typeof streamOptions;
type ValueOf<F extends StreamField> = z.output<(typeof streamOptions)[F]['schema']>;

/** The part of an input that the streams are made with; without an input, the defaults. */
export function streamOptionsOf(input?: StreamOptions): StreamOptions {
  const fields = Object.keys(streamOptions) as StreamField[];
  const values = fields.map((field) => [field, input === undefined ? defaultOf(streamOptions[field]) : input[field]]);
  // For each field, the line above has the type that StreamOptions gives it.
  return Object.fromEntries(values) as StreamOptions;
}
