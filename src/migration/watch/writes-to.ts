/**
 * Tells of each table whether one of these rules of streams means it. A rule that begins with a slash is a regular
 * expression of Vitess; it may mean any table.
 */
export function writing(rules: readonly string[]): (table: string) => boolean {
  const names = new Set(rules);
  const any = rules.some((rule) => rule.startsWith('/'));
  return (table) => any || names.has(table);
}
