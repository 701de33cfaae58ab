import { MigrationError } from '../../migration/problem/errors.js';
import { quoteName } from '../../migration/sql/quote.js';
import { describeCode } from '../../net/tls-refusal.js';
import type { SqlClient, VtgateOptions } from './sql-client.js';

/** Milliseconds. */
const queryTimeout = 30_000;
/** A vtgate asks again after half a minute, twice, before it says that a table is denied. */
const trialTimeout = 75_000;

/**
 * Tries the tables of a keyspace as applications use them, on its primaries. Each answer is why vtgate refuses, in
 * vtgate's own words; undefined when it does not. Both throw VTGATE_UNREACHABLE and ACCESS_REFUSED. For one statement
 * at a time on each target.
 */
export interface TableTrial {
  /** Reads a row, but none of its values, as planned by vtgate: the serving VSchema must know the table. */
  read(table: string): Promise<string | undefined>;
  /** Runs a `delete` that can match no row on a shard: MySQL writes nothing to its log, and locks no row. */
  write(table: string, shard: string): Promise<string | undefined>;
  close(): Promise<void>;
}

/** The target cluster as an application sees it: a vtgate, over the MySQL protocol. */
export class Vtgate {
  /** `host:port` */
  readonly server: string;
  private readonly pool: SqlClient;

  /** @param open the way to this vtgate, see {@link SqlClient} */
  constructor(
    private readonly options: VtgateOptions,
    private readonly open: (target?: string) => SqlClient,
  ) {
    this.server = `${options.host}:${options.port}`;
    this.pool = open();
  }

  /** @throws MigrationError VTGATE_UNREACHABLE, ACCESS_REFUSED */
  async ping(): Promise<void> {
    try {
      await this.pool.query({ sql: 'select 1', timeout: queryTimeout });
    } catch (cause) {
      throw this.refusal(cause) ?? this.unreachable(cause);
    }
  }

  /** Tries tables of this keyspace. The caller closes it. */
  trial(keyspace: string): TableTrial {
    const sessions = new Map<string, SqlClient>();
    const session = (target: string): SqlClient => {
      const open = sessions.get(target) ?? this.open(target);
      sessions.set(target, open);
      return open;
    };
    return {
      // A vtgate may refuse queries to all shards (`--no-scatter`), or read from replicas by default.
      read: (table) =>
        this.failureOf(
          `select /*vt+ ALLOW_SCATTER */ 1 from ${quoteName(keyspace)}.${quoteName(table)} limit 1`,
          session(`${keyspace}@primary`),
          trialTimeout,
        ),
      // Aimed at a shard, a statement goes there as it is, whatever vtgate can plan with vindexes and foreign keys.
      write: (table, shard) =>
        this.failureOf(
          `delete from ${quoteName(table)} where 1 = 0`,
          session(`${keyspace}:${shard}@primary`),
          trialTimeout,
        ),
      close: async () => {
        await Promise.all([...sessions.values()].map((each) => each.end()));
      },
    };
  }

  /**
   * Asks a sequence for zero numbers. A vttablet that could give some refuses the count, and uses none up
   * (`execNextval`).
   * @returns why the sequence gives no numbers; empty when it does
   * @throws MigrationError VTGATE_UNREACHABLE, ACCESS_REFUSED
   */
  async trySequence(keyspace: string, table: string): Promise<string> {
    const session = this.open(`${keyspace}@primary`);
    const sql = `select next 0 values from ${quoteName(keyspace)}.${quoteName(table)}`;
    const reason = await this.failureOf(sql, session).finally(() => session.end());
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
  private async failureOf(sql: string, client: SqlClient, timeout = queryTimeout): Promise<string | undefined> {
    try {
      await client.query({ sql, timeout });
      return undefined;
    } catch (cause) {
      // A vtgate that answers this has refused the statement, and not the worker.
      await this.ping();
      return cause instanceof Error ? cause.message : String(cause);
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
