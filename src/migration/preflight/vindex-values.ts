import type { VSchemaFacts } from '../plan/facts.js';
import { streamsOf } from '../plan/plan.js';
import type { ColumnFacts } from '../plan/table-facts.js';
import { primaryVindex } from '../plan/vindex.js';
import { quoteName } from '../sql/quote.js';
import type { DoubtfulColumn, Facts, Unmapped } from './facts.js';
import { tablesOf } from './tables.js';

/** What a vindex of Vitess 24 takes a value for: `bytes` are the keyspace ID itself, which is never empty. */
type Use = 'number' | 'signed number' | 'bytes' | 'hash' | 'name' | 'other';

const uses: Record<string, Use | undefined> = {
  hash: 'signed number',
  numeric: 'number',
  numeric_static_map: 'number',
  region_experimental: 'number',
  region_json: 'number',
  reverse_bits: 'number',
  binary: 'bytes',
  cfc: 'bytes',
  binary_md5: 'hash',
  unicode_loose_md5: 'hash',
  unicode_loose_xxhash: 'hash',
  xxhash: 'hash',
};

/** The columns of planned tables by which a stream may not find the shard of a row. */
export function doubtfulColumns(facts: VindexFacts): DoubtfulColumn[] {
  return vindexColumns(facts).flatMap(({ table, column, vindex, use }) =>
    unmappedIn(column, use).map((unmapped) => ({ table, column: column.name, vindex, unmapped })),
  );
}

/** The columns of planned tables of which every NULL comes to one shard. */
export function hashedNulls(facts: VindexFacts): Omit<DoubtfulColumn, 'unmapped'>[] {
  return vindexColumns(facts)
    .filter(({ column, use }) => column.nullable && use === 'hash')
    .map(({ table, column, vindex }) => ({ table, column: column.name, vindex }));
}

type VindexFacts = Pick<Facts, 'plan' | 'sourceDetails' | 'targetVSchema'>;

interface VindexColumn {
  table: string;
  column: ColumnFacts;
  vindex: string;
  use: Use;
}

/** None where no stream is filtered: every row then has its shard, whatever its values. */
function vindexColumns({ plan, sourceDetails, targetVSchema }: VindexFacts): VindexColumn[] {
  const filtered = plan.target.shards.some((shard) => streamsOf(plan, shard).some((stream) => stream.filtered));
  if (!targetVSchema.sharded || !filtered) return [];
  return tablesOf(sourceDetails).flatMap((table) => {
    const primary = primaryVindex(targetVSchema, table.name);
    const vindex = targetVSchema.vindexes[primary?.name ?? ''];
    return (primary?.columns ?? []).flatMap((name, n): VindexColumn[] => {
      const column = table.columns.find((each) => each.name.toLowerCase() === name.toLowerCase());
      if (column === undefined || vindex === undefined) return [];
      return [{ table: table.name, column, vindex: primary?.name ?? '', use: useOf(vindex, n) }];
    });
  });
}

/** @param n of the column among those of the vindex */
function useOf({ type, params }: VSchemaFacts['vindexes'][string], n: number): Use {
  if (type === 'region_json' && n === 1) return 'name';
  if (type !== 'multicol') return uses[type] ?? 'other';
  const part = (params['column_vindex'] ?? '').split(',')[n]?.trim() ?? '';
  const use = uses[part === '' ? 'hash' : part] ?? 'other';
  // Its keyspace ID has bytes of every column, so that those of one may be none.
  return use === 'bytes' ? 'hash' : use;
}

function unmappedIn({ nullable, type }: ColumnFacts, use: Use): Unmapped[] {
  if (use === 'hash' || use === 'other') return [];
  const nulls: Unmapped[] = nullable ? ['null'] : [];
  if (use === 'name') return nulls;
  if (use === 'bytes') return /char|text|binary|blob/i.test(type) ? [...nulls, 'empty'] : nulls;
  if (!/^(tiny|small|medium|big)?int\b|^year\b/i.test(type)) return [...nulls, 'text'];
  return use === 'signed number' || /unsigned|^year/i.test(type) ? nulls : [...nulls, 'negative'];
}

const words: Record<Unmapped, string> = {
  null: 'NULL',
  empty: 'the empty string',
  negative: 'a negative number',
  text: 'what is not a whole number',
};

/** `c of table t, to which its primary vindex v gives no keyspace ID when it is NULL` */
export function describeDoubt({ table, column, vindex, unmapped }: DoubtfulColumn): string {
  return (
    `column ${quoteName(column)} of table ${quoteName(table)}, and the primary vindex ${vindex} ` +
    `has no keyspace ID for ${words[unmapped]}`
  );
}
