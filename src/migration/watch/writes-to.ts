/**
 * True when a stream's rule may write to a table. A rule that begins with a slash is a regular expression of Go's,
 * which JavaScript cannot judge: it may write to any table.
 * @param rule the `match` of a rule in `_vt.vreplication`
 */
export function writesTo(rule: string, table: string): boolean {
  return rule === table || rule.startsWith('/');
}
