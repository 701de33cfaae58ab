import { Code, ConnectError, createClient, type Client, type Transport } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { MigrationError, type Place } from '../../migration/errors.js';
import { Query } from '../wire/queryservice_pb.js';
import { TabletManager } from '../wire/tabletmanagerservice_pb.js';

export type TabletManagerClient = Client<typeof TabletManager>;
export type QueryClient = Client<typeof Query>;

/** The services of one tablet that vtmigrate calls. */
export interface TabletClient {
  manager: TabletManagerClient;
  query: QueryClient;
}

/** Where the clients of tablets come from. */
export interface TabletClients {
  client(host: string, port: number): TabletClient;
}

/** One gRPC connection for each tablet address, kept while the worker lives. */
export class TabletConnections implements TabletClients {
  private readonly transports = new Map<string, Transport>();

  client(host: string, port: number): TabletClient {
    const address = `${host}:${port}`;
    let transport = this.transports.get(address);
    if (transport === undefined) {
      transport = createGrpcTransport({ baseUrl: `http://${address}`, pingIntervalMs: 10_000, pingTimeoutMs: 5_000, idleConnectionTimeoutMs: 60_000 });
      this.transports.set(address, transport);
    }
    return { manager: createClient(TabletManager, transport), query: createClient(Query, transport) };
  }
}

/** Statuses that mean: no answer, or none in time. The call may have had its effect. */
const unreachable = new Set([Code.Unavailable, Code.DeadlineExceeded, Code.Canceled, Code.Aborted]);

/** Statuses with which Vitess refuses for good. */
const refused = new Set([Code.InvalidArgument, Code.FailedPrecondition, Code.PermissionDenied, Code.Unauthenticated, Code.Unimplemented]);

/** The one place where a tablet's gRPC errors become ours. */
export async function callTablet<T>(place: Place, what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    const error = ConnectError.from(cause);
    if (unreachable.has(error.code)) {
      throw new MigrationError('TABLET_UNREACHABLE', `the tablet does not answer ${what} (${error.rawMessage})`, place, 'check that vttablet runs there and its gRPC port can be reached from the worker', { cause });
    }
    const code = refused.has(error.code) ? 'TABLET_REFUSED' : 'TABLET_CALL_FAILED';
    throw new MigrationError(code, `${what} failed: ${error.rawMessage}`, place, "the tablet's log has the details", { cause });
  }
}
