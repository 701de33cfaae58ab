import { z } from 'zod';
import { MigrationError } from '../problem/errors.js';
import { isDuration } from './duration.js';
import { isName, nameHint, splitIdentifier } from './identifier.js';
import { acceptable, severityOf } from '../preflight/checks/index.js';
import { rootPattern, serversPattern } from './address.js';

// Workflow code runs where code cannot be built from strings.
z.config({ jitless: true });

const identifier = (example: string) =>
  z.string().refine((text) => splitIdentifier(text) !== undefined, {
    error: `must be two names joined by a dot, for example ${example} (${nameHint})`,
  });

const name = z.string().refine(isName, { error: `must be a name (${nameHint})` });
const tableName = z
  .string()
  .min(1, { error: 'must not be empty' })
  .refine((text) => !text.includes('\0'), { error: 'must not hold NUL' })
  .max(64, { error: 'is longer than 64 characters' });

/** The tablet types a stream may read from, in order of preference. */
export const tabletTypes = ['PRIMARY', 'REPLICA', 'RDONLY'] as const;
export const onDdlActions = ['IGNORE', 'STOP', 'EXEC', 'EXEC_IGNORE'] as const;
export const topoTypes = ['etcd2'] as const;

/** What becomes of the source's tables once the target serves them. */
export const sourceTablesActions = ['keep', 'rename', 'drop'] as const;
const duration = z.string().refine(isDuration, { error: 'must be a duration such as 30s, 1h30m or 7d' });
/** The name of a warning of preflight. */
const acceptedCheck = z.string().refine((text) => acceptable.includes(text), {
  error: ({ input }) => {
    const name = String(input);
    const severity = severityOf(name);
    return severity === undefined
      ? `names no check: ${JSON.stringify(name)}; there are ${acceptable.join(', ')}`
      : `names ${name}: ${severity === 'error' ? 'an error cannot be accepted' : 'a notice does not stop anything'}`;
  },
});

const upperCase = (text: unknown) => (typeof text === 'string' ? text.toUpperCase() : text);

/** How an external cluster's topology is reached: the fields of Vitess's TopoConfig. */
export const mountConfigSchema = z.strictObject({
  topoType: z.enum(topoTypes, { error: 'must be etcd2: consul and zookeeper are not supported yet' }),
  topoServer: z.string().regex(serversPattern, { error: 'must be host:port, or several joined by commas' }),
  topoRoot: z.string().regex(rootPattern, { error: 'must be a path such as /vitess/global' }),
});

/** How Complete goes about it: said at Create, or with Complete itself, which wins. */
const completeOptions = {
  fenceSource: z.boolean(),
  sourceTables: z.enum(sourceTablesActions, { error: `must be one of ${sourceTablesActions.join(', ')}` }),
  sourceTablesAfter: duration,
};

/** The input of the workflow type `migrate`: the public contract, in camel case. */
export const migrateInputSchema = z
  .strictObject({
    source: identifier('ext1.load'),
    target: identifier('commerce.wf'),
    all: z.boolean().default(false),
    tables: z.array(tableName).min(1, { error: 'must name a table' }).optional(),
    exclude: z.array(tableName).default([]),
    cells: z.array(name).min(1, { error: 'must name a cell' }).optional(),
    tabletTypes: z
      .array(z.preprocess(upperCase, z.enum(tabletTypes, { error: `must be one of ${tabletTypes.join(', ')}` })))
      .min(1, { error: 'must name a tablet type' })
      .default(['REPLICA', 'PRIMARY']),
    tabletTypesInPreferenceOrder: z.boolean().default(true),
    autoStart: z.boolean().default(true),
    stopAfterCopy: z.boolean().default(false),
    deferSecondaryKeys: z.boolean().default(true),
    onDdl: z
      .preprocess(upperCase, z.enum(onDdlActions, { error: `must be one of ${onDdlActions.join(', ')}` }))
      .default('IGNORE'),
    mount: mountConfigSchema.optional(),
    complete: z.enum(['signal', 'auto'], { error: 'must be "signal" or "auto"' }).default('signal'),
    fenceSource: completeOptions.fenceSource.default(false),
    vdiffMaxAge: duration.default('24h'),
    sourceTables: completeOptions.sourceTables.default('keep'),
    sourceTablesAfter: completeOptions.sourceTablesAfter.default('0s'),
    dryRun: z.boolean().default(false),
    accept: z.array(acceptedCheck).default([]),
  })
  .check((ctx) => {
    const { all, tables, exclude } = ctx.value;
    if (all === (tables !== undefined)) {
      ctx.issues.push({
        code: 'custom',
        input: ctx.value,
        path: ['tables'],
        message: all
          ? 'and all exclude each other: give one of them'
          : 'or all must be given: name the tables, or set all to true',
      });
    }
    const both = (tables ?? []).filter((table) => exclude.includes(table));
    if (both.length > 0) {
      ctx.issues.push({
        code: 'custom',
        input: exclude,
        path: ['exclude'],
        message: `names tables that are in tables too: ${both.join(', ')}`,
      });
    }
  });

/**
 * The input of the workflow type `migrate` that takes over what another run, or `vtctldclient`, has
 * left behind or still runs. What the migration was begun with comes from its record; options named
 * here win.
 */
export const adoptInputSchema = z.strictObject({
  adopt: z.enum(['complete', 'cancel'], { error: 'must be "complete" or "cancel"' }),
  source: identifier('ext1.load'),
  target: identifier('commerce.wf'),
  force: z.boolean().default(false),
  vdiffMaxAge: duration.optional(),
  fenceSource: completeOptions.fenceSource.optional(),
  sourceTables: completeOptions.sourceTables.optional(),
  sourceTablesAfter: completeOptions.sourceTablesAfter.optional(),
});

/** The input of the workflow type `audit`. */
export const auditInputSchema = z.strictObject({
  keyspace: name,
  workflow: name.optional(),
  remove: z.array(z.string().min(1, { error: 'must not be empty' })).default([]),
});

/** The input of the workflow type `mount`. */
export const mountInputSchema = z
  .strictObject({
    action: z.enum(['mount', 'unmount', 'show', 'list'], { error: 'must be mount, unmount, show or list' }),
    name: name.optional(),
    config: mountConfigSchema.optional(),
  })
  .check((ctx) => {
    const { action, name: mount, config } = ctx.value;
    if (action !== 'list' && mount === undefined) {
      ctx.issues.push({ code: 'custom', input: mount, path: ['name'], message: `is needed to ${action}` });
    }
    if (action === 'mount' && config === undefined) {
      ctx.issues.push({ code: 'custom', input: config, path: ['config'], message: 'is needed to mount' });
    }
  });

/** The payload of `complete`; none at all is valid. */
export const completeRequestSchema = z
  .strictObject({
    force: z.boolean().default(false),
    dryRun: z.boolean().default(false),
    fenceSource: completeOptions.fenceSource.optional(),
    sourceTables: completeOptions.sourceTables.optional(),
    sourceTablesAfter: completeOptions.sourceTablesAfter.optional(),
  })
  .prefault({});

export type SourceTables = (typeof sourceTablesActions)[number];
export type MountConfig = z.infer<typeof mountConfigSchema>;
export type MigrateInput = z.infer<typeof migrateInputSchema>;
export type AdoptInput = z.infer<typeof adoptInputSchema>;
export type AuditInput = z.infer<typeof auditInputSchema>;
export type MountInput = z.infer<typeof mountInputSchema>;
export type CompleteRequest = z.infer<typeof completeRequestSchema>;

/**
 * Checks a value against a schema and fills in the defaults.
 * @throws MigrationError INVALID_INPUT, naming every wrong field at once
 */
export function parseWith<S extends z.ZodType>(schema: S, value: unknown, whatItIs: string): z.output<S> {
  const result = schema.safeParse(value, { reportInput: false });
  if (result.success) return result.data;
  const problems = result.error.issues.flatMap(describeIssue);
  throw new MigrationError(
    'INVALID_INPUT',
    `${whatItIs} is not valid: ${problems.join('; ')}`,
    {},
    'correct these fields; nothing has been touched',
  );
}

function describeIssue(issue: z.core.$ZodIssue): string[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => `${[...issue.path, key].join('.')} is not an option of this version`);
  }
  const field = issue.path.length === 0 ? 'the input' : issue.path.join('.');
  const text =
    issue.code === 'invalid_type' && issue.message.startsWith('Invalid input')
      ? `must be ${article(issue.expected)}`
      : issue.message;
  return [`${field} ${text}`];
}

function article(expected: string): string {
  return /^[aeiou]/.test(expected) ? `an ${expected}` : `a ${expected}`;
}
