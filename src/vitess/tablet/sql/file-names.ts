/** Tables by InnoDB's names of them. Those with letters that MySQL abbreviates in file names are left out. */
export function tablesByFile(dbName: string, tables: readonly string[]): Map<string, string> {
  const plain = tables.filter(hasPlainFileName);
  return new Map(plain.map((table) => [`${encodeFileName(dbName)}/${encodeFileName(table)}`, table]));
}

/** True unless MySQL has an abbreviation of its own for a letter of the name. */
function hasPlainFileName(name: string): boolean {
  return /^[\x20-\x7e\u3040-\u9fff\uac00-\ud7a3]*$/.test(name);
}

/**
 * MySQL's file name for an identifier, by which InnoDB names a table: letters, digits and `_` stay as they are,
 * every other character becomes `@` and its code in four hex digits.
 */
function encodeFileName(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_]/gu, (char) => `@${(char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`);
}
