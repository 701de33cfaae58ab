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
