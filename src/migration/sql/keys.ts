const added = /\badd\s+(?:(?:unique|fulltext|spatial)\s+)?(?:key|index)\s+(`(?:[^`]|``)+`|[^\s`(]+)/gi;

/**
 * True when a table has every key that a statement adds: the one by which Vitess builds the secondary keys that a copy
 * has deferred.
 * @param definition as `show create table` has it
 * @param statement `alter table t add key a (x), add unique key b (y)`
 */
export function hasKeys(definition: string, statement: string): boolean {
  const names = [...statement.matchAll(added)].flatMap(([, name]) => name ?? []);
  return (
    names.length > 0 &&
    names.every((name) => definition.includes(` KEY ${name.startsWith('`') ? name : `\`${name}\``} (`))
  );
}
