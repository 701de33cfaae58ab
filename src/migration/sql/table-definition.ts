/** A key as `show create table` has it. */
export interface DefinedKey {
  name: string;
  kind: 'primary' | 'unique' | 'fulltext' | 'other';
  parts: KeyPart[];
}

/** A column of a key; without a name for an expression. */
export interface KeyPart {
  column: string;
  /** Only the first characters of the column. */
  prefix: boolean;
}

export interface DefinedForeignKey {
  name: string;
  columns: string[];
  /** The table, in whatever database. */
  references: string;
  referenced: string[];
}

/** The keys and constraints of a table. */
export interface TableDefinition {
  /** The AUTO_INCREMENT column. */
  counter: string | undefined;
  nullable: ReadonlySet<string>;
  keys: DefinedKey[];
  foreignKeys: DefinedForeignKey[];
  /** Names of CHECK constraints. */
  checks: string[];
}

const name = '`((?:[^`]|``)+)`';
const columnLine = new RegExp(`^  ${name} (.*)$`);
const keyLine = new RegExp(`^  (?:(PRIMARY)|(UNIQUE |FULLTEXT |SPATIAL )?KEY ${name})(?: KEY)? \\((.*)$`);
const foreignKeyLine = new RegExp(
  `^  CONSTRAINT ${name} FOREIGN KEY \\((.*?)\\) REFERENCES (?:${name}\\.)?${name} \\((.*?)\\)`,
);
const checkLine = new RegExp(`^  CONSTRAINT ${name} CHECK `);

/** Reads the keys and constraints of a definition that MySQL has written: one on each line. */
export function parseDefinition(ddl: string): TableDefinition {
  const lines = ddl.split('\n');
  const columns = lines.flatMap((line) => {
    const [, column = '', rest = ''] = columnLine.exec(line) ?? [];
    // What follows the first literal or comment may be text of a person.
    return column === '' ? [] : [{ column: unquoted(column), words: rest.replace(/ (COMMENT|DEFAULT) '.*$/, '') }];
  });
  return {
    counter: columns.find(({ words }) => / AUTO_INCREMENT\b/.test(words))?.column,
    nullable: new Set(columns.flatMap(({ column, words }) => (/ NOT NULL\b/.test(words) ? [] : [column]))),
    keys: lines.flatMap(keyOf),
    foreignKeys: lines.flatMap(foreignKeyOf),
    checks: lines.flatMap((line) => checkLine.exec(line)?.slice(1, 2).map(unquoted) ?? []),
  };
}

/** True when MySQL takes the table for one with a primary key: a unique key of whole columns without NULLs is one. */
export function hasRowKey({ keys, nullable }: TableDefinition): boolean {
  return keys.some(({ kind, parts }) => {
    if (kind === 'primary') return true;
    return kind === 'unique' && parts.every(({ column, prefix }) => column !== '' && !prefix && !nullable.has(column));
  });
}

function keyOf(line: string): DefinedKey[] {
  const match = keyLine.exec(line);
  if (match === null) return [];
  const [, primary, kind = '', key = '', parts = ''] = match;
  if (primary !== undefined) return [{ name: 'PRIMARY', kind: 'primary', parts: partsOf(parts) }];
  const is = kind === 'UNIQUE ' ? 'unique' : kind === 'FULLTEXT ' ? 'fulltext' : 'other';
  return [{ name: unquoted(key), kind: is, parts: partsOf(parts) }];
}

/** The columns up to the parenthesis that ends the list. */
function partsOf(text: string): KeyPart[] {
  const part = new RegExp(`(?:${name}(\\(\\d+\\))?|(\\())(?: ASC| DESC)?([,)])?`, 'y');
  const parts: KeyPart[] = [];
  for (;;) {
    const match = part.exec(text);
    if (match === null) return parts;
    const [, column = '', prefix, expression] = match;
    if (expression !== undefined) part.lastIndex = endOfExpression(text, part.lastIndex);
    parts.push({ column: unquoted(column), prefix: prefix !== undefined });
    const end = expression === undefined ? match[4] : text[part.lastIndex - 1];
    if (end !== ',') return parts;
  }
}

/** Where the part of a key goes on that follows an expression. */
function endOfExpression(text: string, start: number): number {
  const token = /'(?:[^'\\]|\\.|'')*'|`(?:[^`]|``)*`|[()]/g;
  token.lastIndex = start;
  for (let depth = 1; depth > 0;) {
    const found = token.exec(text)?.[0];
    if (found === undefined) return text.length + 1;
    if (found === '(') depth++;
    if (found === ')') depth--;
  }
  return token.lastIndex + (/^(?: ASC| DESC)?[,)]/.exec(text.slice(token.lastIndex))?.[0].length ?? 1);
}

function foreignKeyOf(line: string): DefinedForeignKey[] {
  const match = foreignKeyLine.exec(line);
  if (match === null) return [];
  const [, key = '', columns = '', , references = '', referenced = ''] = match;
  return [
    {
      name: unquoted(key),
      columns: namesIn(columns),
      references: unquoted(references),
      referenced: namesIn(referenced),
    },
  ];
}

function namesIn(text: string): string[] {
  return [...text.matchAll(new RegExp(name, 'g'))].map(([, each = '']) => unquoted(each));
}

function unquoted(text: string): string {
  return text.replaceAll('``', '`');
}
