import { setTimeout as sleep } from 'node:timers/promises';
import {
  Etcd3,
  EtcdAuthenticationFailedError,
  EtcdPermissionDeniedError,
  GRPCInvalidArgumentError,
  GRPCUnauthenticatedError,
  Range,
} from 'etcd3';
import { MigrationError } from '../../migration/problem/errors.js';
import { formatAddress, parseAddresses, type Address } from '../../migration/input/address.js';
import type { Access } from '../../net/access.js';
import { tlsRefusal } from '../../net/tls-refusal.js';
import { assertClaims, claimLost, locksIn } from '../claims.js';
import { EtcdLock, leaseTtl } from './etcd-lease.js';
import { absent, type Entry, type Head, type Kv, type Lease } from './kv.js';
import { lockedBy } from './lock-contents.js';

/**
 * Milliseconds. The library tries a call that fails or runs out of time up to four times, on every host in turn.
 */
const callTimeout = 5_000;
const lockPoll = 200;

/** The key-value store of a topology on etcd v3. */
export class EtcdKv implements Kv {
  private readonly client: Etcd3;
  private readonly addresses: readonly Address[];
  private lastReason = '';

  /**
   * Connects at the first call.
   * @param server `host:port`, or several joined by commas, as in Vitess's TopoConfig
   * @throws MigrationError TOPO_UNREACHABLE when `server` is anything else
   */
  constructor(
    readonly server: string,
    private readonly clusterName: string,
    private readonly access: Access = {},
  ) {
    this.addresses = this.parse(server);
    const { tls, user, password } = access;
    this.client = new Etcd3({
      hosts: this.addresses.map((each) => `${tls === undefined ? 'http' : 'https'}://${formatAddress(each)}`),
      dialTimeout: callTimeout,
      // The library takes 4 MiB, which the records of Vitess exceed where a keyspace has many tables.
      grpcOptions: { 'grpc.max_receive_message_length': -1 },
      defaultCallOptions: (context) => (context.isStream ? {} : { deadline: Date.now() + callTimeout }),
      ...(tls === undefined
        ? {}
        : {
            credentials: {
              rootCertificate: tls.ca,
              ...(tls.key === undefined || tls.cert === undefined ? {} : { privateKey: tls.key, certChain: tls.cert }),
            },
          }),
      ...(user === undefined || password === undefined ? {} : { auth: { username: user, password } }),
    });
  }

  async get(key: string): Promise<Entry | undefined> {
    const response = await this.call(`reading ${key}`, () => this.client.get(key).exec());
    return response.kvs[0] === undefined ? undefined : toEntry(response.kvs[0]);
  }

  async list(prefix: string): Promise<Entry[]> {
    const response = await this.call(`reading ${prefix}`, () =>
      this.client.getAll().prefix(prefix).sort('Key', 'Ascend').exec(),
    );
    return response.kvs.map(toEntry);
  }

  async heads(prefix: string): Promise<Head[]> {
    const { start, end } = Range.prefix(prefix);
    // The library's own list of keys leaves out their revisions.
    const request = { key: start, range_end: end, keys_only: true };
    const response = await this.call(`reading ${prefix}`, () =>
      this.client.kv.range(request, { deadline: Date.now() + callTimeout }),
    );
    return response.kvs.map((kv) => ({ key: kv.key.toString(), revision: kv.mod_revision }));
  }

  put(key: string, value: Uint8Array, revision: string): Promise<boolean> {
    const put = this.client.put(key).value(Buffer.from(value));
    return this.change(`writing ${key}`, key, revision, [put]);
  }

  delete(key: string, revision: string, below?: string): Promise<boolean> {
    const others = below === undefined ? [] : [this.client.delete().prefix(below)];
    // etcd refuses a transaction that deletes a key twice.
    const deletions =
      below !== undefined && key.startsWith(below) ? others : [this.client.delete().key(key), ...others];
    return this.change(`deleting ${key}`, key, revision, deletions);
  }

  async lock(dir: string, contents: string, timeoutMs: number): Promise<Lease> {
    assertClaims();
    const held = new EtcdLock(this.client.lease(leaseTtl), dir, this.place(), callTimeout);
    try {
      await this.waitForTurn(dir, contents, timeoutMs, await this.call('granting a lease', () => held.granted()));
      return held;
    } catch (error) {
      await held.release();
      throw error;
    }
  }

  close(): void {
    this.client.close();
  }

  private async waitForTurn(dir: string, contents: string, timeoutMs: number, key: string): Promise<void> {
    const leaseId = key.slice(key.lastIndexOf('/') + 1);
    await this.call(`writing ${key}`, () =>
      this.client.if(key, 'Version', '==', 0).then(this.client.put(key).value(contents).lease(leaseId)).commit(),
    );
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const all = await this.call(`reading ${dir}/locks/`, () =>
        this.client.getAll().prefix(`${dir}/locks/`).sort('Create', 'Ascend').limit(1).exec(),
      );
      const oldest = all.kvs[0];
      if (oldest?.key.toString() === key) return;
      if (oldest === undefined) throw claimLost(`the lock on ${dir} has been lost`, this.place());
      if (Date.now() > deadline) {
        throw lockedBy(dir, oldest.value, this.place());
      }
      await sleep(lockPoll);
    }
  }

  /** One transaction, if the key has the revision and every lock of this store that it runs under is there. */
  private async change(
    what: string,
    key: string,
    revision: string,
    operations: Parameters<ReturnType<Etcd3['if']>['then']>,
  ): Promise<boolean> {
    const locks = locksIn(this.place());
    const { succeeded } = await this.call(what, () => {
      assertClaims();
      const known =
        revision === absent ? this.client.if(key, 'Version', '==', 0) : this.client.if(key, 'Mod', '==', revision);
      return locks
        .reduce((all, lock) => all.and(lock, 'Version', '>', 0), known)
        .then(...operations)
        .commit();
    });
    if (!succeeded)
      for (const lock of locks)
        if ((await this.get(lock)) === undefined) throw claimLost(`the lock ${lock} has been lost`, this.place());
    return succeeded;
  }

  /** Turns etcd's errors into ours. No other place does. */
  private async call<T>(what: string, fn: () => Promise<T>): Promise<T> {
    try {
      return await fn();
    } catch (cause) {
      if (cause instanceof MigrationError) throw cause;
      throw (await this.refusal(what, cause)) ?? this.unreachable(cause);
    }
  }

  /** Why the server does not accept the worker: its own answer, or a failed TLS handshake. */
  private async refusal(what: string, cause: unknown): Promise<MigrationError | undefined> {
    const who = this.access.user === undefined ? 'the worker' : `user ${this.access.user}`;
    const refused = (why: string, remedy: string) =>
      new MigrationError('ACCESS_REFUSED', `the topology server does not let ${who} in: ${why}`, this.place(), remedy, {
        cause,
      });
    if (cause instanceof EtcdPermissionDeniedError)
      return refused(`permission denied for ${what}`, 'grant the role of docs/security.md');
    if (isRefusal(cause))
      return refused(
        cause.message.replace(/^(\w+: )?\d+ [A-Z_]+: /, ''),
        `check user and password of ${this.clusterName}'s etcd in the worker's configuration`,
      );
    for (const { host, port } of this.addresses) {
      const why = await tlsRefusal(host, port, this.access.tls);
      if (why !== undefined)
        return refused(why, `check tls of ${this.clusterName}'s etcd in the worker's configuration`);
    }
    return undefined;
  }

  private unreachable(cause: unknown): MigrationError {
    // An open circuit breaker of the library hides the error that opened it; so does a retry on a channel that the
    // failure of another call has closed.
    const hidden =
      cause instanceof Error &&
      ('isBrokenCircuitError' in cause || cause.message.includes('Channel closed before call started'));
    if (!hidden || this.lastReason === '')
      this.lastReason = (cause instanceof Error ? cause.message : String(cause)).replace(/\s*Resolution note:\s*$/, '');
    return new MigrationError(
      'TOPO_UNREACHABLE',
      `the topology server does not answer (${this.lastReason})`,
      this.place(),
      'check that etcd runs there and can be reached from the worker',
      { cause },
    );
  }

  private parse(server: string): Address[] {
    const addresses = parseAddresses(server);
    if (addresses !== undefined) return addresses;
    throw new MigrationError(
      'TOPO_UNREACHABLE',
      'the address of the topology server is neither host:port nor several of these joined by commas',
      this.place(),
      "correct the mount record, or the cell's CellInfo, that has it",
    );
  }

  private place() {
    return { cluster: this.clusterName, server: this.server };
  }
}

/** etcd answers a call without a user, where it wants one, with InvalidArgument (`ErrGRPCUserEmpty`). */
function isRefusal(cause: unknown): cause is Error {
  return [EtcdAuthenticationFailedError, GRPCUnauthenticatedError, GRPCInvalidArgumentError].some(
    (kind) => cause instanceof kind,
  );
}

function toEntry(kv: { key: Buffer; value: Buffer; mod_revision: string }): Entry {
  return { key: kv.key.toString(), value: kv.value, revision: kv.mod_revision };
}
