import { connect } from 'node:net';
import { createConnection, createPool, type Connection, type ConnectionOptions } from 'mysql2/promise';
import type { Access } from '../../net/access.js';

/** Milliseconds. */
const connectTimeout = 5_000;

export interface VtgateOptions extends Access {
  host: string;
  port: number;
}

/** What is needed of a vtgate's connections. Timeouts are in milliseconds. */
export interface SqlClient {
  query(query: { sql: string; timeout: number }): Promise<unknown>;
  end(): Promise<void>;
}

/**
 * Opens the way to a vtgate.
 * @param target what the session is aimed at, such as `customer@primary` or `customer:-80@primary`; without it,
 *   statements name their keyspaces, and may run side by side
 */
export function openSqlClient(options: VtgateOptions, target?: string): SqlClient {
  const connection = connectionOptions(options);
  if (target !== undefined) return new SqlSession({ ...connection, database: target });
  return createPool({ ...connection, connectionLimit: 4, idleTimeout: 10_000 });
}

function connectionOptions(options: VtgateOptions): ConnectionOptions {
  const { host, port, tls } = options;
  return {
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
  };
}

/** One connection, for one statement at a time. After a failure, the next statement gets a new one. */
class SqlSession implements SqlClient {
  private connection: Connection | undefined;

  constructor(private readonly options: ConnectionOptions) {}

  async query(query: { sql: string; timeout: number }): Promise<unknown> {
    try {
      this.connection ??= await this.open();
      return await this.connection.query(query);
    } catch (error) {
      // A statement that got no answer in time would hold back every later one.
      await this.end();
      throw error;
    }
  }

  end(): Promise<void> {
    this.connection?.destroy();
    this.connection = undefined;
    return Promise.resolve();
  }

  private async open(): Promise<Connection> {
    const connection = await createConnection(this.options);
    // Of a connection that breaks while nothing is asked; the next statement finds out.
    connection.on('error', () => undefined);
    return connection;
  }
}
