/** Values of a key's columns, each as its `KeyForm` writes it. */
export type Key = readonly string[];

/** Rows after one key and up to another one; null stands for the end of the table. */
export interface KeyRange {
  after: Key | null;
  upTo: Key | null;
}

/** The rows that a checksum is of. */
export type Scope = { range: KeyRange } | { keys: readonly Key[] };

export const wholeTable: KeyRange = { after: null, upTo: null };

/** A number of rows, and the sum of their checksums: of two sets of rows it is the sum of theirs. */
export interface Checksum {
  rows: number;
  /** 64 bits of each row's SHA-256, added up: a decimal number. */
  sum: string;
}

export function addChecksums(parts: readonly Checksum[]): Checksum {
  return {
    rows: parts.reduce((rows, part) => rows + part.rows, 0),
    sum: parts.reduce((sum, part) => sum + BigInt(part.sum), 0n).toString(),
  };
}

export function sameChecksum(a: Checksum, b: Checksum): boolean {
  return a.rows === b.rows && a.sum === b.sum;
}

/** A row of a small scope: its key, and its own checksum. */
export interface RowChecksum {
  key: Key;
  sum: string;
}

/** Keys of rows that are not the same on both sides, in the order in which they were given. */
export function differingKeys(source: readonly RowChecksum[], target: readonly RowChecksum[]): Key[] {
  const rows = new Map<string, { key: Key; source: string[]; target: string[] }>();
  const of = ({ key }: RowChecksum) => {
    const id = keyId(key);
    const found = rows.get(id) ?? { key, source: [], target: [] };
    rows.set(id, found);
    return found;
  };
  for (const row of source) of(row).source.push(row.sum);
  for (const row of target) of(row).target.push(row.sum);
  const differ = (a: string[], b: string[]) => a.sort().join() !== b.sort().join();
  return [...rows.values()].filter((row) => differ(row.source, row.target)).map(({ key }) => key);
}

/** A text that is the same for the same key. */
export function keyId(key: Key): string {
  return JSON.stringify(key);
}
