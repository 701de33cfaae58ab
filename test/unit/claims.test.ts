import { EventEmitter } from 'node:events';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { MockActivityEnvironment } from '@temporalio/testing';
import { Context } from '@temporalio/activity';
import { Heartbeats, withClaims, withHeartbeat } from '../../src/activities/step/heartbeat.js';
import { assertClaims, claimLost, Stopwatch, underClaims, type Claim } from '../../src/vitess/claims.js';
import { EtcdLock, type GrantedLease } from '../../src/vitess/topology/etcd-lease.js';
import { callTablet, TabletConnections } from '../../src/vitess/tablet/transport.js';

afterEach(() => {
  vi.useRealTimers();
});

const lost = (): Claim => ({
  assert: () => {
    throw claimLost('the lock has been lost', {});
  },
});

describe('claims', () => {
  it('hold for what runs under them, and for nothing else', async () => {
    await expect(underClaims([lost()], () => Promise.resolve().then(assertClaims))).rejects.toThrow('has been lost');
    assertClaims();
  });

  it('add up', async () => {
    const inner = vi.fn();
    await underClaims([{ assert: inner }], async () => {
      await expect(underClaims([lost()], () => Promise.resolve().then(assertClaims))).rejects.toThrow();
      assertClaims();
    });
    expect(inner).toHaveBeenCalledTimes(2);
  });

  it('count the time by the clock that has gone further', () => {
    vi.useFakeTimers();
    const watch = new Stopwatch();
    vi.advanceTimersByTime(5_000);
    vi.setSystemTime(Date.now() - 60_000);
    expect(watch.elapsed).toBeGreaterThanOrEqual(5_000);
    vi.setSystemTime(Date.now() + 120_000);
    expect(watch.elapsed).toBeGreaterThan(60_000);
  });
});

describe('a call to a tablet', () => {
  it('is not sent when a claim has ended while the connection was made', async () => {
    let asked = 0;
    const server = createServer().on('stream', (stream) => {
      asked++;
      stream.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const { manager } = new TabletConnections().client('127.0.0.1', port, 'target');
    const call = () => callTablet({}, 'RefreshState', 300, (options) => manager.refreshState({}, options));
    await expect(underClaims([lost()], call)).rejects.toMatchObject({ code: 'LOCK_LOST' });
    expect(asked).toBe(0);
    await expect(call()).rejects.toMatchObject({ code: 'TABLET_UNREACHABLE' });
    expect(asked).toBe(1);
    server.close();
  });
});

describe('a lock in etcd', () => {
  const taken = () => {
    vi.useFakeTimers();
    const lease = new EventEmitter();
    return {
      lease,
      lock: new EtcdLock(lease as unknown as GrantedLease, '/dir', { cluster: 'target', server: 'etcd:2379' }, 5_000),
    };
  };

  it('may be lost when it has not been renewed in its time, less what a call needs to arrive', () => {
    const { lease, lock } = taken();
    vi.advanceTimersByTime(8_000);
    lease.emit('keepaliveFired');
    vi.advanceTimersByTime(1_000);
    lock.assert();
    lease.emit('keepaliveSucceeded');
    vi.advanceTimersByTime(8_000);
    lock.assert();
    vi.advanceTimersByTime(1);
    expect(() => lock.assert()).toThrow('has not been renewed for 9.0 s');
  });

  it('is lost when etcd says so, whatever the clocks say', () => {
    const { lease, lock } = taken();
    lock.assert();
    lease.emit('lost');
    expect(() => lock.assert()).toThrow('has been lost');
  });

  it('is not renewed by an answer that has waited while the process stood still', () => {
    const { lease, lock } = taken();
    lease.emit('keepaliveEstablished');
    lease.emit('keepaliveFired');
    vi.setSystemTime(Date.now() + 60_000);
    lease.emit('keepaliveFired');
    lease.emit('keepaliveSucceeded');
    expect(() => lock.assert()).toThrow('has not been renewed for 60.0 s');
  });
});

describe('the claim of an activity', () => {
  const run = (work: () => Promise<void>, heartbeatTimeoutMs = 10_000) => {
    const environment = new MockActivityEnvironment({ heartbeatTimeoutMs });
    return environment.run(() => withHeartbeat(work));
  };

  it('lasts as long as its heartbeats go out', async () => {
    vi.useFakeTimers();
    await run(async () => {
      await vi.advanceTimersByTimeAsync(60_000);
      assertClaims();
      expect(Context.current().info.heartbeatTimeoutMs).toBe(10_000);
    });
  });

  it('does not end where Temporal waits for no heartbeat: it gives 0 then', async () => {
    vi.useFakeTimers();
    await run(async () => {
      await vi.advanceTimersByTimeAsync(1_000);
      vi.setSystemTime(Date.now() + 60_000);
      assertClaims();
      expect(Context.current().info.heartbeatTimeoutMs).toBe(0);
    }, 0);
  });

  it('ends for good when the process has stood still for longer than Temporal waits', async () => {
    vi.useFakeTimers();
    await run(async () => {
      vi.setSystemTime(Date.now() + 10_001);
      expect(assertClaims).toThrow('another one has the step');
      await vi.advanceTimersByTimeAsync(4_000);
      expect(assertClaims).toThrow('another one has the step');
    });
  });

  it('begins with the attempt, whenever the step asks for heartbeats', async () => {
    vi.useFakeTimers();
    const heartbeat = () => withHeartbeat(() => Promise.resolve().then(assertClaims));
    const standsStill = () => vi.setSystemTime(Date.now() + 10_001);
    const steps = withClaims(
      {
        late: () => Promise.resolve().then(standsStill).then(heartbeat),
        twice: () => heartbeat().then(standsStill).then(heartbeat),
      },
      new Heartbeats(),
    );
    for (const step of [steps.late, steps.twice])
      await expect(new MockActivityEnvironment({ heartbeatTimeoutMs: 10_000 }).run(step)).rejects.toThrow(
        'another one has the step',
      );
    await expect(new MockActivityEnvironment({ heartbeatTimeoutMs: 10_000 }).run(heartbeat)).resolves.toBeUndefined();
  });

  it('has heartbeats less often, the more activities of the worker have them, and of no other worker', async () => {
    vi.useFakeTimers();
    const heartbeats = new Heartbeats();
    let end!: () => void;
    const ended = new Promise<void>((resolve) => (end = resolve));
    const { step } = withClaims({ step: () => withHeartbeat(() => ended) }, heartbeats);
    const running = Array.from({ length: 300 }, () =>
      new MockActivityEnvironment({ heartbeatTimeoutMs: 10_000 }).run(step),
    );
    await vi.advanceTimersByTimeAsync(0);
    expect([heartbeats.interval, heartbeats.patience]).toEqual([6_000, 14]);
    expect(new Heartbeats()).toMatchObject({ interval: 200, patience: 10 });
    end();
    await Promise.all(running);
    expect([heartbeats.interval, heartbeats.patience]).toEqual([200, 10]);
  });
});
