/** True for two definitions of one table. The order of lines means nothing where keys are built after the copy. */
export function sameDefinition(a: string | undefined, b: string): boolean {
  return a !== undefined && linesOf(a) === linesOf(b);
}

function linesOf(ddl: string): string {
  return ddl
    .split('\n')
    .map((line) => line.trim().replace(/,$/, ''))
    .sort()
    .join('\n');
}
