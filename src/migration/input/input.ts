import { z } from 'zod';
import { MigrationError } from '../problem/errors.js';
import { isName, nameHint } from './identifier.js';
import { mountConfigSchema, name, tableName } from './kinds.js';
import { fieldsOf, shapeOf, type sourceTablesActions } from './options.js';
import { Undecodable } from './undecodable.js';

/** The input of the workflow type `migrate`: the public contract, in camel case. */
export const migrateInputSchema = z.strictObject(shapeOf('Create')).check((ctx) => {
  const { all, tables, exclude, cells, allCells } = ctx.value;
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
  if (allCells && cells !== undefined)
    ctx.issues.push({ code: 'custom', input: cells, path: ['cells'], message: 'and allCells exclude each other' });
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

/** For what a person sends: a record may have had its fence taken back since. */
export function needsFence(
  ctx: z.core.ParsePayload<{ insideFence?: string | undefined; fenceSource?: boolean | undefined }>,
): void {
  const { insideFence, fenceSource = false } = ctx.value;
  if (insideFence === undefined || fenceSource) return;
  ctx.issues.push({
    code: 'custom',
    input: insideFence,
    path: ['insideFence'],
    message: 'needs fenceSource beside it',
  });
}

/**
 * The input of the workflow type `migrate` that adopts a migration found in the cluster: one that an
 * earlier run or `vtctldclient` has left. What it was created with comes from its record; options
 * named here win.
 */
export const adoptInputSchema = z
  .strictObject({
    adopt: z.enum(['complete', 'cancel'], { error: 'must be "complete" or "cancel"' }),
    ...shapeOf('Adopt'),
  })
  .check(needsFence);

/** The payload of `complete`; none at all is valid. */
export const completeRequestSchema = z
  .strictObject(shapeOf('Complete'))
  .check((ctx) => {
    const { dryRun, leaveTables = [] } = ctx.value;
    if (dryRun && leaveTables.length > 0)
      ctx.issues.push({
        code: 'custom',
        input: leaveTables,
        path: ['leaveTables'],
        message: 'and dryRun exclude each other: a dry run lets no table leave',
      });
  })
  .check(needsFence)
  .prefault({});

/** The payload of `updateOptions`: what is not named stays as it is. */
export const optionsRequestSchema = z.strictObject(shapeOf('Update')).check((ctx) => {
  if (Object.values(ctx.value).every((value) => value === undefined))
    ctx.issues.push({
      code: 'custom',
      input: ctx.value,
      message: `names no option: it takes ${fieldsOf('Update').join(', ')}`,
    });
});

/** The payload of `leave`. */
export const leaveRequestSchema = z.strictObject({
  tables: z
    .array(tableName, { error: ({ input }) => (input === undefined ? 'must name the tables that leave' : undefined) })
    .min(1, { error: 'must name a table' }),
});

/** The input of the workflow type `readiness`: a migration, and how Complete would go. */
export const readinessInputSchema = z
  .strictObject({ target: shapeOf('Create').target, ...shapeOf('Complete'), dryRun: z.literal(true).default(true) })
  .omit({ leaveTables: true })
  .check(needsFence);

/** The input of the workflow type `tables`. */
export const tablesInputSchema = z.strictObject({
  target: shapeOf('Create').target,
  page: z.int({ error: 'must be a whole number' }).min(1, { error: 'must be 1 or more' }).default(1),
});

/** The input of the workflow type `audit`. */
export const auditInputSchema = z.strictObject({
  keyspace: name,
  workflow: name.optional(),
  remove: z.array(z.string().min(1, { error: 'must not be empty' })).default([]),
});

const mountName = (action: string) =>
  z
    .string({ error: ({ input }) => (input === undefined ? `is needed to ${action}` : undefined) })
    .refine(isName, { error: `must be a name (${nameHint})` });

/** The input of the workflow type `mount`. */
export const mountInputSchema = z.discriminatedUnion(
  'action',
  [
    z.strictObject({ action: z.literal('mount'), name: mountName('mount'), config: mountConfigSchema }),
    z.strictObject({ action: z.literal('unmount'), name: mountName('unmount') }),
    z.strictObject({ action: z.literal('show'), name: mountName('show') }),
    z.strictObject({ action: z.literal('list') }),
  ],
  { error: ({ input }) => (typeof input === 'object' ? 'must be mount, unmount, show or list' : undefined) },
);

export type SourceTables = (typeof sourceTablesActions)[number];
export type MountConfig = z.infer<typeof mountConfigSchema>;
/** The input of `migrate` as a caller writes it, without the defaults. */
export type RawMigrateInput = z.input<typeof migrateInputSchema>;
export type MigrateInput = z.infer<typeof migrateInputSchema>;
export type AdoptInput = z.infer<typeof adoptInputSchema>;
/** The input of `readiness` as a caller writes it. */
export type ReadinessInput = z.input<typeof readinessInputSchema>;
/** The input of `tables` as a caller writes it. */
export type TablesInput = z.input<typeof tablesInputSchema>;
export type AuditInput = z.infer<typeof auditInputSchema>;
export type MountInput = z.infer<typeof mountInputSchema>;
/** The payload of `complete` as a caller writes it, without the defaults. */
export type RawCompleteRequest = NonNullable<z.input<typeof completeRequestSchema>>;
export type LeaveRequest = z.infer<typeof leaveRequestSchema>;
export type OptionsRequest = z.infer<typeof optionsRequestSchema>;
export type CompleteRequest = z.infer<typeof completeRequestSchema>;

/**
 * Checks a value against a schema and fills in the defaults.
 * @throws MigrationError INVALID_INPUT, naming every wrong field at once
 */
export function parseWith<S extends z.ZodType>(schema: S, value: unknown, whatItIs: string): z.output<S> {
  if (value instanceof Undecodable) throw undecodable(value, whatItIs);
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

function undecodable({ encoding, reason }: Undecodable, whatItIs: string): MigrationError {
  return new MigrationError(
    'INVALID_INPUT',
    `${whatItIs} cannot be decoded: its encoding is ${JSON.stringify(encoding)} (${reason})`,
    {},
    'send it as plain JSON, without a codec: the worker has none',
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
