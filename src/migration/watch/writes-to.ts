/**
 * True when a stream's rule means this table. A rule that begins with a slash is a regular expression of Vitess; it
 * may mean any table.
 */
export function writesTo(rule: string, table: string): boolean {
  return rule === table || rule.startsWith('/');
}

/** Tells of each table whether one of these rules means it. */
export function writing(rules: readonly string[]): (table: string) => boolean {
  const names = new Set(rules);
  const any = rules.some((rule) => rule.startsWith('/'));
  return (table) => any || names.has(table);
}
