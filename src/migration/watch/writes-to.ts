/**
 * True when a stream's rule means this table. A rule that begins with a slash is a regular expression of Vitess; it
 * may mean any table.
 */
export function writesTo(rule: string, table: string): boolean {
  return rule === table || rule.startsWith('/');
}
