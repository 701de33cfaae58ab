import {
  connect,
  createSecureServer,
  type ClientHttp2Session,
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import type { Certificate } from './certificates.js';

export interface FrontOptions {
  server: Certificate;
  /** PEM file: who issued the clients' certificates; without it, clients need none. */
  clients?: string;
  /** The only API key that is let in; without it, nobody needs one. */
  apiKey?: string;
}

/** A door with TLS before a Temporal dev server, which has neither TLS nor API keys of its own. */
export interface Front {
  address: string;
  close(): Promise<void>;
}

/** gRPC's status UNAUTHENTICATED. */
const unauthenticated = '16';

/** Starts the door: HTTP/2 over TLS outside, plain HTTP/2 to `address` inside. */
export async function startTemporalFront(address: string, options: FrontOptions): Promise<Front> {
  const server = createSecureServer({
    cert: await readFile(options.server.cert),
    key: await readFile(options.server.key),
    ...(options.clients === undefined
      ? {}
      : { ca: await readFile(options.clients), requestCert: true, rejectUnauthorized: true }),
  });
  const sessions = new Set<Http2Session>();
  const insideOf = new WeakMap<Http2Session, ClientHttp2Session>();
  server.on('session', (outside) => {
    const inside = connect(`http://${address}`);
    sessions.add(outside);
    insideOf.set(outside, inside);
    inside.on('error', () => outside.destroy());
    outside.on('error', () => undefined);
    outside.on('close', () => {
      sessions.delete(outside);
      inside.destroy();
    });
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    if (options.apiKey !== undefined && headers.authorization !== `Bearer ${options.apiKey}`) {
      stream.respond(
        {
          ':status': 200,
          'content-type': 'application/grpc',
          'grpc-status': unauthenticated,
          'grpc-message': 'the API key is not valid',
        },
        { endStream: true },
      );
      return;
    }
    pass(stream, headers);
  });
  const pass = (outer: ServerHttp2Stream, headers: IncomingHttpHeaders): void => {
    const inner =
      outer.session === undefined
        ? undefined
        : insideOf.get(outer.session)?.request({ ...headers, ':authority': address });
    if (inner === undefined) return;
    let trailers: IncomingHttpHeaders = {};
    inner.on('response', (answer, flags: number) => {
      // A refusal is one frame: headers that are trailers too.
      const isEnd = (flags & 1) === 1;
      if (outer.destroyed) return;
      outer.respond(answer, isEnd ? { endStream: true } : { waitForTrailers: true });
      if (!isEnd) inner.pipe(outer);
    });
    inner.on('trailers', (fields: IncomingHttpHeaders) => {
      trailers = fields;
    });
    outer.on('wantTrailers', () => outer.sendTrailers(trailers));
    inner.on('error', () => outer.destroy());
    outer.on('close', () => inner.destroy());
    outer.pipe(inner);
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = (): Promise<void> => {
    for (const session of sessions) session.destroy();
    return new Promise((resolve) => server.close(() => resolve()));
  };
  return { address: `localhost:${(server.address() as AddressInfo).port}`, close };
}
