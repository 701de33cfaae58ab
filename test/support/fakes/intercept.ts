import { Code, ConnectError } from '@connectrpc/connect';
import { MigrationError } from '../../../src/migration/problem/errors.js';
import type { TabletClient, TabletManagerClient } from '../../../src/vitess/tablet/transport.js';
import type { Kv, Lease } from '../../../src/vitess/topology/kv.js';
import type { Connectors } from '../../../src/worker.js';

/** How a call fails in the program: there is no answer, or none in time. */
export interface Failures {
  unanswered: () => Error;
  late: () => Error;
}

/**
 * Stands between the program and every external call: does the call (`effect`), or something else.
 * @param what the call in words, `tablet 200 applySchema`
 */
export type Pass = <T>(what: string, effect: () => Promise<T>, failures: Failures) => Promise<T>;

const topoFailures: Failures = {
  unanswered: () =>
    new MigrationError('TOPO_UNREACHABLE', 'the topology server does not answer (connection refused)', {}, ''),
  late: () => new MigrationError('TOPO_UNREACHABLE', 'the topology server does not answer (deadline exceeded)', {}, ''),
};
const leaseFailure = () => new MigrationError('LOCK_LOST', 'the lock has been lost', {}, '');
const leaseFailures: Failures = { unanswered: leaseFailure, late: leaseFailure };
const tabletFailures: Failures = {
  unanswered: () => new ConnectError('connection refused', Code.Unavailable),
  late: () => new ConnectError('the operation timed out', Code.DeadlineExceeded),
};
const sqlFailures: Failures = {
  unanswered: () =>
    Object.assign(new Error('Connection lost: The server closed the connection.'), {
      code: 'PROTOCOL_CONNECTION_LOST',
    }),
  late: () => Object.assign(new Error('Query inactivity timeout'), { code: 'PROTOCOL_SEQUENCE_TIMEOUT' }),
};

const hookFailure = (what: string) => () => new MigrationError('FENCE_HOOK_FAILED', what, {}, '');
const hookFailures: Failures = { unanswered: hookFailure('no answer'), late: hookFailure('no end within 10 s') };

/** Connectors with `pass` in between: this is the list of everything that counts as an external call. */
export function passing(connectors: Connectors, pass: Pass): Connectors {
  return {
    openKv: (server, cluster, access) => passingKv(connectors.openKv(server, cluster, access), cluster, pass),
    openTablets: (accessTo) => {
      const tablets = connectors.openTablets(accessTo);
      return { client: (host, port, cluster) => passingTablet(tablets.client(host, port, cluster), port, pass) };
    },
    openSqlClient: (options, target) => {
      const client = connectors.openSqlClient(options, target);
      return {
        query: (query) => pass(`vtgate ${target ?? ''} ${query.sql}`, () => client.query(query), sqlFailures),
        end: () => client.end(),
      };
    },
    openHooks: (config) => {
      const hooks = connectors.openHooks(config);
      return {
        refusal: (hook) => hooks.refusal(hook),
        call: (hook, event, ...rest) =>
          pass(`hook ${hook} ${event.event}`, () => hooks.call(hook, event, ...rest), hookFailures),
      };
    },
  };
}

function passingKv(kv: Kv, cluster: string, pass: Pass): Kv {
  const call = <T>(what: string, effect: () => Promise<T>) => pass(`etcd ${cluster} ${what}`, effect, topoFailures);
  return {
    server: kv.server,
    get: (key) => call(`get ${key}`, () => kv.get(key)),
    list: (prefix) => call(`list ${prefix}`, () => kv.list(prefix)),
    heads: (prefix) => call(`heads ${prefix}`, () => kv.heads(prefix)),
    put: (key, value, revision) => call(`put ${key}`, () => kv.put(key, value, revision)),
    delete: (key, revision, below) => call(`delete ${key}`, () => kv.delete(key, revision, below)),
    lock: async (dir, contents, timeoutMs) =>
      passingLease(await call(`lock ${dir}`, () => kv.lock(dir, contents, timeoutMs)), dir, pass),
    close: () => kv.close(),
  };
}

function passingLease(lease: Lease, dir: string, pass: Pass): Lease {
  return {
    ...(lease.lock === undefined ? {} : { lock: lease.lock }),
    assert: () => lease.assert(),
    check: () => pass(`etcd check ${dir}`, () => lease.check(), leaseFailures),
    // A lock that cannot be given back ends with its lease; the client says nothing (see etcd.ts).
    release: () => pass(`etcd release ${dir}`, () => lease.release(), leaseFailures).catch(() => undefined),
  };
}

function passingTablet({ manager, query }: TabletClient, port: number, pass: Pass): TabletClient {
  const calls = Object.entries(manager).map(([name, call]) => [
    name,
    (...args: unknown[]) =>
      pass(
        `tablet ${port} ${name}${wordsOf(args[0])}`,
        () => (call as (...args: unknown[]) => Promise<unknown>)(...args),
        tabletFailures,
      ),
  ]);
  return {
    manager: Object.fromEntries(calls) as TabletManagerClient,
    query: {
      streamHealth: (request, options) =>
        passingStream(query.streamHealth(request, options), `tablet ${port} streamHealth`, pass),
      vStream: (request, options) => passingStream(query.vStream(request, options), `tablet ${port} vStream`, pass),
    },
  };
}

/** What a call does that does several things: the action of a VDiff, the first word of a statement. */
function wordsOf(request: unknown): string {
  const { action, query } = request as { action?: string; query?: Uint8Array };
  const [word] = query === undefined ? [action] : Buffer.from(query).toString().trim().split(/\s/, 1);
  return word === undefined ? '' : ` ${word}`;
}

/** Each message of a stream is waited for in a call of its own. */
async function* passingStream<T>(stream: AsyncIterable<T>, what: string, pass: Pass): AsyncGenerator<T> {
  const iterator = stream[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await pass(what, () => iterator.next(), tabletFailures);
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await iterator.return?.();
  }
}
