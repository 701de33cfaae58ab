import { asWritten, type ChecksumTable } from '../migration/checksum/columns.js';
import type { FloatRow, FloatTable } from '../migration/checksum/floats.js';
import {
  addChecksums,
  type Checksum,
  type Key,
  type KeyRange,
  type RowChecksum,
  type Scope,
} from '../migration/checksum/scope.js';
import type { TableFacts } from '../migration/plan/table-facts.js';
import { MigrationError } from '../migration/problem/errors.js';
import type { TabletHandle } from '../vitess/tablet/tablet-handle.js';

/** Reads the rows of one side over all its shards: each shard by one tablet. Of rows themselves, FLOAT columns only. */
export class RowReader {
  /** @param isSource its rows are as they were written, and those of the other side may have been converted */
  constructor(
    private readonly tablets: readonly TabletHandle[],
    private readonly isSource: boolean,
  ) {}

  /** @throws MigrationError ROW_TOO_LONG when MySQL cannot make the checksum of a row */
  async checksum(table: ChecksumTable, scope: Scope, timeoutMs: number): Promise<Checksum> {
    const read = this.isSource ? asWritten(table) : table;
    const parts = this.tablets.map(async (tablet) => {
      const part = await tablet.checksum(read, scope, timeoutMs);
      if (part.tooLong > 0) throw tooLong(tablet, table, part.tooLong);
      return part;
    });
    return addChecksums(await Promise.all(parts));
  }

  /** A key with some `rows` rows of a shard before it; undefined when no shard has as many in the range. */
  async boundary(table: ChecksumTable, range: KeyRange, rows: number, timeoutMs: number): Promise<Key | undefined> {
    const found = this.tablets.map((tablet) => tablet.boundary(table, range, rows, timeoutMs));
    return (await Promise.all(found)).find((key) => key !== undefined);
  }

  /** Keys and checksums of single rows, at most `most` of each shard. */
  async rowChecksums(table: ChecksumTable, scope: Scope, most: number, timeoutMs: number): Promise<RowChecksum[]> {
    const read = this.isSource ? asWritten(table) : table;
    const found = this.tablets.map((tablet) => tablet.rowChecksums(read, scope, most, timeoutMs));
    return (await Promise.all(found)).flat();
  }

  /** The FLOAT columns of the rows of a scope as doubles, at most `most` of each shard. */
  async floats(table: FloatTable, scope: Scope, most: number, timeoutMs: number): Promise<FloatRow[]> {
    const found = this.tablets.map((tablet) => tablet.floats(table, scope, most, timeoutMs));
    return (await Promise.all(found)).flat();
  }

  /** Columns and keys of tables as each shard has them, in the order of the shards. */
  tableDetails(names: readonly string[]): Promise<TableFacts[][]> {
    return Promise.all(this.tablets.map((tablet) => tablet.tableDetails(names)));
  }
}

function tooLong(tablet: TabletHandle, table: ChecksumTable, rows: number): MigrationError {
  return new MigrationError(
    'ROW_TOO_LONG',
    `MySQL makes no checksum of ${rows} rows that are longer than its max_allowed_packet`,
    { ...tablet.place, table: table.name },
    'set max_allowed_packet to more than the longest row; it takes effect for new connections',
  );
}
