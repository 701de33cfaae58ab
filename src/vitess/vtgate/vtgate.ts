import { createPool } from 'mysql2/promise';
import { MigrationError } from '../../migration/errors.js';
import { quoteName } from '../../migration/quote.js';

/** Milliseconds. */
const connectTimeout = 5_000;
const queryTimeout = 30_000;

export interface VtgateOptions {
  host: string;
  port: number;
  user?: string;
  password?: string;
}

/** What is needed of a pool of connections. Timeouts are in milliseconds. */
export interface SqlPool {
  query(query: { sql: string; timeout: number }): Promise<unknown>;
  end(): Promise<void>;
}

export function openPool(options: VtgateOptions): SqlPool {
  return createPool({
    host: options.host,
    port: options.port,
    user: options.user ?? 'vtmigrate',
    ...(options.password === undefined ? {} : { password: options.password }),
    connectTimeout,
    connectionLimit: 4,
    idleTimeout: 10_000,
  });
}

/** The target cluster as an application sees it: a vtgate, over the MySQL protocol. */
export class Vtgate {
  private readonly server: string;

  constructor(
    options: VtgateOptions,
    private readonly pool: SqlPool,
  ) {
    this.server = `${options.host}:${options.port}`;
  }

  /** @throws MigrationError VTGATE_UNREACHABLE */
  async ping(): Promise<void> {
    try {
      await this.pool.query({ sql: 'select 1', timeout: queryTimeout });
    } catch (cause) {
      throw this.unreachable(cause);
    }
  }

  /**
   * Reads a row of the table, as an application would.
   * @throws MigrationError VTGATE_UNREACHABLE, or TABLE_UNREADABLE with vtgate's reason
   */
  async readTable(keyspace: string, table: string): Promise<void> {
    await this.ping();
    try {
      await this.pool.query({ sql: `select * from ${quoteName(keyspace)}.${quoteName(table)} limit 1`, timeout: queryTimeout });
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new MigrationError('TABLE_UNREADABLE', `vtgate cannot read table ${quoteName(table)} (${reason})`, { cluster: 'target', server: this.server, keyspace, table }, "look at the denied tables of the target's shards and at the serving VSchema", { cause });
    }
  }

  async close(): Promise<void> {
    await this.pool.end();
  }

  private unreachable(cause: unknown): MigrationError {
    const reason = cause instanceof Error ? cause.message || ('code' in cause ? String(cause.code) : cause.name) : String(cause);
    return new MigrationError('VTGATE_UNREACHABLE', `vtgate does not answer (${reason})`, { cluster: 'target', server: this.server }, 'check that vtgate runs there and VTMIGRATE_VTGATE names its MySQL port', { cause });
  }
}
