import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { JournalStore } from '../../../src/effects/journal.js';
import { underClaims } from '../../../src/vitess/claims.js';
import type { Kv } from '../../../src/vitess/topology/kv.js';
import { Topology } from '../../../src/vitess/topology/topology.js';

/** A key-value store under test, and what a test does to it from outside. */
export interface KvUnderTest {
  kv: Kv;
  /** A client of a server that is not there, for cluster `ext9`. */
  nowhere: Kv;
  topoRoot: string;
  /** Another client of the same store, as another worker has one. */
  other: () => Kv;
  /** A worker takes the lock and dies with it. */
  dieHolding: (dir: string, contents: string) => Promise<void>;
  /** Ends the lease of whoever holds the lock. */
  revoke: (dir: string) => void | Promise<void>;
}

/** What the code relies on in a topology's key-value store. */
export function kvContract(name: string, open: () => KvUnderTest): void {
  const bytes = (text: string) => Buffer.from(text);
  let key = '';
  let kv: Kv;
  const keys = async (prefix: string) => (await kv.heads(prefix)).map((head) => head.key);
  beforeEach(() => {
    key = `/test/${randomUUID()}`;
    ({ kv } = open());
  });

  describe(`the key-value store of ${name}`, () => {
    test('an absent key is data, not an error', async () => {
      expect(await kv.get(key)).toBeUndefined();
      expect(await kv.list(`${key}/`)).toEqual([]);
      expect(await kv.delete(key, '1')).toBe(false);
    });

    test('a put compares the revision it read', async () => {
      expect(await kv.put(key, bytes('one'), '0')).toBe(true);
      expect(await kv.put(key, bytes('two'), '0')).toBe(false);
      const first = await kv.get(key);
      expect(await kv.put(key, bytes('two'), first?.revision ?? '')).toBe(true);
      expect(await kv.put(key, bytes('three'), first?.revision ?? '')).toBe(false);
      expect(Buffer.from((await kv.get(key))?.value ?? []).toString()).toBe('two');
      expect(await kv.delete(key, first?.revision ?? '')).toBe(false);
      expect(await kv.delete(key, (await kv.get(key))?.revision ?? '')).toBe(true);
    });

    test('a key that was deleted is absent again, and an old revision of it is of no use', async () => {
      await kv.put(key, bytes('one'), '0');
      const old = (await kv.get(key))?.revision ?? '';
      await kv.delete(key, old);
      expect(await kv.put(key, bytes('two'), old)).toBe(false);
      expect(await kv.put(key, bytes('two'), '0')).toBe(true);
      expect((await kv.get(key))?.revision).not.toBe(old);
    });

    test('keys are deleted together, or none of them is', async () => {
      await kv.put(key, bytes('one'), '0');
      await kv.put(`${key}/beside`, bytes('two'), '0');
      await kv.put(`${key}x`, bytes('three'), '0');
      expect(await kv.delete(key, '1', `${key}/`)).toBe(false);
      expect(await kv.get(`${key}/beside`)).toBeDefined();
      expect(await kv.delete(key, (await kv.get(key))?.revision ?? '', `${key}/`)).toBe(true);
      expect(await keys(key)).toEqual([`${key}x`]);
      const { revision = '' } = (await kv.get(`${key}x`)) ?? {};
      expect(await kv.delete(`${key}x`, revision, key)).toBe(true);
      expect(await keys(key)).toEqual([]);
    });

    test('a list has its entries in the order of their keys, and only those below the prefix', async () => {
      for (const each of ['b', 'a']) await kv.put(`${key}/${each}`, bytes(each), '0');
      await kv.put(`${key}x`, bytes('x'), '0');
      expect((await kv.list(`${key}/`)).map((entry) => entry.key)).toEqual([`${key}/a`, `${key}/b`]);
      const before = await kv.heads(`${key}/`);
      expect(before.map((head) => head.key)).toEqual([`${key}/a`, `${key}/b`]);
      expect(before[0]?.revision).toBe((await kv.get(`${key}/a`))?.revision);
      await kv.put(`${key}/b`, bytes('changed'), before[1]?.revision ?? '');
      const [a, b] = await kv.heads(`${key}/`);
      expect(a).toEqual(before[0]);
      expect(b?.revision).not.toBe(before[1]?.revision);
    });

    test('a server that is not there is named in the error', async () => {
      await expect(open().nowhere.get(key)).rejects.toMatchObject({ code: 'TOPO_UNREACHABLE' });
    });
  });

  describe(`the locks of ${name}`, () => {
    const holder = JSON.stringify({ Action: 'first', HostName: 'here', UserName: 'me', Time: 'now' });

    test('a lock excludes, says who holds it, and is handed on', async () => {
      const first = await kv.lock(key, holder, 1_000);
      await expect(kv.lock(key, '{}', 300)).rejects.toMatchObject({
        code: 'LOCKED',
        message: expect.stringContaining('first of me@here since now') as string,
      });
      const waiting = open().other().lock(key, '{}', 10_000);
      await first.release();
      const second = await waiting;
      await second.check();
      await second.release();
      expect(await kv.list(`${key}/locks/`)).toEqual([]);
    });

    test('one who has waited in vain leaves nothing in the queue', async () => {
      const first = await kv.lock(key, holder, 1_000);
      await expect(kv.lock(key, '{}', 300)).rejects.toMatchObject({ code: 'LOCKED' });
      expect(await kv.list(`${key}/locks/`)).toHaveLength(1);
      await first.release();
    });

    test('the lock of a worker that died goes to the next when its lease has run out', async () => {
      await open().dieHolding(key, holder);
      expect(await kv.list(`${key}/locks/`)).toHaveLength(1);
      const next = await kv.lock(key, '{}', 30_000);
      await next.check();
      await next.release();
    });

    test('a lock whose lease was revoked is known to be lost, and giving it back is no error', async () => {
      const lock = await kv.lock(key, '{}', 1_000);
      await open().revoke(key);
      await expect(lock.check()).rejects.toMatchObject({ code: 'LOCK_LOST' });
      await lock.release();
    });

    test('nothing is written under a lock that has been lost, whatever the revision', async () => {
      await kv.put(key, bytes('one'), '0');
      const revision = (await kv.get(key))?.revision ?? '';
      const lock = await kv.lock(key, '{}', 1_000);
      await underClaims([lock], () => kv.put(`${key}/held`, bytes('held'), '0'));
      await open().revoke(key);
      for (const change of [
        () => kv.put(key, bytes('two'), revision),
        () => kv.put(`${key}/new`, bytes('new'), '0'),
        () => kv.delete(key, revision, `${key}/`),
      ])
        await expect(underClaims([lock], change)).rejects.toMatchObject({ code: 'LOCK_LOST' });
      expect((await kv.list(key)).map((entry) => Buffer.from(entry.value).toString())).toEqual(['one', 'held']);
      await lock.release();
    });
  });

  describe(`the journal in ${name}`, () => {
    test('belongs to one run', async () => {
      const topology = new Topology('target', kv.server, open().topoRoot, () => kv);
      const store = new JournalStore(topology, { keyspace: 'commerce', workflow: `j${randomUUID().slice(0, 8)}` });
      expect(await store.read()).toBeUndefined();
      const begun = await store.begin('run-1', 'ext1.load');
      expect(await store.begin('run-1', 'ext1.load')).toEqual(begun);
      await expect(store.begin('run-2', 'ext1.load')).rejects.toMatchObject({ code: 'MIGRATION_EXISTS' });
      await store.update('run-1', (journal) => {
        journal.createdTables['0'] = ['t'];
      });
      await expect(store.update('run-2', () => undefined)).rejects.toMatchObject({ code: 'MIGRATION_EXISTS' });
      await expect(store.remove('run-2')).rejects.toMatchObject({ code: 'MIGRATION_EXISTS' });
      expect((await store.read())?.createdTables).toEqual({ '0': ['t'] });
      await store.remove('run-1');
      await store.remove('run-1');
      expect(await store.read()).toBeUndefined();
    });
  });
}
