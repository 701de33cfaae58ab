import { setImmediate as soon, setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { assertClaims, underClaims, type Claim } from '../../src/vitess/claims.js';
import { SharedReads } from '../../src/vitess/shared-reads.js';

/** A server that answers when it is told to. */
class Server {
  readonly calls: { keys: readonly string[]; answer: (value: unknown) => void; fail: (error: Error) => void }[] = [];

  readonly call = (keys: readonly string[] = []): Promise<unknown> =>
    new Promise((answer, fail) => {
      this.calls.push({ keys, answer, fail });
    });
}

describe('reads that are asked for at the same time', () => {
  it('share the call after the one that is under way', async () => {
    const [reads, server] = [new SharedReads(), new Server()];
    const first = reads.read('shard', server.call);
    const others = [reads.read('shard', server.call), reads.read('shard', server.call)];
    await soon();
    expect(server.calls).toHaveLength(1);
    server.calls[0]?.answer('old');
    await expect(first).resolves.toBe('old');
    await soon();
    expect(server.calls).toHaveLength(2);
    server.calls[1]?.answer('new');
    await expect(Promise.all(others)).resolves.toEqual(['new', 'new']);
    await soon();
    void reads.read('shard', server.call);
    expect(server.calls).toHaveLength(3);
  });

  it('do not wait for a read of something else', () => {
    const [reads, server] = [new SharedReads(), new Server()];
    void reads.read('shard', server.call);
    void reads.read('tablet', server.call);
    expect(server.calls).toHaveLength(2);
  });

  it('are asked again when the call before has failed, and fail together', async () => {
    const [reads, server] = [new SharedReads(), new Server()];
    const first = reads.read('shard', server.call);
    const others = [reads.read('shard', server.call), reads.read('shard', server.call)];
    server.calls[0]?.fail(new Error('away'));
    await expect(first).rejects.toThrow('away');
    await soon();
    server.calls[1]?.fail(new Error('still away'));
    for (const other of others) await expect(other).rejects.toThrow('still away');
  });

  it('do not wait for a server that has stopped answering', async () => {
    const [reads, server] = [new SharedReads(), new Server()];
    void reads.read('shard', server.call);
    const waiting = reads.read('shard', server.call);
    await sleep(600);
    expect(server.calls).toHaveLength(2);
    server.calls[1]?.answer('there');
    await expect(waiting).resolves.toBe('there');
  });

  it('ask for the keys of all', async () => {
    const [reads, server] = [new SharedReads(), new Server()];
    void reads.readTogether('sizes', ['a'], server.call);
    const others = [
      reads.readTogether('sizes', ['b', 'c'], server.call),
      reads.readTogether('sizes', ['c'], server.call),
    ];
    server.calls[0]?.answer('a');
    await soon();
    expect(server.calls.map(({ keys }) => keys)).toEqual([['a'], ['b', 'c']]);
    server.calls[1]?.answer('b and c');
    await expect(Promise.all(others)).resolves.toEqual(['b and c', 'b and c']);
  });

  it('ask for themselves where a call would have too many keys', () => {
    const [reads, server] = [new SharedReads(), new Server()];
    for (const keys of [['a'], ['b', 'c'], ['d', 'e']]) void reads.readTogether('sizes', keys, server.call, 3);
    expect(server.calls.map(({ keys }) => keys)).toEqual([['a'], ['d', 'e']]);
  });

  it('take an answer that is recent enough, if that will do', async () => {
    const [reads, server] = [new SharedReads(), new Server()];
    const read = () => reads.readRecent('load', 100, server.call);
    const both = [read(), read()];
    expect(server.calls).toHaveLength(1);
    server.calls[0]?.answer('low');
    await expect(Promise.all(both)).resolves.toEqual(['low', 'low']);
    await sleep(150);
    const later = read();
    expect(server.calls).toHaveLength(2);
    server.calls[1]?.fail(new Error('away'));
    await expect(later).rejects.toThrow('away');
    await soon();
    void read();
    expect(server.calls).toHaveLength(3);
  });

  it('do not fail by a claim of another one', async () => {
    const reads = new SharedReads();
    const lost: Claim = {
      assert: () => {
        throw new Error('lost');
      },
    };
    const read = () =>
      reads.read('shard', async () => {
        await soon();
        assertClaims();
        return 'there';
      });
    await expect(underClaims([lost], () => Promise.all([read(), read()]))).resolves.toEqual(['there', 'there']);
  });
});
