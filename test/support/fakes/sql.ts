import type { NamedRow } from '../../../src/vitess/tablet/rows.js';
import { checksumStatements } from './checksums.js';
import type { FakeMysql } from './mysql.js';
import type { FakeVDiffs } from './vdiff.js';
import type { FakeVReplication } from './vreplication.js';

export type Statement = [pattern: RegExp, answer: (match: string[]) => NamedRow[]];

/** The statements of `src/vitess/tablet/sql`, by the files there, and no others. */
export class FakeSql {
  private readonly statements: Statement[];

  constructor(
    private readonly mysql: FakeMysql,
    private readonly vreplication: FakeVReplication,
    private readonly vdiff: FakeVDiffs,
  ) {
    this.statements = [
      ...checksumStatements(mysql),
      ...this.tables(),
      ...this.streams(),
      ...this.vdiffs(),
      ...this.server(),
      ...this.sizes(),
    ];
  }

  /** @throws Error as MySQL's, or for a statement that the program does not send */
  execute(sql: string): NamedRow[] {
    for (const [pattern, answer] of this.statements) {
      const match = pattern.exec(sql);
      if (match !== null) return answer(match);
    }
    throw new Error(`the fake tablet does not know the statement ${sql}`);
  }

  private tables(): Statement[] {
    return [
      [
        / from information_schema\.tables where table_schema = '[^']*' and table_type = 'BASE TABLE'$/,
        () => [...this.mysql.tables.keys()].map((name) => ({ name })),
      ],
      [/ from information_schema\.(?:views|referential_constraints|table_constraints|triggers) where /, () => []],
      [/^select \d+ as n from dual where exists .*$/, ([sql = '']) => this.nonEmpty(sql)],
      [
        /^rename table (.+)$/,
        ([, list = '']) => {
          const names = namesIn(list);
          this.mysql.renameTables(names.flatMap((from, n) => (n % 2 === 0 ? [[from, names[n + 1] ?? '']] : [])));
          return [];
        },
      ],
      [
        /^drop table if exists (.+)$/,
        ([, list = '']) => {
          for (const name of namesIn(list)) this.mysql.dropTable(name);
          return [];
        },
      ],
      [/^truncate table (.+)$/, ([, name = '']) => (this.mysql.emptyTable(unquote(name)), [])],
      [
        / from information_schema\.tables where .* table_name in \((.*)\)$/,
        ([, names = '']) => this.named(names).map(([t]) => ({ t, engine: 'InnoDB' })),
      ],
      [
        / from information_schema\.columns where .* table_name in \((.*)\) order by /,
        ([, names = '']) =>
          this.named(names).flatMap(([t, { primaryKey }]) => primaryKey.map((name) => ({ t, name, ...keyColumn }))),
      ],
      [
        / from information_schema\.statistics where .* table_name in \((.*)\) order by /,
        ([, names = '']) =>
          this.named(names).flatMap(([t, { primaryKey }]) =>
            primaryKey.map((col) => ({ t, name: 'PRIMARY', col, nullable: '' })),
          ),
      ],
    ];
  }

  private streams(): Statement[] {
    const { orphans } = this.vreplication;
    return [
      [
        /^select vrepl_id, table_name from _vt\.copy_state where vrepl_id in \((.*)\) group by/,
        ([, ids = '']) => this.copyState(ids.split(', ').map(Number)),
      ],
      [
        /^select id, source from _vt\.vreplication where workflow in \((.+)\) and /,
        ([, names = '']) =>
          this.vreplication.streams
            .filter(({ workflow }) => names.split(', ').includes(`'${workflow}'`))
            .map((stream) => ({ id: String(stream.id), source: this.vreplication.sourceText(stream) })),
      ],
      [
        /^update _vt\.vreplication set source = X'([0-9a-f]*)' where id = (\d+)$/,
        ([, hex = '', id = '']) => (this.vreplication.writeSource(Number(id), Buffer.from(hex, 'hex').toString()), []),
      ],
      [
        /^delete from _vt\.copy_state where vrepl_id in \((.*)\) and table_name in \((.*)\)$/,
        ([, ids = '', names = '']) => (this.forgetCopyState(ids.split(', ').map(Number), names), []),
      ],
      // Keys are never deferred here.
      [/^(?:select distinct table_name .*|delete) from _vt\.post_copy_action where vrepl_id in /, () => []],
      // No stream of the fake has a position to stop at.
      [/^update _vt\.vreplication set stop_pos = '' where /, () => []],
      [/^select unix_timestamp\(\) - .* from _vt\.vreplication_log where vrepl_id = /, () => []],
      [
        /^select vrepl_id as stream, table_name as name from _vt\.copy_state where .* union /,
        () => [...orphans].flatMap(([id, tables]) => tables.map((name) => ({ stream: String(id), name }))),
      ],
      [
        /^delete from _vt\.(?:copy_state|post_copy_action) where vrepl_id = (\d+)$/,
        ([, id = '']) => (orphans.delete(Number(id)), []),
      ],
    ];
  }

  private vdiffs(): Statement[] {
    const { vdiff } = this;
    return [
      [
        /^select vdiff_uuid as id, workflow, state from _vt\.vdiff where keyspace = '([^']*)' /,
        ([, of = '']) =>
          vdiff.vdiffs
            .filter(({ keyspace }) => keyspace === of)
            .map(({ uuid, workflow, state }) => ({ id: uuid, workflow, state })),
      ],
      // The fake keeps the parts of a VDiff with it, so none is left when it is gone.
      [/^select vdiff_id as id from _vt\.vdiff_table where .* union /, () => []],
      [
        /^select id from _vt\.vdiff where vdiff_uuid = '([^']*)' /,
        ([, wanted = '']) => vdiff.vdiffs.filter(({ uuid }) => uuid === wanted).map(({ id }) => ({ id: String(id) })),
      ],
      [/^delete from _vt\.vdiff_(?:table|log) where vdiff_id = /, () => []],
      [
        /^delete from _vt\.vdiff where id = (\d+)$/,
        ([, gone = '']) => {
          vdiff.vdiffs = vdiff.vdiffs.filter(({ id }) => id !== Number(gone));
          return [];
        },
      ],
    ];
  }

  private server(): Statement[] {
    return [
      [
        /^show global variables where variable_name in \((.*)\)$/,
        ([, names = '']) => (names.includes("'version'") ? [{ Variable_name: 'version', Value: '8.4.0' }] : []),
      ],
      [
        /^select collation_name as name from information_schema\.collations$/,
        () => collations.map((name) => ({ name })),
      ],
      // It knows no names of zones but UTC.
      [
        /^select convert_tz\('[^']*', '([^']*)', 'UTC'\) is not null as converts$/,
        ([, zone = '']) => [{ converts: /^[+-]\d\d:\d\d$|^UTC$/.test(zone) ? '1' : '0' }],
      ],
      // A call that creates tables is over at once.
      [/^select get_lock\(/, () => [{ held: '1' }]],
      // No fake replaces a table.
      [/ from information_schema\.innodb_tables where /, () => []],
      [/^show global status like 'Threads_running'$/, () => [{ Variable_name: 'Threads_running', Value: '1' }]],
      // No fake replicates.
      [/^show replica status$/, () => []],
      [
        /^select trx_id as id from information_schema\.innodb_trx where /,
        () => this.mysql.openTransactions.map((id) => ({ id })),
      ],
      // Every statement here is a transaction of its own, so none is old.
      [/ from information_schema\.innodb_trx where /, () => []],
      [
        / from information_schema\.(?:user_privileges|schema_privileges) where /,
        () => ['SELECT', 'LOCK TABLES', 'REPLICATION SLAVE'].map((p) => ({ p })),
      ],
      [/ from (?:information_schema\.table_privileges|mysql\.role_edges) where /, () => []],
    ];
  }

  private sizes(): Statement[] {
    return [
      [/ from information_schema\.innodb_tablestats where /, () => []],
      [
        / from mysql\.innodb_table_stats where .* table_name in \((.*)\)$/,
        ([, names = '']) =>
          this.named(names).map(([name, { rows }]) => ({
            name,
            n: String(rows.size),
            bytes: String(rows.size * 16_384),
          })),
      ],
    ];
  }

  private nonEmpty(sql: string): NamedRow[] {
    const parts = sql.matchAll(/select (\d+) as n from dual where exists \(select 1 from (`(?:[^`]|``)+`|\w+)\)/g);
    return [...parts].flatMap(([, n = '', name = '']) =>
      this.mysql.table(unquote(name)).rows.size > 0 ? [{ n }] : [],
    );
  }

  private copyState(ids: readonly number[]): NamedRow[] {
    const streams = this.vreplication.streams.filter(({ id }) => ids.includes(id));
    return streams.flatMap(({ id, copyState }) =>
      (copyState ?? []).map((table) => ({ vrepl_id: String(id), table_name: table })),
    );
  }

  private forgetCopyState(ids: readonly number[], names: string): void {
    for (const stream of this.vreplication.streams.filter(({ id }) => ids.includes(id)))
      stream.copyState = stream.copyState?.filter((table) => !names.includes(`'${table}'`));
  }

  /** Those of its tables that stand in a list of string literals. */
  private named(names: string) {
    return [...this.mysql.tables].filter(([name]) => names.includes(`'${name}'`));
  }
}

const collations = ['utf8mb4_0900_ai_ci', 'binary'];
const keyColumn = { type: 'bigint', nullable: 'NO', has_default: '0', collation: null, extra: '' };

/** The names in the list of a statement that drops or renames tables: one that is `to` is quoted. */
function namesIn(list: string): string[] {
  return [...list.matchAll(/`(?:[^`]|``)+`|\w+/g)].flatMap(([name]) => (name === 'to' ? [] : unquote(name)));
}

/** A name as SQL has it: quoted only where it must be. */
export function unquote(name: string): string {
  return name.startsWith('`') ? name.slice(1, -1).replaceAll('``', '`') : name;
}
