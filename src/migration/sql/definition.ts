import { parseDefinition } from './table-definition.js';

/** True for two definitions of one table. The order of lines means nothing where keys are built after the copy. */
export function sameDefinition(a: string | undefined, b: string): boolean {
  return a !== undefined && linesOf(a) === linesOf(b);
}

/** A definition without its partitions, which MySQL writes as its last lines, in a comment. */
export function withoutPartitions(ddl: string): string {
  return ddl.replace(/\s*\/\*!\d+ PARTITION BY [\s\S]*$/, '');
}

function linesOf(ddl: string): string {
  return ddl
    .split('\n')
    .map((line) => line.trim().replace(/,$/, ''))
    .sort()
    .join('\n');
}

const foreignKeyLine = /^ {2}CONSTRAINT `(?:[^`]|``)+` FOREIGN KEY \(/;

/** What the tables of the target are to lack. */
export interface Omissions {
  dropForeignKeys?: boolean | undefined;
  removeAutoIncrement?: boolean | undefined;
}

/** A definition of the source, as MySQL has written it, as the target is to have it. */
export function definitionWithout({ dropForeignKeys, removeAutoIncrement }: Omissions, ddl: string): string {
  const related = dropForeignKeys === true ? withoutForeignKeys(ddl) : ddl;
  return removeAutoIncrement === true ? withoutAutoIncrement(related) : related;
}

/** One key is on each line; the indexes of foreign keys stay. */
function withoutForeignKeys(ddl: string): string {
  const lines = ddl.split('\n');
  const end = lines.findLastIndex((line) => line.startsWith(')'));
  const kept = lines.slice(0, end).filter((line) => !foreignKeyLine.test(line));
  if (end < 0 || kept.length === end) return ddl;
  return [...kept.slice(0, -1), kept.at(-1)?.replace(/,$/, ''), ...lines.slice(end)].join('\n');
}

/** The word comes before a comment, which may have it as well. */
function withoutAutoIncrement(ddl: string): string {
  const { counter } = parseDefinition(ddl);
  if (counter === undefined) return ddl;
  const column = `  \`${counter.replaceAll('`', '``')}\` `;
  const lines = ddl.split('\n');
  return lines.map((line) => (line.startsWith(column) ? line.replace(' AUTO_INCREMENT', '') : line)).join('\n');
}
