import type { Place } from '../problem/errors.js';
import type { VSchemaFacts } from '../plan/facts.js';
import { quoteName } from '../sql/quote.js';
import type { ColumnFacts, TableFacts } from './facts.js';
import { finding, type Finding } from '../problem/finding.js';

/** The tables to move as the source has them, the whole source keyspace's foreign keys, and where they go. */
export interface TablesToJudge {
  tables: readonly TableFacts[];
  views: readonly string[];
  source: Place;
  target: { sharded: boolean; vschema: VSchemaFacts; place: Place };
}

const enforced = new Set(['CASCADE', 'SET NULL', 'SET DEFAULT']);

/** What about the source's tables makes them hard to move. */
export function judgeTables({ tables, views, source, target }: TablesToJudge): Finding[] {
  const moved = new Set(tables.map(({ name }) => name));
  const found = tables.flatMap((table) => {
    const place = { ...source, table: table.name };
    return [
      ...judgeKeys(table, place),
      ...judgeForeignKeys(table, place, moved, target.sharded),
      ...judgeContents(table, place),
      ...(target.sharded ? judgeAutoIncrement(table, target) : []),
    ];
  });
  if (views.length > 0) {
    found.push(
      finding('view', `views are not copied: ${list(views)}`, source, 'create them in the target after Complete'),
    );
  }
  return found;
}

function judgeKeys(table: TableFacts, place: Place): Finding[] {
  if (table.uniqueKeys.some(({ name }) => name === 'PRIMARY')) return [];
  const usable = table.uniqueKeys.find(({ notNull }) => notNull);
  if (usable !== undefined) {
    return [
      finding(
        'unique-key-only',
        `table ${quoteName(table.name)} has no primary key; its rows are told apart by the unique key ${quoteName(usable.name)}`,
        place,
        'nothing: Vitess uses that key',
      ),
    ];
  }
  return [
    finding(
      'no-primary-key',
      `table ${quoteName(table.name)} has neither a primary key nor a unique key without NULLs`,
      place,
      'give it one in the source: without, a change of one row may hit every row like it, and a resumed copy may repeat rows',
    ),
  ];
}

function judgeForeignKeys(table: TableFacts, place: Place, moved: ReadonlySet<string>, sharded: boolean): Finding[] {
  return table.foreignKeys.flatMap((key) => {
    const what = `foreign key ${quoteName(key.name)} of table ${quoteName(table.name)} references ${quoteName(key.references)}`;
    const found: Finding[] = [];
    if (!moved.has(key.references)) {
      found.push(
        finding(
          'foreign-key-outside',
          `${what}, which is not moved`,
          place,
          'move both tables, or drop the constraint in the source: in the target it would point to nothing',
        ),
      );
    }
    if (sharded) {
      found.push(
        finding(
          'foreign-key-sharded',
          `${what}; a sharded target checks it within each shard only`,
          place,
          'see that parent and child have the same vindex on the same value, or drop the constraint',
        ),
      );
    }
    const actions = [key.onUpdate, key.onDelete].filter((action) => enforced.has(action));
    if (actions.length > 0) {
      found.push(
        finding(
          'foreign-key-cascade',
          `${what} with ${[...new Set(actions)].join(' and ')}; MySQL may leave what it changes that way out of the binary log`,
          place,
          'keep parents from being updated or deleted while the migration lasts, or drop the constraint in the source; VDiff shows what was missed',
        ),
      );
    }
    return found.length > 0
      ? found
      : [
          finding(
            'foreign-key',
            `${what}; both are moved`,
            place,
            'nothing: rows are copied with foreign key checks off',
          ),
        ];
  });
}

function judgeContents(table: TableFacts, place: Place): Finding[] {
  const name = quoteName(table.name);
  const found: Finding[] = [];
  if (table.triggers.length > 0) {
    found.push(
      finding(
        'trigger',
        `table ${name} has triggers, which are not copied: ${list(table.triggers)}`,
        place,
        'see that what they do is done elsewhere once applications write to the target',
      ),
    );
  }
  if (table.engine.toLowerCase() !== 'innodb') {
    found.push(
      finding(
        'engine',
        `table ${name} is of engine ${table.engine}: it cannot be read at one moment in time`,
        place,
        'ALTER TABLE … ENGINE = InnoDB in the source, or stop its writers while it is copied',
      ),
    );
  }
  const generated = table.columns.filter((column) => column.generated).map((column) => column.name);
  if (generated.length > 0) {
    found.push(
      finding(
        'generated-column',
        `table ${name} has generated columns: ${list(generated)}`,
        place,
        'nothing: the target computes them itself',
      ),
    );
  }
  return found;
}

function judgeAutoIncrement(table: TableFacts, target: TablesToJudge['target']): Finding[] {
  const column = table.columns.find(({ autoIncrement }) => autoIncrement);
  const entry = Object.hasOwn(target.vschema.tables, table.name) ? target.vschema.tables[table.name] : undefined;
  if (column === undefined || entry?.type === 'reference' || entry?.autoIncrement !== undefined) return [];
  return [
    finding(
      'auto-increment',
      `column ${quoteName(column.name)} of table ${quoteName(table.name)} is AUTO_INCREMENT: each shard of the target would count for itself`,
      { ...target.place, table: table.name },
      'give the table a sequence in the target VSchema ("auto_increment") before Complete, beginning above the highest value',
    ),
  ];
}

/** A table that the target has already, against the source's: what would break the stream, and what might. */
export function judgeTargetTable(source: TableFacts, target: TableFacts, place: Place): Finding[] {
  const at = { ...place, table: source.name };
  const columns = [
    ...source.columns.map((column) => compareColumn(column, named(target, column.name))),
    ...target.columns.filter(({ name }) => named(source, name) === undefined).map(extraColumn),
  ];
  const broken = columns.flatMap((column) => column.broken);
  const different = [...columns.flatMap((column) => column.different), ...compareKeys(source, target)];
  if (target.triggers.length > 0)
    different.push(`the target has triggers, which copied rows would fire: ${list(target.triggers)}`);
  const name = quoteName(source.name);
  return [
    ...(broken.length > 0
      ? [
          finding(
            'target-table-incompatible',
            `table ${name} of the target cannot take the source's rows: ${list(broken)}`,
            at,
            'drop it, so that it is made anew from the source, or make it fit',
          ),
        ]
      : []),
    ...(different.length > 0
      ? [
          finding(
            'target-table-differs',
            `table ${name} of the target differs from the source's: ${list(different)}`,
            at,
            'drop it, so that it is made anew from the source, or see that every row fits',
          ),
        ]
      : []),
  ];
}

/** What about a column breaks a stream, and what is only different. */
interface ColumnVerdict {
  broken: string[];
  different: string[];
}

function compareColumn(source: ColumnFacts, target: ColumnFacts | undefined): ColumnVerdict {
  const name = quoteName(source.name);
  if (target === undefined)
    return {
      broken: source.generated ? [] : [`${name} is missing`],
      different: source.generated ? [`${name}, generated in the source, is missing`] : [],
    };
  // Vitess copies no generated column: one that is none in the target gets no value.
  if (source.generated && !target.generated) return { broken: [`${name} is not generated`], different: [] };
  if (!source.generated && target.generated) return { broken: [`${name} is generated`], different: [] };
  return { broken: [], different: differences(source, target) };
}

function extraColumn(column: ColumnFacts): ColumnVerdict {
  const name = quoteName(column.name);
  if (column.nullable || column.hasDefault || column.generated || column.autoIncrement)
    return { broken: [], different: [`${name} is only in the target`] };
  return { broken: [`${name} is only in the target, NOT NULL and without a default`], different: [] };
}

function compareKeys(source: TableFacts, target: TableFacts): string[] {
  const [from, to] = [keysOf(source), keysOf(target)];
  return [
    ...from.filter((key) => !to.includes(key)).map((key) => `${key} is missing`),
    ...to.filter((key) => !from.includes(key)).map((key) => `${key} is only in the target`),
  ];
}

function named(table: TableFacts, column: string): ColumnFacts | undefined {
  return table.columns.find(({ name }) => name.toLowerCase() === column.toLowerCase());
}

function differences(source: ColumnFacts, target: ColumnFacts): string[] {
  const name = quoteName(source.name);
  return [
    ...(source.type === target.type ? [] : [`${name} is ${target.type}, not ${source.type}`]),
    ...(source.collation === target.collation
      ? []
      : [`${name} has collation ${target.collation || 'none'}, not ${source.collation || 'none'}`]),
    ...(source.nullable && !target.nullable ? [`${name} is NOT NULL`] : []),
  ];
}

function keysOf(table: TableFacts): string[] {
  return table.uniqueKeys.map(
    ({ name, columns }) =>
      `${name === 'PRIMARY' ? 'the primary key' : 'a unique key'} on ${columns.map(quoteName).join(', ')}`,
  );
}

const shown = 8;

function list(items: readonly string[]): string {
  return items.length <= shown
    ? items.join(', ')
    : `${items.slice(0, shown).join(', ')} and ${items.length - shown} more`;
}
