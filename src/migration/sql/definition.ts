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

/** A definition that MySQL has written, one key on each line, without its foreign keys; their indexes stay. */
export function withoutForeignKeys(ddl: string): string {
  const lines = ddl.split('\n');
  const end = lines.findLastIndex((line) => line.startsWith(')'));
  const kept = lines.slice(0, end).filter((line) => !foreignKeyLine.test(line));
  if (end < 0 || kept.length === end) return ddl;
  return [...kept.slice(0, -1), kept.at(-1)?.replace(/,$/, ''), ...lines.slice(end)].join('\n');
}
