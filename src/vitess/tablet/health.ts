import { MigrationError } from '../../migration/problem/errors.js';
import type { TabletConnection } from './connection.js';
import { readStream, type CallOptions, type OpenStream } from './transport.js';

/** Milliseconds for the page of variables, which is not a gRPC call. */
const pageTimeout = 10_000;

/** Vitess's `GetMatchingTablets` passes over a tablet for the same reasons. */
export function readHealth(tablet: TabletConnection): Promise<string> {
  return tablet.ask('StreamHealth', async (options) => {
    const health = await nthMessage(1, options, (whole) => tablet.queries.streamHealth({}, whole));
    if (health === undefined) return 'it sends no health';
    if (!health.serving) return 'it does not serve';
    return health.realtimeStats === undefined ? 'it sends no health' : health.realtimeStats.healthError;
  });
}

/**
 * Opens a stream from the current position, as a target tablet does. The first message is that position; only
 * the second, a heartbeat within a second at the latest, comes through MySQL's binary log.
 */
export async function openStream(tablet: TabletConnection): Promise<void> {
  const { keyspace, shard, type } = tablet.record;
  await tablet.ask('VStream', (options) =>
    nthMessage(2, options, (whole) =>
      tablet.queries.vStream(
        {
          target: { keyspace, shard, tabletType: type },
          position: 'current',
          filter: { rules: [{ match: '/.*/' }] },
        },
        whole,
      ),
    ),
  );
}

/** A transaction that Vitess rolls back itself. */
export async function testPermissions(tablet: TabletConnection): Promise<{ user: string; ok: boolean; error: string }> {
  const { user, ok, error } = await tablet.ask('ValidateVReplicationPermissions', (options) =>
    tablet.manager.validateVReplicationPermissions({}, options),
  );
  return { user, ok, error };
}

export async function readDiskUsed(tablet: TabletConnection): Promise<number | undefined> {
  const { HostMetrics } = await tablet.ask('MysqlHostMetrics', (options) =>
    tablet.manager.mysqlHostMetrics({}, options),
  );
  const metric = HostMetrics?.metrics['datadir-used-ratio'];
  return metric === undefined || metric.error !== undefined ? undefined : metric.value;
}

export async function readThrottledApps(tablet: TabletConnection): Promise<Record<string, number>> {
  const status = await tablet.ask('GetThrottlerStatus', (options) => tablet.manager.getThrottlerStatus({}, options));
  if (!status.isEnabled) return {};
  return Object.fromEntries(
    Object.values(status.throttledApps).flatMap(({ name, ratio, exempt }) =>
      exempt || ratio <= 0 ? [] : [[name, ratio]],
    ),
  );
}

/** `vtctldclient GetVersion` reads the same page. */
export async function readVersion({ record, place }: TabletConnection): Promise<string> {
  const port = record.portMap['vt'];
  if (port === undefined)
    throw new MigrationError(
      'TABLET_UNREACHABLE',
      'the tablet record has no HTTP port',
      place,
      'start vttablet with --port',
    );
  try {
    const answer = await fetch(`http://${record.hostname}:${port}/debug/vars`, {
      signal: AbortSignal.timeout(pageTimeout),
    });
    const { BuildVersion } = (await answer.json()) as { BuildVersion?: string };
    return BuildVersion ?? '';
  } catch (cause) {
    throw new MigrationError(
      'TABLET_UNREACHABLE',
      `the tablet does not report its version (${cause instanceof Error ? cause.message : String(cause)})`,
      place,
      'make sure that the worker can reach its HTTP port',
      { cause },
    );
  }
}

/** The n-th message of a stream; ends the stream. */
function nthMessage<T>(n: number, options: CallOptions, open: OpenStream<T>): Promise<T | undefined> {
  return readStream(options, open, async (messages) => {
    let count = 0;
    for await (const each of messages) if (++count === n) return each;
    return undefined;
  });
}
