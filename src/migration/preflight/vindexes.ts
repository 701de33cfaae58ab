import type { Place } from '../problem/errors.js';
import type { VSchemaFacts } from '../plan/facts.js';
import { quoteName } from '../sql/quote.js';
import { isSameVindex } from '../plan/vindex.js';
import type { TableFacts } from './facts.js';
import { finding, type Finding } from '../problem/finding.js';

/** The unique, functional vindexes of Vitess 24 (`go/vt/vtgate/vindexes`); lookups are refused when the plan is made. */
const functional = new Set([
  'binary',
  'binary_md5',
  'cfc',
  'hash',
  'multicol',
  'null',
  'numeric',
  'numeric_static_map',
  'region_experimental',
  'region_json',
  'reverse_bits',
  'unicode_loose_md5',
  'unicode_loose_xxhash',
  'xxhash',
]);

interface ColumnVindex {
  name: string;
  columns: string[];
}

/** The primary vindex of each table in a sharded target, beyond what the plan itself needs. */
export function judgeVindexes(
  tables: readonly TableFacts[],
  source: VSchemaFacts,
  target: VSchemaFacts,
  place: Place,
): Finding[] {
  if (!target.sharded) return [];
  return tables.flatMap((table) => {
    const primary = primaryVindex(target, table.name);
    if (primary === undefined) return [];
    const at = { ...place, table: table.name };
    const theirs = source.sharded ? primaryVindex(source, table.name) : undefined;
    return [
      ...judgeColumns(table, primary, at),
      ...judgeType(table, primary, target, at),
      ...(theirs === undefined ? [] : judgeMeaning(table, theirs, source, primary, target, at)),
    ];
  });
}

function primaryVindex(vschema: VSchemaFacts, table: string): ColumnVindex | undefined {
  const entry = Object.hasOwn(vschema.tables, table) ? vschema.tables[table] : undefined;
  return entry?.type === 'reference' ? undefined : entry?.columnVindexes[0];
}

function judgeColumns(table: TableFacts, primary: ColumnVindex, place: Place): Finding[] {
  return primary.columns
    .filter((column) => !table.columns.some(({ name }) => name.toLowerCase() === column.toLowerCase()))
    .map((column) =>
      finding(
        'vindex-column',
        `table ${quoteName(table.name)} has no column ${quoteName(column)}, which its primary vindex ${primary.name} takes`,
        place,
        'correct the columns of the table in the target VSchema',
      ),
    );
}

function judgeType(table: TableFacts, primary: ColumnVindex, vschema: VSchemaFacts, place: Place): Finding[] {
  const type = vschema.vindexes[primary.name]?.type;
  if (type === undefined || functional.has(type) || type.includes('lookup')) return [];
  return [
    finding(
      'vindex-unknown',
      `vindex ${primary.name} of table ${quoteName(table.name)} is of type ${type}, which Vitess 24 does not have`,
      place,
      "see that the source's vttablets know it too, and that it is unique and needs no lookup table",
    ),
  ];
}

function judgeMeaning(
  table: TableFacts,
  theirs: ColumnVindex,
  source: VSchemaFacts,
  ours: ColumnVindex,
  target: VSchemaFacts,
  place: Place,
): Finding[] {
  const vindex = target.vindexes[ours.name];
  if (
    vindex === undefined ||
    (theirs.columns.join() === ours.columns.join() && isSameVindex(source.vindexes[theirs.name], vindex))
  )
    return [];
  return [
    finding(
      'vindex-differs',
      `table ${quoteName(table.name)} is sharded by ${describe(theirs, source)} in the source and by ${describe(ours, target)} in the target`,
      place,
      'nothing: every target shard then reads every source shard',
    ),
  ];
}

function describe(vindex: ColumnVindex, vschema: VSchemaFacts): string {
  return `${vschema.vindexes[vindex.name]?.type ?? vindex.name}(${vindex.columns.map(quoteName).join(', ')})`;
}
