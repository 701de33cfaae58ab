import { z } from 'zod';
import type * as kinds from './kinds.js';

/**
 * What an option belongs to: actions of `Migrate`, the input that adopts a migration, and `Workflow Update`, which
 * changes a running one.
 */
export type Action = 'Create' | 'Complete' | 'Adopt' | 'Update';

/** An option of a migration, declared once: JSON contract, command line, help and docs/input.md derive from it. */
export interface Option {
  kind: kinds.Kind;
  /** Checks the JSON field and holds its default. */
  schema: z.ZodType;
  of: readonly Action[];
  /** Complete and Adopt leave the value that holds, from Create or Update, unless they name another one. */
  kept?: true;
  /** The flag's name with dashes; an option without one cannot be given as a flag. */
  flag?: string;
  aliases?: readonly string[];
  about: string;
  /** What holds without the option, where the schema has no default. */
  absent?: string;
}

export const required = <S extends z.ZodType>(kind: kinds.Kind<S>) => ({ kind, schema: kind.schema });
export const optional = <S extends z.ZodType>(kind: kinds.Kind<S>) => ({ kind, schema: kind.schema.optional() });
export const withDefault = <S extends z.ZodType>(kind: kinds.Kind<S>, value: z.util.NoUndefined<z.output<S>>) => ({
  kind,
  schema: z._default(kind.schema, value),
});

/** The default of an option; undefined when it has none. */
export function defaultOf(option: Option): unknown {
  const { data } = option.schema.safeParse(undefined);
  return data;
}
