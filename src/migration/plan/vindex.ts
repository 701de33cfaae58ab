import { quoteName } from '../sql/quote.js';
import type { VSchemaFacts } from './facts.js';

/** The vindex a stream filters with: how it is named in `in_keyrange`, and the columns it takes. */
export interface VindexChoice {
  name: string;
  columns: string[];
}

/** How the rows of a table find their target shard; `every`: each shard gets all of them. */
export type Distribution =
  | { by: 'vindex'; vindex: VindexChoice }
  | { by: 'every' }
  | { by: 'nothing'; lacks: 'entry' }
  | { by: 'nothing'; lacks: 'vindex'; why: string; remedy: string };

/** Vindex types that need a lookup table: a stream of the source cannot evaluate them. */
const lookupTypes = /^(consistent_)?lookup/;

/**
 * Chooses how the rows of a table find their shard of a sharded target: by the table's primary vindex.
 *
 * Vitess names the vindex in the source keyspace's VSchema, where an unsharded source
 * has none. The stream engine takes an unqualified vindex type as well, which needs
 * nothing of the source as long as the vindex has no parameters (docs/adr/0003).
 * A reference table has no filter: every shard gets all of it.
 */
export function distributionOf(
  table: string,
  source: VSchemaFacts,
  target: VSchemaFacts,
  sourceKeyspace: string,
): Distribution {
  const entry = entryOf(target, table);
  if (entry === undefined) return { by: 'nothing', lacks: 'entry' };
  if (entry.type === 'reference') return { by: 'every' };
  const primary = entry.columnVindexes[0];
  if (primary === undefined || primary.columns.length === 0)
    return lacking(
      `table ${quoteName(table)} has no primary vindex`,
      'give it one in the target VSchema, or make it a reference table',
    );
  const vindex = target.vindexes[primary.name];
  if (vindex === undefined)
    return lacking(
      `vindex ${primary.name} of table ${quoteName(table)} is not defined`,
      'define it in the target VSchema',
    );
  if (lookupTypes.test(vindex.type))
    return lacking(
      `the primary vindex of table ${quoteName(table)} is a lookup (${vindex.type})`,
      'a primary vindex must be functional',
    );
  const { columns } = primary;
  if (isSameVindex(source.vindexes[primary.name], vindex))
    return { by: 'vindex', vindex: { name: `${sourceKeyspace}.${primary.name}`, columns } };
  if (Object.keys(vindex.params).length === 0) return { by: 'vindex', vindex: { name: vindex.type, columns } };
  return lacking(
    `vindex ${primary.name} (${vindex.type}) has parameters, which the source cannot know`,
    `add the same vindex, ${primary.name}, to the VSchema of ${sourceKeyspace} in the source cluster`,
  );
}

function lacking(why: string, remedy: string): Distribution {
  return { by: 'nothing', lacks: 'vindex', why, remedy };
}

/** A table's entry in a VSchema. */
export function entryOf(vschema: VSchemaFacts, table: string): VSchemaFacts['tables'][string] | undefined {
  return Object.hasOwn(vschema.tables, table) ? vschema.tables[table] : undefined;
}

/** What an entry of a VSchema may be besides a plain table. */
export type TableType = 'sequence' | 'reference';

/** The type of a table in a VSchema; empty for a plain table, and for one without an entry. */
export function tableType(vschema: VSchemaFacts, table: string): TableType | '' {
  const type = entryOf(vschema, table)?.type;
  return type === 'sequence' || type === 'reference' ? type : '';
}

/** The vindex that decides on the shard of a row; a reference table has none. */
export function primaryVindex(vschema: VSchemaFacts, table: string): { name: string; columns: string[] } | undefined {
  const entry = entryOf(vschema, table);
  return entry?.type === 'reference' ? undefined : entry?.columnVindexes[0];
}

/**
 * True when every one of these tables has the same primary vindex on both sides, so that a row's keyspace ID is the
 * same on both. Vitess's `primaryVindexesDiffer` asks the same.
 */
export function haveSameVindexes(tables: readonly string[], source: VSchemaFacts, target: VSchemaFacts): boolean {
  if (!source.sharded || !target.sharded) return false;
  return tables.every((table) => {
    const [theirs, ours] = [primaryVindex(source, table), primaryVindex(target, table)];
    if (theirs === undefined || ours === undefined) return theirs === ours;
    return isSameChoice(theirs, source, ours, target);
  });
}

/** True when two primary vindexes put each row into the same place. */
export function isSameChoice(
  theirs: { name: string; columns: string[] },
  source: VSchemaFacts,
  ours: { name: string; columns: string[] },
  target: VSchemaFacts,
): boolean {
  const vindex = target.vindexes[ours.name];
  const lower = (columns: string[]) => columns.map((column) => column.toLowerCase()).join();
  return (
    vindex !== undefined &&
    lower(theirs.columns) === lower(ours.columns) &&
    isSameVindex(source.vindexes[theirs.name], vindex)
  );
}

/** The same type with the same parameters: the same rows in the same shards. */
function isSameVindex(a: VSchemaFacts['vindexes'][string] | undefined, b: VSchemaFacts['vindexes'][string]): boolean {
  if (a?.type !== b.type) return false;
  const keys = new Set([...Object.keys(a.params), ...Object.keys(b.params)]);
  return [...keys].every((key) => a.params[key] === b.params[key]);
}
