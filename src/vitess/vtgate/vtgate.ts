import { connect } from 'node:net';
import { createPool } from 'mysql2/promise';
import { MigrationError } from '../../migration/problem/errors.js';
import { quoteName } from '../../migration/sql/quote.js';
import type { Access } from '../../net/access.js';
import { describeCode } from '../../net/tls-refusal.js';

/** Milliseconds. */
const connectTimeout = 5_000;
const queryTimeout = 30_000;

export interface VtgateOptions extends Access {
  host: string;
  port: number;
}

/** What is needed of a pool of connections. Timeouts are in milliseconds. */
export interface SqlPool {
  query(query: { sql: string; timeout: number }): Promise<unknown>;
  end(): Promise<void>;
}

export function openPool(options: VtgateOptions): SqlPool {
  const { host, port, tls } = options;
  return createPool({
    host,
    port,
    user: options.user ?? 'vtmigrate',
    ...(options.password === undefined ? {} : { password: options.password }),
    ...(tls === undefined
      ? {}
      : {
          ssl: {
            ca: tls.ca,
            ...(tls.cert === undefined ? {} : { cert: tls.cert }),
            ...(tls.key === undefined ? {} : { key: tls.key }),
            rejectUnauthorized: true,
            verifyIdentity: true,
          },
        }),
    // The library checks the certificate against `host`; `stream` connects to the real address.
    ...(tls?.serverName === undefined ? {} : { host: tls.serverName, stream: () => connect(port, host) }),
    connectTimeout,
    connectionLimit: 4,
    idleTimeout: 10_000,
  });
}

/** The target cluster as an application sees it: a vtgate, over the MySQL protocol. */
export class Vtgate {
  private readonly server: string;

  constructor(
    private readonly options: VtgateOptions,
    private readonly pool: SqlPool,
  ) {
    this.server = `${options.host}:${options.port}`;
  }

  /** @throws MigrationError VTGATE_UNREACHABLE, ACCESS_REFUSED */
  async ping(): Promise<void> {
    try {
      await this.pool.query({ sql: 'select 1', timeout: queryTimeout });
    } catch (cause) {
      throw this.refusal(cause) ?? this.unreachable(cause);
    }
  }

  /**
   * Reads a row of the table, as an application would.
   * @throws MigrationError VTGATE_UNREACHABLE, ACCESS_REFUSED, or TABLE_UNREADABLE with vtgate's reason
   */
  async readTable(keyspace: string, table: string): Promise<void> {
    const cause = await this.failureOf(`select * from ${quoteName(keyspace)}.${quoteName(table)} limit 1`);
    if (cause === undefined) return;
    throw new MigrationError(
      'TABLE_UNREADABLE',
      `vtgate cannot read table ${quoteName(table)} (${cause.message})`,
      { cluster: 'target', server: this.server, keyspace, table },
      "look at the denied tables of the target's shards and at the serving VSchema",
      { cause },
    );
  }

  /**
   * Asks a sequence for zero numbers. A vttablet that could give some refuses the count, and uses none up
   * (`execNextval`).
   * @returns why the sequence gives no numbers; empty when it does
   * @throws MigrationError VTGATE_UNREACHABLE, ACCESS_REFUSED
   */
  async trySequence(keyspace: string, table: string): Promise<string> {
    const reason = (await this.failureOf(`select next 0 values from ${quoteName(keyspace)}.${quoteName(table)}`))
      ?.message;
    return reason === undefined || reason.includes('invalid increment') ? '' : reason;
  }

  async close(): Promise<void> {
    await this.pool.end();
  }

  /**
   * Runs a statement as an application would.
   * @returns why it failed; undefined when it did not
   * @throws MigrationError VTGATE_UNREACHABLE, ACCESS_REFUSED
   */
  private async failureOf(sql: string): Promise<Error | undefined> {
    await this.ping();
    try {
      await this.pool.query({ sql, timeout: queryTimeout });
      return undefined;
    } catch (cause) {
      const refusal = this.refusal(cause);
      if (refusal !== undefined) throw refusal;
      return cause instanceof Error ? cause : new Error(String(cause));
    }
  }

  private refusal(cause: unknown): MigrationError | undefined {
    if (!isRefusal(cause)) return undefined;
    const { code = '', message } = cause;
    const why =
      this.options.tls !== undefined && /^ERR_(SSL|TLS)_/.test(code)
        ? describeCode(code, this.options.tls, this.options.host)
        : `${message} (${code})`;
    return new MigrationError(
      'ACCESS_REFUSED',
      `vtgate does not let the worker in: ${why}`,
      { cluster: 'target', server: this.server },
      "check tls, user and password of the target's vtgate in the worker's configuration, and what that user may read",
      { cause },
    );
  }

  private unreachable(cause: unknown): MigrationError {
    const reason =
      cause instanceof Error ? cause.message || ('code' in cause ? String(cause.code) : cause.name) : String(cause);
    return new MigrationError(
      'VTGATE_UNREACHABLE',
      `vtgate does not answer (${reason})`,
      { cluster: 'target', server: this.server },
      'check that vtgate runs there and VTMIGRATE_VTGATE names its MySQL port',
      { cause },
    );
  }
}

/**
 * True for the codes of a failed handshake (mysql2, OpenSSL) and of a user without access (MySQL). A failed system
 * call is a matter of the network.
 */
function isRefusal(cause: unknown): cause is NodeJS.ErrnoException {
  if (!(cause instanceof Error) || 'syscall' in cause || !('code' in cause)) return false;
  const code = String(cause.code);
  return (
    code.startsWith('HANDSHAKE_') ||
    code.startsWith('ERR_SSL_') ||
    code.startsWith('ERR_TLS_') ||
    code === 'ER_ACCESS_DENIED_ERROR' ||
    code === 'ER_DBACCESS_DENIED_ERROR' ||
    code === 'ER_SECURE_TRANSPORT_REQUIRED'
  );
}
