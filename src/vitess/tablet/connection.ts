import { MigrationError, type Place } from '../../migration/problem/errors.js';
import { formatAlias } from '../topology/topology.js';
import type { Tablet } from '../wire/topodata_pb.js';
import { namedRows, type NamedRow } from './rows.js';
import {
  callTablet,
  type CallOptions,
  type QueryClient,
  type TabletClients,
  type TabletManagerClient,
} from './transport.js';

/** Milliseconds: for questions, and for changes, which may wait for a lock in MySQL. */
const questionTimeout = 10_000;
const changeTimeout = 60_000;

/** Rows of one answer; vttablet refuses a longer one. */
const maxRows = 100_000n;

/** The gRPC services of one tablet. The functions of this folder take it; only `TabletHandle` leaves the folder. */
export class TabletConnection {
  readonly alias: string;
  readonly dbName: string;
  readonly place: Place;
  readonly manager: TabletManagerClient;
  readonly queries: QueryClient;

  /** @throws MigrationError TABLET_UNREACHABLE when the record has no gRPC port */
  constructor(
    readonly record: Tablet,
    cluster: string,
    tablets: TabletClients,
  ) {
    this.alias = formatAlias(record.alias);
    this.dbName = record.dbNameOverride === '' ? `vt_${record.keyspace}` : record.dbNameOverride;
    this.place = { cluster, keyspace: record.keyspace, shard: record.shard, tablet: this.alias };
    const port = record.portMap['grpc'];
    if (port === undefined)
      throw new MigrationError(
        'TABLET_UNREACHABLE',
        'the tablet record has no gRPC port',
        this.place,
        'start vttablet with --grpc-port',
      );
    ({ manager: this.manager, query: this.queries } = tablets.client(record.hostname, port, cluster));
  }

  /** @param what names the call in errors */
  call<T>(what: string, timeoutMs: number, call: (options: CallOptions) => Promise<T>): Promise<T> {
    return callTablet(this.place, what, timeoutMs, call);
  }

  ask<T>(what: string, call: (options: CallOptions) => Promise<T>): Promise<T> {
    return this.call(what, questionTimeout, call);
  }

  change<T>(what: string, call: (options: CallOptions) => Promise<T>): Promise<T> {
    return this.call(what, changeTimeout, call);
  }

  /** Runs one statement as the DBA user. `_vt` stands for the sidecar database, whatever its name. */
  query(sql: string): Promise<NamedRow[]> {
    return this.execute(sql, { disableForeignKeyChecks: false, reloadSchema: false });
  }

  /** Runs one statement that changes tables: foreign key checks are off, and the tablet reloads its schema. */
  async alter(sql: string): Promise<void> {
    await this.execute(sql, { disableForeignKeyChecks: true, reloadSchema: true });
  }

  private async execute(
    sql: string,
    options: { disableForeignKeyChecks: boolean; reloadSchema: boolean },
  ): Promise<NamedRow[]> {
    const { result } = await this.change('ExecuteFetchAsDba', (callOptions) =>
      this.manager.executeFetchAsDba(
        { query: Buffer.from(sql), dbName: this.dbName, maxRows, ...options },
        callOptions,
      ),
    );
    return namedRows(result);
  }
}
