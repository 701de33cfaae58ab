import { MigrationError } from '../../migration/problem/errors.js';
import { plainNumber, type ChecksumTable, type KeyColumn } from '../../migration/checksum/columns.js';
import type { Key } from '../../migration/checksum/scope.js';
import { containsPosition } from '../../migration/proof/position.js';
import { quoteName } from '../../migration/sql/quote.js';
import { VEventType, type RowChange, type VEvent } from '../wire/binlogdata_pb.js';
import type { Row } from '../wire/query_pb.js';
import type { TabletConnection } from './connection.js';
import { readStream } from './transport.js';

/** What a shard's binary logs say of some tables. */
export interface Changes {
  /** The position up to which they have been read. */
  reached: string;
  /** By table: the key of each row as it was and as it is; without a key, a table alone says that rows changed. */
  rows: Map<string, Key[]>;
  /** DDL, in order: statements that name one of the tables, and those that Vitess cannot parse. */
  statements: string[];
}

/** How much of the logs is read at once. */
export interface ChangeLimits {
  /** Keys, after which reading ends with the transaction. */
  keys: number;
  timeoutMs: number;
}

/**
 * Reads what happened to tables after one position and up to another one (`VStream` of Vitess's query service), of
 * each row no more than its key. May end before `to`.
 * @throws MigrationError when not a single transaction could be read
 */
export async function readChanges(
  tablet: TabletConnection,
  tables: readonly ChecksumTable[],
  from: string,
  to: string,
  limits: ChangeLimits,
): Promise<Changes> {
  const reader = new ChangeReader(tables, from);
  if (containsPosition(from, to)) return reader.changes;
  const { keyspace, shard, type } = tablet.record;
  const rules = tables.map((table) => ({ match: table.name, filter: filterOf(table) }));
  const request = { target: { keyspace, shard, tabletType: type }, position: from, filter: { rules } };
  try {
    await tablet.call('VStream', limits.timeoutMs, (options) =>
      readStream(
        options,
        (whole) => tablet.queries.vStream(request, whole),
        async (messages) => {
          for await (const { events } of messages) {
            reader.take(events);
            if (containsPosition(reader.changes.reached, to) || reader.keys >= limits.keys) return;
          }
        },
      ),
    );
  } catch (error) {
    if (!(error instanceof MigrationError) || reader.changes.reached === from) throw error;
  }
  return reader.complete();
}

class ChangeReader {
  readonly changes: Changes;
  keys = 0;
  private readonly tables: Map<string, ChecksumTable>;
  /** Of the transaction that is being read. */
  private pending: { rows: [table: string, keys: Key[]][]; statements: string[] } = { rows: [], statements: [] };

  constructor(tables: readonly ChecksumTable[], from: string) {
    this.tables = new Map(tables.map((table) => [table.name, table]));
    this.changes = { reached: from, rows: new Map(), statements: [] };
  }

  /** A position comes before the DDL that it is of, and both come in one answer. */
  take(events: readonly VEvent[]): void {
    let reached: string | undefined;
    for (const event of events) {
      if (event.type === VEventType.GTID) reached = event.gtid;
      if (event.type === VEventType.DDL) this.pending.statements.push(event.statement);
      if (event.type === VEventType.ROW && event.rowEvent !== undefined)
        this.takeRows(event.rowEvent.tableName, event.rowEvent.rowChanges);
    }
    if (reached === undefined) return;
    this.changes.reached = reached;
    this.complete();
  }

  /** Also what was read of a transaction that goes on: a row that is said to have changed is looked at once more. */
  complete(): Changes {
    for (const [table, keys] of this.pending.rows)
      this.changes.rows.set(table, [...(this.changes.rows.get(table) ?? []), ...keys]);
    this.changes.statements.push(...this.pending.statements);
    this.pending = { rows: [], statements: [] };
    return this.changes;
  }

  private takeRows(name: string, changes: readonly RowChange[]): void {
    const key = this.tables.get(name)?.key ?? [];
    const rows = changes.flatMap(({ before, after }) => [before, after]).filter((row) => row !== undefined);
    const keys = key.length === 0 ? [] : rows.map((row) => keyOf(row, key));
    this.pending.rows.push([name, keys]);
    this.keys += Math.max(keys.length, 1);
  }
}

/** The key's columns; of a table without a key, one column that is short. */
function filterOf({ name, key, columns }: ChecksumTable): string {
  const short = columns.find(({ form }) => form !== 'bytes' && form !== 'text') ?? columns[0];
  const selected = key.length > 0 ? key.map((column) => column.name) : short === undefined ? [] : [short.name];
  return `select ${selected.map(quoteName).join(', ')} from ${quoteName(name)}`;
}

function keyOf(row: Row, columns: readonly KeyColumn[]): Key {
  let offset = 0;
  return columns.map((column, n) => {
    const size = Math.max(Number(row.lengths[n] ?? 0n), 0);
    const value = Buffer.from(row.values.subarray(offset, offset + size));
    offset += size;
    if (column.form === 'number') return plainNumber(value.toString());
    if (column.form === 'quoted') return value.toString();
    const hex = value.toString('hex').toUpperCase();
    return column.width === null ? hex : hex.padEnd(column.width * 2, '0');
  });
}
