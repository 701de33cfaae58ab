import { keywords } from './keywords.js';

/**
 * The one place where names and values are quoted for SQL. A name is put in
 * backticks only where Vitess's own formatter (`sqlparser` `formatID`) would do it,
 * so that a filter written here equals the filter Vitess writes.
 */
export function quoteName(name: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !keywords.has(name.toLowerCase())) return name;
  return `\`${name.replaceAll('`', '``')}\``;
}

/** A string literal for MySQL in its default `sql_mode`. */
export function quoteString(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** A comma separated list of string literals, for `in (…)`. */
export function quoteStrings(values: readonly string[]): string {
  return values.map(quoteString).join(', ');
}
