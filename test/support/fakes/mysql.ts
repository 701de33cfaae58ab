/** A table of a fake MySQL: its definition and its rows as text, by primary key. */
export interface FakeTable {
  ddl: string;
  primaryKey: string[];
  rows: Map<string, string>;
}

/** One committed row: `value` is null when it was deleted. */
interface Change {
  gtid: number;
  table: string;
  key: string;
  value: string | null;
}

/** A MySQL server with one database: tables, rows, and a binary log with GTIDs. */
export class FakeMysql {
  readonly tables = new Map<string, FakeTable>();
  /** Of sessions that are not shown otherwise: they have changed rows and do not end. */
  openTransactions: string[] = [];
  /** Tables that it does not create. */
  readonly refused = new Set<string>();
  private readonly log: Change[] = [];
  private gtid = 1;

  constructor(private readonly uuid: string) {}

  /** @throws Error when the table is there already, or the statement creates none */
  createTable(ddl: string): void {
    const name = /^create table (?:`((?:[^`]|``)+)`|(\w+))/i.exec(ddl.trim());
    const table = (name?.[1] ?? name?.[2] ?? '').replaceAll('``', '`');
    if (table === '') throw new Error(`this MySQL creates tables only, not: ${ddl}`);
    if (this.tables.has(table)) throw new Error(`Table '${table}' already exists (errno 1050) (sqlstate 42S01)`);
    if (this.refused.has(table)) throw new Error(`Invalid default value for 'v' (errno 1067) (sqlstate 42000)`);
    const keys = /primary key \(([^)]*)\)/i.exec(ddl)?.[1]?.split(',') ?? [
      /[(,]\s*`?(\w+)`? [^,]*primary key/i.exec(ddl)?.[1] ?? '',
    ];
    this.tables.set(table, { ddl, primaryKey: keys.map((key) => key.replaceAll('`', '').trim()), rows: new Map() });
    this.gtid++;
  }

  renameTable(from: string, to: string): void {
    const table = this.table(from);
    if (this.tables.has(to)) throw new Error(`Table '${to}' already exists (errno 1050) (sqlstate 42S01)`);
    this.tables.delete(from);
    this.tables.set(to, table);
    this.gtid++;
  }

  /** All of them or none. */
  renameTables(names: readonly (readonly [from: string, to: string])[]): void {
    const before = new Map(this.tables);
    try {
      for (const [from, to] of names) this.renameTable(from, to);
    } catch (error) {
      this.tables.clear();
      for (const [name, table] of before) this.tables.set(name, table);
      throw error;
    }
  }

  dropTable(name: string): void {
    if (this.tables.delete(name)) this.gtid++;
  }

  emptyTable(name: string): void {
    this.table(name).rows.clear();
    this.gtid++;
  }

  /** Inserts, replaces or (null) deletes a row. */
  write(table: string, key: string, value: string | null): void {
    const { rows } = this.table(table);
    if (value === null) rows.delete(key);
    else rows.set(key, value);
    this.gtid++;
    this.log.push({ gtid: this.gtid, table, key, value });
  }

  table(name: string): FakeTable {
    const table = this.tables.get(name);
    if (table === undefined) throw new Error(`Table '${name}' doesn't exist (errno 1146) (sqlstate 42S02)`);
    return table;
  }

  changesSince(position: string): Change[] {
    const gtid = this.gtidOf(position);
    return this.log.filter((change) => change.gtid > gtid);
  }

  /** In Vitess's form. */
  position(): string {
    return `MySQL56/${this.uuid}:1-${this.gtid}`;
  }

  /** True when a stream at `current` has applied everything up to `wanted`. */
  isAtLeast(current: string, wanted: string): boolean {
    return wanted.startsWith(`MySQL56/${this.uuid}:`) && this.gtidOf(current) >= this.gtidOf(wanted);
  }

  private gtidOf(position: string): number {
    return position.startsWith(`MySQL56/${this.uuid}:`) ? Number(/-(\d+)$/.exec(position)?.[1] ?? 0) : 0;
  }
}
