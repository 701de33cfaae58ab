/** `0` to `f` as Vitess writes it: every ASCII character in between, capital letters too. */
const hex = '[0-f]';

const internal = [
  // Table lifecycle and Online DDL since v20, such as _vt_hld_6ace8bcef73211ea87e9f875a4d24e90_20991231235959_.
  new RegExp(`^_vt_[a-zA-Z0-9]{3}_${hex}{32}_[0-9]{14}_$`),
  // Online DDL before it.
  new RegExp(`^_${hex}{8}(_${hex}{4}){3}_${hex}{12}_[0-9]{14}_(gho|ghc|del|new|vrepl)$`),
  // What pt-online-schema-change leaves behind, and every other table that is called so.
  /^_.*_old$/,
];

/**
 * True for a table that Vitess takes for one of its own operations: no stream sends its rows, and VDiff passes over it.
 * Follows `IsInternalOperationTableName` of go/vt/schema/name.go.
 */
export function isInternalTable(name: string): boolean {
  return internal.some((pattern) => pattern.test(name));
}

const workingTables = [
  { of: 'gh-ost', pattern: /^_(.+)_(?:gho|ghc|del)$/ },
  { of: 'pt-online-schema-change', pattern: /^_+(.+)_new$/ },
];

/** The table that a schema change is at work on, by the name of its working table, and the program; or undefined. */
export function workingTableOf(name: string): { table: string; program: string } | undefined {
  for (const { of: program, pattern } of workingTables) {
    const table = pattern.exec(name)?.[1];
    if (table !== undefined && !isInternalTable(name)) return { table, program };
  }
  return undefined;
}
