import { Code, ConnectError, createClient, type Client, type Interceptor, type Transport } from '@connectrpc/connect';
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node';
import { MigrationError, type Place } from '../../migration/problem/errors.js';
import type { Access } from '../../net/access.js';
import { tlsRefusal } from '../../net/tls-refusal.js';
import { assertClaims } from '../claims.js';
import { Query } from '../wire/queryservice_pb.js';
import { TabletManager } from '../wire/tabletmanagerservice_pb.js';

export type TabletManagerClient = Client<typeof TabletManager>;
export type QueryClient = Client<typeof Query>;

/** The services of one tablet that vtmigrate calls. */
export interface TabletClient {
  manager: TabletManagerClient;
  query: QueryClient;
}

/** Makes the clients of tablets. */
export interface TabletClients {
  client(host: string, port: number, cluster: string): TabletClient;
}

/** One gRPC connection for each tablet address, kept while the worker lives. */
export class TabletConnections implements TabletClients {
  private readonly transports = new Map<string, Transport>();

  /** @param accessTo the credentials for a cluster's tablets */
  constructor(private readonly accessTo: (cluster: string) => Access = () => ({})) {}

  client(host: string, port: number, cluster: string): TabletClient {
    // Not by address alone: one cluster's credentials must not reach another's servers.
    const key = `${cluster}@${host}:${port}`;
    const transport = this.transports.get(key) ?? openTransport(host, port, this.accessTo(cluster));
    this.transports.set(key, transport);
    return { manager: createClient(TabletManager, transport), query: createClient(Query, transport) };
  }
}

function openTransport(host: string, port: number, access: Access): Transport {
  const { tls } = access;
  const baseUrl = `${tls === undefined ? 'http' : 'https'}://${host}:${port}`;
  const sessionManager = new ClaimedSessions(
    baseUrl,
    { pingIntervalMs: 10_000, pingTimeoutMs: 5_000, idleConnectionTimeoutMs: 60_000 },
    tls === undefined
      ? {}
      : {
          ca: tls.ca,
          cert: tls.cert,
          key: tls.key,
          ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
        },
  );
  return createGrpcTransport({ baseUrl, sessionManager, interceptors: [authenticate(host, port, access)] });
}

/** Once there is a connection, a call is sent without further waiting: only if the claims it runs under still hold. */
class ClaimedSessions extends Http2SessionManager {
  override async request(
    ...call: Parameters<Http2SessionManager['request']>
  ): ReturnType<Http2SessionManager['request']> {
    await this.connect();
    assertClaims();
    const stream = await super.request(...call);
    if (stream.session?.listeners('error').includes(ignoreError) === false) stream.session.on('error', ignoreError);
    return stream;
  }
}

/**
 * A listener for good: when a tablet shuts down just as a call begins, the library drops the session and its own
 * listener before the session reports its error, and an error without a listener ends the worker.
 */
function ignoreError(): void {
  // By then the call has another session.
}

/** Adds Vitess's static-auth headers, and explains a refused connection. */
function authenticate(host: string, port: number, { tls, user, password }: Access): Interceptor {
  return (next) => async (request) => {
    if (user !== undefined && password !== undefined) {
      request.header.set('username', user);
      request.header.set('password', password);
    }
    try {
      return await next(request);
    } catch (cause) {
      const error = ConnectError.from(cause);
      if (!isLost(error) || error.cause instanceof MigrationError) throw error;
      const why = await tlsRefusal(host, port, tls);
      throw why === undefined ? error : new ConnectError(why, Code.Unauthenticated, undefined, undefined, cause);
    }
  };
}

/** True when a failed handshake may have ended the connection: Node's own errors are the cause, whatever the status. */
function isLost({ code, cause }: ConnectError): boolean {
  return code === Code.Unavailable || code === Code.Canceled || (cause instanceof Error && 'code' in cause);
}

/** Statuses that mean: no answer, or none in time. The call may have had its effect. */
const unreachable = new Set([Code.Unavailable, Code.DeadlineExceeded, Code.Canceled, Code.Aborted]);

/** Statuses with which Vitess refuses for good. */
const refused = new Set([Code.InvalidArgument, Code.FailedPrecondition, Code.Unimplemented]);

/** Statuses with which a tablet refuses the worker's credentials. */
const unauthorized = new Set([Code.PermissionDenied, Code.Unauthenticated]);

export interface CallOptions {
  timeoutMs: number;
}

/** Opens a stream of messages with the options of its call. */
export type OpenStream<M> = (options: CallOptions & { signal: AbortSignal }) => AsyncIterable<M>;

/**
 * Reads a stream of messages, and ends it when `read` returns: leaving a loop over the messages does not end it, and
 * the tablet would go on with it until its deadline.
 */
export async function readStream<M, T>(
  options: CallOptions,
  open: OpenStream<M>,
  read: (messages: AsyncIterable<M>) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  try {
    return await read(open({ ...options, signal: over.signal }));
  } finally {
    over.abort();
  }
}

/** Turns a tablet's gRPC errors into ours. No other place does. */
export async function callTablet<T>(
  place: Place,
  what: string,
  timeoutMs: number,
  call: (options: CallOptions) => Promise<T>,
): Promise<T> {
  const began = performance.now();
  try {
    return await call({ timeoutMs });
  } catch (cause) {
    if (cause instanceof MigrationError) throw cause;
    const error = ConnectError.from(cause);
    if (error.cause instanceof MigrationError) throw error.cause;
    const text = shortened(error.rawMessage);
    const options = text === error.rawMessage ? { cause } : {};
    // A tablet has the caller's deadline. When it passes, it may answer first, with an error of no certain status.
    const late = error.code === Code.Unknown && performance.now() - began >= timeoutMs;
    if (late || unreachable.has(error.code)) {
      throw new MigrationError(
        'TABLET_UNREACHABLE',
        `the tablet does not answer ${what} (${text})`,
        place,
        'check that vttablet runs there and its gRPC port can be reached from the worker',
        options,
      );
    }
    if (unauthorized.has(error.code)) {
      throw new MigrationError(
        'ACCESS_REFUSED',
        `the tablet does not let the worker in for ${what}: ${text}`,
        place,
        `check tls, user and password of ${place.cluster ?? 'the cluster'}'s tablets in the worker's configuration, ` +
          "and the tablet's MySQL accounts",
        options,
      );
    }
    const code = refused.has(error.code) ? 'TABLET_REFUSED' : 'TABLET_CALL_FAILED';
    throw new MigrationError(code, `${what} failed: ${text}`, place, "the tablet's log has the details", options);
  }
}

/** Characters of Vitess's words that are kept: Temporal cuts a longer failure at its end, where the cause is. */
const kept = { first: 500, last: 500 };

function shortened(text: string): string {
  const cut = text.length - kept.first - kept.last;
  if (cut <= 0) return text;
  return `${text.slice(0, kept.first)} [… ${cut} characters …] ${text.slice(-kept.last)}`;
}
