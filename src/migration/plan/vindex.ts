import type { VSchemaFacts } from './facts.js';
import { finding, type Finding } from '../problem/finding.js';
import { quoteName } from '../sql/quote.js';

/** The vindex a stream filters with: how it is named in `in_keyrange`, and the columns it takes. */
export interface VindexChoice {
  name: string;
  columns: string[];
}

/** Vindex types that need a lookup table: a stream of the source cannot evaluate them. */
const lookupTypes = /^(consistent_)?lookup/;

/**
 * Chooses how the rows of a table find their target shard: the table's primary vindex.
 *
 * Vitess names the vindex in the source keyspace's VSchema, where an unsharded source
 * has none. The stream engine takes an unqualified vindex type as well, which needs
 * nothing of the source as long as the vindex has no parameters (docs/adr/0003).
 * A reference table has no filter: every shard gets all of it.
 */
export function chooseVindex(
  table: string,
  source: VSchemaFacts,
  target: VSchemaFacts,
  names: { source: { mount: string; keyspace: string }; targetKeyspace: string },
): { vindex?: VindexChoice } | { problem: Finding } {
  const place = { cluster: 'target', keyspace: names.targetKeyspace, table };
  const refuse = (code: 'VSCHEMA_TABLE_MISSING' | 'VINDEX_UNUSABLE', message: string, remedy: string) => ({
    problem: finding(code === 'VINDEX_UNUSABLE' ? 'vindex-usable' : 'vschema-entry', message, place, remedy, code),
  });

  const entry = Object.hasOwn(target.tables, table) ? target.tables[table] : undefined;
  if (entry === undefined) {
    return refuse(
      'VSCHEMA_TABLE_MISSING',
      `table ${quoteName(table)} is not in the VSchema of the sharded target`,
      'add it with a primary vindex (vtctldclient ApplyVSchema), or leave it out with -exclude',
    );
  }
  if (entry.type === 'reference') return {};
  const primary = entry.columnVindexes[0];
  if (primary === undefined || primary.columns.length === 0) {
    return refuse(
      'VINDEX_UNUSABLE',
      `table ${quoteName(table)} has no primary vindex`,
      'give it one in the target VSchema, or make it a reference table',
    );
  }
  const vindex = target.vindexes[primary.name];
  if (vindex === undefined) {
    return refuse(
      'VINDEX_UNUSABLE',
      `vindex ${primary.name} of table ${quoteName(table)} is not defined`,
      'define it in the target VSchema',
    );
  }
  if (lookupTypes.test(vindex.type)) {
    return refuse(
      'VINDEX_UNUSABLE',
      `the primary vindex of table ${quoteName(table)} is a lookup (${vindex.type})`,
      'a primary vindex must be functional',
    );
  }
  if (isSameVindex(source.vindexes[primary.name], vindex)) {
    return { vindex: { name: `${names.source.keyspace}.${primary.name}`, columns: primary.columns } };
  }
  if (Object.keys(vindex.params).length === 0) return { vindex: { name: vindex.type, columns: primary.columns } };
  return refuse(
    'VINDEX_UNUSABLE',
    `vindex ${primary.name} (${vindex.type}) has parameters, which the source cannot know`,
    `add the same vindex, ${primary.name}, to the VSchema of ${names.source.keyspace} in the source cluster`,
  );
}

/** The same type with the same parameters: the same rows in the same shards. */
export function isSameVindex(
  a: VSchemaFacts['vindexes'][string] | undefined,
  b: VSchemaFacts['vindexes'][string],
): boolean {
  if (a?.type !== b.type) return false;
  const keys = new Set([...Object.keys(a.params), ...Object.keys(b.params)]);
  return [...keys].every((key) => a.params[key] === b.params[key]);
}
