import { z } from 'zod';
import { rootPattern, serversPattern } from './address.js';
import { isDuration, parseDuration } from './duration.js';
import { isUrl } from './hook.js';
import { isHours } from './hours.js';
import { isName, nameHint, splitIdentifier } from './identifier.js';
import { wrongStreamFlag } from './stream-flags.js';

// Workflow code runs where code cannot be built from strings.
z.config({ jitless: true });

/** A kind of value: its schema, and how it is written in JSON and on a command line. */
export interface Kind<S extends z.ZodType = z.ZodType> {
  schema: S;
  /** The JSON type, as docs/input.md shows it. */
  json: string;
  /** The value of a flag, as the help shows it; a flag without one is a boolean. */
  takes?: string;
  /** How the command line splits the value; `tables` also takes a JSON list, because table names may contain commas. */
  list?: 'names' | 'tables' | 'settings';
  /** True when it is a number in JSON. */
  number?: true;
}

/** A name that is safe in a topology path: mount, keyspace, workflow, cell. */
export const name = z.string().refine(isName, { error: `must be a name (${nameHint})` });

/** A table's name, as MySQL takes it. */
export const tableName = z
  .string()
  .min(1, { error: 'must not be empty' })
  .refine((text) => !text.includes('\0'), { error: 'must not hold NUL' })
  .max(64, { error: 'is longer than 64 characters' });

export const topoTypes = ['etcd2'] as const;

/** How to reach an external cluster's topology: the fields of Vitess's `TopoConfig`. */
export const mountConfigSchema = z.strictObject(
  {
    topoType: z.enum(topoTypes, { error: 'must be etcd2: consul and zookeeper are not supported yet' }),
    topoServer: z.string().regex(serversPattern, { error: 'must be host:port, or several joined by commas' }),
    topoRoot: z.string().regex(rootPattern, { error: 'must be a path such as /vitess/global' }),
  },
  { error: ({ input }) => (input === undefined ? 'is needed to mount' : undefined) },
);

export const boolean = { schema: z.boolean(), json: 'boolean' };

/** A whole number; the command line writes it in digits. */
export function wholeNumber(least: number, most: number) {
  const error = { error: `must be a whole number from ${least} to ${most}` };
  return {
    schema: z.number(error).int(error).min(least, error).max(most, error),
    json: `number from ${least} to ${most}`,
    takes: '<number>',
    number: true as const,
  };
}

export const duration = {
  schema: z.string().refine(isDuration, { error: 'must be a duration such as 30s, 1h30m or 7d' }),
  json: 'duration: `30s`, `1h30m`, `7d`',
  takes: '<duration>',
};

/** A duration that is neither too short nor too long. */
export function durationFrom(least: string, most: string) {
  const fits = (text: string) =>
    isDuration(text) && parseDuration(text) >= parseDuration(least) && parseDuration(text) <= parseDuration(most);
  return {
    ...duration,
    schema: z.string().refine(fits, { error: `must be a duration from ${least} to ${most}` }),
    json: `duration from \`${least}\` to \`${most}\``,
  };
}

/** A time zone as MySQL names it. `SYSTEM` would be that of the server which converts. */
export const timeZone = {
  schema: z.string().refine((text) => /^[A-Za-z0-9_+:/-]{1,64}$/.test(text) && text.toUpperCase() !== 'SYSTEM', {
    error: 'must be a time zone that MySQL knows, such as Europe/Berlin or +02:00',
  }),
  json: '`Europe/Berlin`, `+02:00`',
  takes: '<time zone>',
};

/** Hours of the day. */
export const hours = {
  schema: z.string().refine(isHours, {
    error:
      'must be always, or hours such as 22:00-06:00, with a time zone where it is not UTC: 22:00-06:00 Europe/Berlin',
  }),
  json: '`always`, `22:00-06:00`, `22:00-06:00 Europe/Berlin`',
  takes: '<hours>',
};

/** Something that a worker's operator lets migrations call: a command, or a webhook. */
export const hook = {
  schema: z.string().refine((text) => isName(text) || isUrl(text), {
    error: 'must be the name of a command of the worker, or a URL without credentials',
  }),
  json: 'name of a command, or URL',
  takes: '<command|url>',
};

/** Two names joined by a dot. */
export function identifier(parts: string, example: string) {
  return {
    schema: z.string().refine((text) => splitIdentifier(text) !== undefined, {
      error: `must be two names joined by a dot, for example ${example} (${nameHint})`,
    }),
    json: `\`"${parts}"\``,
    takes: parts,
  };
}

/** Flags of vttablet and their values, as text. */
export const streamFlags = {
  schema: z.record(z.string(), z.string()).check((ctx) => {
    for (const [flag, value] of Object.entries(ctx.value)) {
      const message = wrongStreamFlag(flag, value);
      if (message !== undefined) ctx.issues.push({ code: 'custom', input: ctx.value, message });
    }
  }),
  json: '`{"<flag of vttablet>":"<value>"}`',
  takes: '<flag=value,…>',
  list: 'settings',
} as const;

const list = { takes: '<a,b,…>', list: 'names' } as const;

export const tables = {
  ...list,
  list: 'tables',
  schema: z.array(tableName),
  json: 'array of names',
} as const;

export const cells = {
  ...list,
  schema: z.array(name).min(1, { error: 'must name a cell' }),
  json: 'array of names',
};

/** Names of checks; `preflight/contract.ts` knows which there are. */
export const acceptedChecks = { ...list, schema: z.array(z.string()), json: 'array of check names' };

/** One of several upper-case words of Vitess, written in either case. */
export function vitessWord<const W extends Words>(words: W) {
  return { schema: upperCase(words), json: words.map((word) => `\`${word}\``).join(', '), takes: words.join('|') };
}

/** Several upper-case words of Vitess, written in either case. */
export function vitessWords<const W extends Words>(words: W, whatItNames: string) {
  const schema = z.array(upperCase(words)).min(1, { error: `must name ${whatItNames}` });
  return { ...list, schema, json: words.map((word) => `\`${word}\``).join(', ') };
}

function upperCase<const W extends Words>(words: W) {
  return asWritten<W>(z.string().toUpperCase().pipe(oneOf(words)));
}

type Words = readonly [string, ...string[]];

const oneOf = <const W extends Words>(words: W) => z.enum(words, { error: `must be one of ${words.join(', ')}` });

/** JSON may have a word in either case; a caller in TypeScript writes it as it is declared. */
function asWritten<W extends Words>(schema: z.ZodType<W[number], string>) {
  return schema as unknown as z.ZodType<W[number], W[number]>;
}

/** One of several lower-case words, written in either case. */
export function word<const W extends Words>(words: W) {
  return {
    schema: asWritten<W>(z.string().toLowerCase().pipe(oneOf(words))),
    json: words.map((each) => `\`"${each}"\``).join(', '),
    takes: words.join('|'),
  };
}

export const mountConfig = {
  schema: mountConfigSchema,
  json: '`{"topoType":"etcd2","topoServer":"host:port","topoRoot":"/path"}`',
};
