import { clone } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TcpProxy, type Direction } from '../../lab/proxy.js';
import { EtcdKv } from '../../src/vitess/topology/etcd.js';
import { Topology } from '../../src/vitess/topology/topology.js';
import { TabletHandle } from '../../src/vitess/tablet/tablet-handle.js';
import { TabletConnections } from '../../src/vitess/tablet/transport.js';
import { openSqlClient } from '../../src/vitess/vtgate/sql-client.js';
import { Vtgate } from '../../src/vitess/vtgate/vtgate.js';
import { TabletSchema } from '../../src/vitess/wire/topodata_pb.js';
import { lab } from '../support/lab/lab.js';

/** Hosts of their own, so that a proxy may take the port of what it stands in front of. */
const front = '127.0.0.4';
const directions: Direction[] = ['both', 'answers'];

const [topoHost = '', topoPort] = lab.target.topoServer.split(':');
const proxies: TcpProxy[] = [];
let kv: EtcdKv;
let tablet: TabletHandle;
let vtgate: Vtgate;

async function inFrontOf(host: string, port: number): Promise<number> {
  proxies.push(await TcpProxy.start({ host: front, port }, { host: host === 'localhost' ? '127.0.0.1' : host, port }));
  return port;
}

beforeAll(async () => {
  kv = new EtcdKv(`${front}:${await inFrontOf(topoHost, Number(topoPort))}`, 'target');
  const direct = new Topology(
    'target',
    lab.target.topoServer,
    lab.target.topoRoot,
    (server) => new EtcdKv(server, 'target'),
  );
  const record = clone(TabletSchema, await direct.primary('commerce', '0'));
  await inFrontOf(record.hostname, record.portMap['grpc'] ?? 0);
  record.hostname = front;
  tablet = new TabletHandle(record, 'target', new TabletConnections());
  const gate = lab.target.vtgate ?? { host: '', port: 0 };
  const options = { host: front, port: await inFrontOf(gate.host, gate.port) };
  vtgate = new Vtgate(options, (aim) => openSqlClient(options, aim));
});
afterAll(async () => {
  for (const proxy of proxies) await proxy.close();
  kv.close();
  await vtgate.close();
});

async function stalled<T>(direction: Direction, work: () => Promise<T>): Promise<T> {
  for (const proxy of proxies) proxy.stall(direction);
  try {
    return await work();
  } finally {
    for (const proxy of proxies) proxy.resume();
  }
}

/** The circuit breaker of the etcd library stays open for five seconds. */
async function again(work: () => Promise<unknown>): Promise<void> {
  await expect.poll(() => work().then(() => 'answers', String), { timeout: 300_000, interval: 500 }).toBe('answers');
}

// A call without a time-out of its own would run into the test's.
describe.each(directions)('a connection that stalls without closing: %s', (direction) => {
  test('every call ends by its own time-out, and works again afterwards', async () => {
    const lease = await kv.lock(`${lab.target.topoRoot}/internal/named_locks/commerce/stalls`, '{}', 5_000);
    await Promise.all([vtgate.ping(), tablet.streams(['none'])]);
    const failed = await stalled(direction, () =>
      Promise.all(
        [kv.get('/x'), lease.check(), tablet.streams(['none']), vtgate.ping()].map((call: Promise<unknown>) =>
          call.then(
            () => 'answered',
            (error: unknown) => (error as { code?: string }).code,
          ),
        ),
      ),
    );
    expect(failed).toEqual(['TOPO_UNREACHABLE', 'LOCK_LOST', 'TABLET_UNREACHABLE', 'VTGATE_UNREACHABLE']);
    await Promise.all([again(() => kv.get('/x')), again(() => tablet.streams(['none'])), again(() => vtgate.ping())]);
    await lease.release();
  });
});
