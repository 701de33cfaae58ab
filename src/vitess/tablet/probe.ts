import { MigrationError, type Place } from '../../migration/problem/errors.js';
import type { Tablet as TabletRecord } from '../wire/topodata_pb.js';
import { formatAlias, formatTabletType } from '../topology/topology.js';
import { callTablet, type QueryClient, type TabletClients, type TabletManagerClient } from './transport.js';

/** Milliseconds for each question. */
const timeoutMs = 10_000;

/**
 * Questions that only preflight asks a tablet. None of them changes anything; the permission test
 * is a transaction that Vitess rolls back itself.
 */
export class TabletProbe {
  readonly alias: string;
  readonly type: string;
  readonly hostname: string;
  readonly cell: string;
  readonly place: Place;
  private readonly manager: TabletManagerClient;
  private readonly queries: QueryClient;

  /** @throws MigrationError TABLET_UNREACHABLE when the record has no gRPC port */
  constructor(
    private readonly record: TabletRecord,
    cluster: string,
    tablets: TabletClients,
  ) {
    this.alias = formatAlias(record.alias);
    this.type = formatTabletType(record.type);
    this.hostname = record.hostname;
    this.cell = record.alias?.cell ?? '';
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

  /** Why Vitess's tablet picker would pass this tablet over; empty when it would take it (`GetMatchingTablets`). */
  health(): Promise<string> {
    return this.ask('StreamHealth', async () => {
      const health = await message(1, this.queries.streamHealth({}, { timeoutMs }));
      if (health === undefined) return 'it sends no health';
      if (!health.serving) return 'it does not serve';
      return health.realtimeStats === undefined ? 'it sends no health' : health.realtimeStats.healthError;
    });
  }

  /**
   * Opens a stream as a target tablet does, from the current position on. The first message is that
   * position; only the second, within a second at the latest a heartbeat, has come through MySQL's binary log.
   */
  async openStream(): Promise<void> {
    const { keyspace, shard, type } = this.record;
    await this.ask('VStream', () =>
      message(
        2,
        this.queries.vStream(
          {
            target: { keyspace, shard, tabletType: type },
            position: 'current',
            filter: { rules: [{ match: '/.*/' }] },
          },
          { timeoutMs },
        ),
      ),
    );
  }

  /** Whether the account that applies streams may write their records, in Vitess's own words. */
  async permissions(): Promise<{ user: string; ok: boolean; error: string }> {
    const { user, ok, error } = await this.ask('ValidateVReplicationPermissions', () =>
      this.manager.validateVReplicationPermissions({}, { timeoutMs }),
    );
    return { user, ok, error };
  }

  /** How full the disk of MySQL's data is, 0 to 1; undefined when the tablet does not manage its MySQL and cannot know. */
  async diskUsed(): Promise<number | undefined> {
    const { HostMetrics } = await this.ask('MysqlHostMetrics', () => this.manager.mysqlHostMetrics({}, { timeoutMs }));
    const metric = HostMetrics?.metrics['datadir-used-ratio'];
    return metric === undefined || metric.error !== undefined ? undefined : metric.value;
  }

  /** Apps that the tablet's throttler holds back by a rule, with the share of time it does; empty when it is off. */
  async throttledApps(): Promise<Record<string, number>> {
    const status = await this.ask('GetThrottlerStatus', () => this.manager.getThrottlerStatus({}, { timeoutMs }));
    if (!status.isEnabled) return {};
    return Object.fromEntries(
      Object.values(status.throttledApps).flatMap(({ name, ratio, exempt }) =>
        exempt || ratio <= 0 ? [] : [[name, ratio]],
      ),
    );
  }

  /** The release of vttablet, from the page that `vtctldclient GetVersion` reads too; empty when it names none. */
  async version(): Promise<string> {
    const port = this.record.portMap['vt'];
    if (port === undefined)
      throw new MigrationError(
        'TABLET_UNREACHABLE',
        'the tablet record has no HTTP port',
        this.place,
        'start vttablet with --port',
      );
    try {
      const answer = await fetch(`http://${this.record.hostname}:${port}/debug/vars`, {
        signal: AbortSignal.timeout(timeoutMs),
      });
      const { BuildVersion } = (await answer.json()) as { BuildVersion?: string };
      return BuildVersion ?? '';
    } catch (cause) {
      throw new MigrationError(
        'TABLET_UNREACHABLE',
        `the tablet does not tell its version (${cause instanceof Error ? cause.message : String(cause)})`,
        this.place,
        'let the worker reach its HTTP port',
        { cause },
      );
    }
  }

  private ask<T>(what: string, call: () => Promise<T>): Promise<T> {
    return callTablet(this.place, what, call);
  }
}

/** The n-th message of a stream, which is then given up. */
async function message<T>(n: number, stream: AsyncIterable<T>): Promise<T | undefined> {
  let count = 0;
  for await (const each of stream) if (++count === n) return each;
  return undefined;
}
