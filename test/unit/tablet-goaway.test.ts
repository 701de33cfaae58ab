import { EventEmitter, once } from 'node:events';
import http2, { createServer, type ClientHttp2Session, type ServerHttp2Session } from 'node:http2';
import { syncBuiltinESMExports } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { TabletConnections } from '../../src/vitess/tablet/transport.js';

/** Sessions that clients have opened, as Node makes them. */
const opened = new EventEmitter<{ session: [ClientHttp2Session] }>();
const { connect } = http2;
http2.connect = ((...args: Parameters<typeof connect>) => {
  const session = connect(...args);
  opened.emit('session', session);
  return session;
}) as typeof connect;
syncBuiltinESMExports();

afterEach(() => {
  http2.connect = connect;
  syncBuiltinESMExports();
});

/** A gRPC server that answers every call with an empty message. */
async function listen(): Promise<{ port: number; sessions: ServerHttp2Session[]; close: () => void }> {
  const sessions: ServerHttp2Session[] = [];
  const server = createServer().on('session', (session) => sessions.push(session));
  server.on('stream', (stream) => {
    stream.on('error', () => undefined);
    stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(Buffer.alloc(5));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    for (const session of sessions) session.destroy();
    server.close();
  };
  return { port: (server.address() as AddressInfo).port, sessions, close };
}

test('a tablet that shuts down while a call begins does not end the worker: the call opens another connection', async () => {
  const server = await listen();
  const { manager } = new TabletConnections().client('127.0.0.1', server.port, 'target');
  const opening = once(opened, 'session') as Promise<[ClientHttp2Session]>;
  await manager.refreshState({}, { timeoutMs: 5_000 });
  const [session] = await opening;
  // Its first stream is to be closed.
  await sleep(50);
  // The session has been given up by now, and tells it in a moment, to nobody who listens but ours.
  const begun = new Promise<unknown>((resolve) =>
    session.once('goaway', () => resolve(manager.refreshState({}, { timeoutMs: 5_000 }))),
  );
  const told = new Promise<number>((resolve) => session.once('close', () => resolve(session.listenerCount('error'))));
  server.sessions[0]?.goaway();
  await expect(begun).resolves.toBeDefined();
  expect(await told).toBeGreaterThan(0);
  expect(server.sessions).toHaveLength(2);
  server.close();
});
