import { assertClaims } from '../claims.js';
import { SharedReads } from '../shared-reads.js';
import { MigrationError, type Place } from '../../migration/problem/errors.js';
import { formatAlias } from '../topology/topology.js';
import type { Tablet } from '../wire/topodata_pb.js';
import { namedRows, type NamedRow } from './rows.js';
import {
  callTablet,
  type CallOptions,
  type QueryClient,
  type TabletClient,
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
  private readonly reads: SharedReads;

  constructor(
    readonly record: Tablet,
    private readonly cluster: string,
    private readonly tablets: TabletClients,
  ) {
    this.alias = formatAlias(record.alias);
    this.dbName = record.dbNameOverride === '' ? `vt_${record.keyspace}` : record.dbNameOverride;
    this.place = { cluster, keyspace: record.keyspace, shard: record.shard, tablet: this.alias };
    this.reads = sharedReadsOf(tablets, JSON.stringify([this.place, record.hostname, record.portMap['grpc']]));
  }

  /** @throws MigrationError TABLET_UNREACHABLE when the record has no address */
  get manager(): TabletManagerClient {
    return this.client().manager;
  }

  /** @throws MigrationError TABLET_UNREACHABLE when the record has no address */
  get queries(): QueryClient {
    return this.client().query;
  }

  /** Of one that was shut down, Vitess keeps the record without its address (`tm_init.go`): the same as no answer. */
  private client(): TabletClient {
    const { hostname, portMap } = this.record;
    const port = portMap['grpc'];
    if (hostname !== '' && port !== undefined) return this.tablets.client(hostname, port, this.cluster);
    throw new MigrationError(
      'TABLET_UNREACHABLE',
      `the tablet record has no ${hostname === '' ? 'address: it was shut down' : 'gRPC port'}`,
      this.place,
      hostname === ''
        ? 'start its vttablet, or delete its record with vtctldclient DeleteTablets'
        : 'start vttablet with --grpc-port',
    );
  }

  /** @param what names the call in errors */
  call<T>(what: string, timeoutMs: number, call: (options: CallOptions) => Promise<T>): Promise<T> {
    return callTablet(this.place, what, timeoutMs, call);
  }

  /**
   * A question to which the tablet gives everybody the same answer: those who ask at the same time share it.
   * @param about what the question is about, if not the tablet
   */
  ask<T>(what: string, call: (options: CallOptions) => Promise<T>, about = ''): Promise<T> {
    assertClaims();
    return this.reads.read(`${what} ${about}`, () => this.call(what, questionTimeout, call));
  }

  /**
   * Reads some things by their keys, for all that want to know at the same time.
   * @param what names the read
   * @param most keys at once
   * @returns what there is of those keys, and maybe of more
   */
  readAbout<K, T>(
    what: string,
    keys: readonly K[],
    read: (keys: readonly K[]) => Promise<T>,
    most?: number,
  ): Promise<T> {
    assertClaims();
    return this.reads.readTogether(what, keys, read, most);
  }

  /** Makes the tablet look at what has changed: once for all that ask at the same time, after they have asked. */
  renew(what: string, call: (options: CallOptions) => Promise<unknown>): Promise<unknown> {
    assertClaims();
    return this.reads.read(what, () => this.change(what, call));
  }

  change<T>(what: string, call: (options: CallOptions) => Promise<T>): Promise<T> {
    return this.call(what, changeTimeout, call);
  }

  /**
   * Reads what may be somewhat older than the question.
   * @param what names the read
   * @param ageMs milliseconds since it began, at most
   */
  readRecent<T>(what: string, ageMs: number, read: () => Promise<T>): Promise<T> {
    assertClaims();
    return this.reads.readRecent(what, ageMs, read);
  }

  /** Runs one statement that changes nothing as the DBA user; those who run the same at the same time share it. */
  select(sql: string, timeoutMs = changeTimeout): Promise<NamedRow[]> {
    assertClaims();
    return this.reads.read(sql, () => this.query(sql, timeoutMs));
  }

  /** Runs one statement as the DBA user. `_vt` stands for the sidecar database, whatever its name. */
  query(sql: string, timeoutMs = changeTimeout): Promise<NamedRow[]> {
    return this.execute(sql, { disableForeignKeyChecks: false, reloadSchema: false }, timeoutMs);
  }

  /**
   * Runs one statement that changes tables, with foreign key checks off.
   * @param load makes the tablet load its schema afterwards, which takes the longer the more tables there are
   */
  async alter(sql: string, { load }: { load: boolean }): Promise<void> {
    await this.execute(sql, { disableForeignKeyChecks: true, reloadSchema: load }, changeTimeout);
  }

  private async execute(
    sql: string,
    options: { disableForeignKeyChecks: boolean; reloadSchema: boolean },
    timeoutMs: number,
  ): Promise<NamedRow[]> {
    const { result } = await this.call('ExecuteFetchAsDba', timeoutMs, (callOptions) =>
      this.manager.executeFetchAsDba(
        { query: Buffer.from(sql), dbName: this.dbName, maxRows, ...options },
        callOptions,
      ),
    );
    return namedRows(result);
  }
}

const shared = new WeakMap<TabletClients, Map<string, SharedReads>>();

/** The reads that all connections to a tablet share. */
function sharedReadsOf(tablets: TabletClients, tablet: string): SharedReads {
  const known = shared.get(tablets) ?? new Map<string, SharedReads>();
  shared.set(tablets, known);
  const reads = known.get(tablet) ?? new SharedReads();
  known.set(tablet, reads);
  return reads;
}
