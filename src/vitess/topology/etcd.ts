import { setTimeout as sleep } from 'node:timers/promises';
import {
  Etcd3,
  EtcdAuthenticationFailedError,
  EtcdPermissionDeniedError,
  GRPCInvalidArgumentError,
  GRPCUnauthenticatedError,
} from 'etcd3';
import { MigrationError, type Place } from '../../migration/problem/errors.js';
import type { Access } from '../../net/access.js';
import { splitAddress } from '../../net/address.js';
import { tlsRefusal } from '../../net/tls-refusal.js';
import { absent, type Entry, type Kv, type Lease } from './kv.js';
import { lockHolder } from './lock-contents.js';

/** Time limits in milliseconds. The library tries a call that fails or runs out of time up to four times, on every host in turn. */
const callTimeout = 5_000;
const lockPoll = 200;
/** Seconds: how long a lock outlives a worker that was killed. It is kept alive as long as its holder is. */
const leaseTtl = 10;

/** The key-value store of a topology on etcd v3. */
export class EtcdKv implements Kv {
  private readonly client: Etcd3;
  private lastReason = '';

  /** @param server `host:port`, or several joined by commas, as in Vitess's TopoConfig */
  constructor(
    readonly server: string,
    private readonly clusterName: string,
    private readonly access: Access = {},
  ) {
    const { tls, user, password } = access;
    this.client = new Etcd3({
      hosts: server.split(',').map((host) => `${tls === undefined ? 'http' : 'https'}://${host}`),
      dialTimeout: callTimeout,
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

  async put(key: string, value: Uint8Array, revision: string): Promise<boolean> {
    const response = await this.call(`writing ${key}`, () =>
      this.guard(key, revision)
        .then(this.client.put(key).value(Buffer.from(value)))
        .commit(),
    );
    return response.succeeded;
  }

  async delete(key: string, revision: string): Promise<boolean> {
    const response = await this.call(`deleting ${key}`, () =>
      this.guard(key, revision).then(this.client.delete().key(key)).commit(),
    );
    return response.succeeded;
  }

  async lock(dir: string, contents: string, timeoutMs: number): Promise<Lease> {
    const lease = this.client.lease(leaseTtl);
    const held: Lease = {
      check: async () => {
        // A stream, which has no deadline unless it is given one: on a stalled connection it would wait for ever.
        await lease.keepaliveOnce({ deadline: Date.now() + callTimeout }).catch((cause: unknown) => {
          throw new MigrationError(
            'LOCK_LOST',
            `the lock on ${dir} has been lost`,
            this.place(),
            'the step is run again',
            { cause },
          );
        });
      },
      release: async () => {
        // The lease ends by itself after its time to live, should this call not get through.
        await lease.revoke({ deadline: Date.now() + callTimeout }).catch(() => lease.release());
      },
    };
    try {
      await this.waitForTurn(dir, contents, timeoutMs, await this.call('granting a lease', () => lease.grant()));
      return held;
    } catch (error) {
      await held.release();
      throw error;
    }
  }

  close(): void {
    this.client.close();
  }

  private async waitForTurn(dir: string, contents: string, timeoutMs: number, leaseId: string): Promise<void> {
    const key = `${dir}/locks/${leaseId}`;
    await this.call(`writing ${key}`, () =>
      this.client.if(key, 'Version', '==', 0).then(this.client.put(key).value(contents).lease(leaseId)).commit(),
    );
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const all = await this.call(`reading ${dir}/locks/`, () =>
        this.client.getAll().prefix(`${dir}/locks/`).sort('Create', 'Ascend').exec(),
      );
      const oldest = all.kvs[0];
      if (oldest?.key.toString() === key) return;
      if (oldest === undefined)
        throw new MigrationError(
          'LOCK_LOST',
          `the lock on ${dir} has been lost`,
          this.place(),
          'the step is run again',
        );
      if (Date.now() > deadline) {
        throw lockedBy(dir, oldest.value, this.place());
      }
      await sleep(lockPoll);
    }
  }

  private guard(key: string, revision: string) {
    return revision === absent ? this.client.if(key, 'Version', '==', 0) : this.client.if(key, 'Mod', '==', revision);
  }

  /** The one place where etcd's errors become ours. */
  private async call<T>(what: string, fn: () => Promise<T>): Promise<T> {
    try {
      return await fn();
    } catch (cause) {
      throw (await this.refusal(what, cause)) ?? this.unreachable(cause);
    }
  }

  /** What keeps the worker out: the server's word, or a handshake that fails. */
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
    for (const address of this.server.split(',')) {
      const { host, port } = splitAddress(address);
      const why = await tlsRefusal(host, port, this.access.tls);
      if (why !== undefined)
        return refused(why, `check tls of ${this.clusterName}'s etcd in the worker's configuration`);
    }
    return undefined;
  }

  private unreachable(cause: unknown): MigrationError {
    // The library's circuit breaker, while open, hides what made it open; so does a retry on a channel that another call's failure has closed.
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

/** The error of a lock that others hold; `contents` are what the holder wrote into its key. */
export function lockedBy(dir: string, contents: Uint8Array, place: Place): MigrationError {
  return new MigrationError(
    'LOCKED',
    `${dir} is locked by ${describeHolder(contents)}`,
    place,
    'wait until it is done. VDiff and Cancel of the migration clear the lock of a VDiff whose tablet has died; any other dead holder of a named lock lets go after 24 hours',
  );
}

/** Who holds a lock, in words, from what it wrote into the lock's key. */
export function describeHolder(value: Uint8Array): string {
  const { who, since } = lockHolder(value);
  return since === null ? who : `${who} since ${since}`;
}
