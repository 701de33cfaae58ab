/** What separates words, comments and strings from names in a statement. */
const token =
  /`((?:[^`]|``)*)`|'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|\/\*[\s\S]*?\*\/|--[^\n]*|#[^\n]*|([\p{L}\p{N}_$]+)/gu;

/**
 * Those of the tables that a statement names anywhere. It may name one without touching it; what it touches, it names.
 */
export function tablesNamedIn(statement: string, tables: readonly string[]): string[] {
  const names = new Set<string>();
  // What is in a comment of the form /*!50000 … */ is executed.
  const text = statement.replace(/\/\*!\d*([\s\S]*?)\*\//g, ' $1 ');
  for (const [, quoted, bare] of text.matchAll(token)) {
    const name = quoted?.replaceAll('``', '`') ?? bare;
    if (name !== undefined) names.add(name.toLowerCase());
  }
  return tables.filter((table) => names.has(table.toLowerCase()));
}
