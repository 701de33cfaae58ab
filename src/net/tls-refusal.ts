import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import type { Tls } from './access.js';

/** Milliseconds: for the handshake, and for a server's alert about our certificate, which TLS 1.3 sends after it. */
const handshakeTimeout = 2_000;
const alertTimeout = 300;

/**
 * Why TLS fails with a server that did not answer a call; `undefined` when TLS is not the reason. Libraries report
 * a refused handshake like any lost connection, so this repeats the handshake alone and reads OpenSSL's codes. No
 * credentials are sent.
 *
 * @param tls as configured; without it, asks whether the server speaks TLS at all
 */
export async function tlsRefusal(
  host: string,
  port: number,
  tls: Partial<Tls> | undefined,
): Promise<string | undefined> {
  const code = await handshake(host, port, tls);
  if (tls === undefined)
    return code === 'secure' || isAlert(code) ? 'it speaks TLS, and no TLS is configured for it' : undefined;
  return code === 'secure' || code === 'no answer' ? undefined : describeCode(code, tls, host);
}

/** What a code of OpenSSL or Node means when a handshake has failed. */
export function describeCode(code: string, tls: Partial<Tls>, host: string): string {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `its certificate is not for ${tls.serverName ?? host}`;
  if (isAlert(code))
    return tls.cert === undefined
      ? `it wants a client certificate (${code})`
      : `it does not accept the client certificate (${code})`;
  if (code.startsWith('ERR_SSL_')) return `it does not speak TLS (${code})`;
  return `its certificate is not trusted (${code})`;
}

function isAlert(code: string): boolean {
  return code.startsWith('ERR_SSL_') && code.includes('ALERT');
}

/** `secure`, `no answer`, or the code of what went wrong. */
function handshake(host: string, port: number, tls: Partial<Tls> | undefined): Promise<string> {
  return new Promise((resolve) => {
    const socket: TLSSocket = connect({
      host,
      port,
      ALPNProtocols: ['h2'],
      ...(isIP(host) === 0 || tls?.serverName !== undefined ? { servername: tls?.serverName ?? host } : {}),
      ...(tls === undefined ? { rejectUnauthorized: false } : { ca: tls.ca, cert: tls.cert, key: tls.key }),
    });
    const end = (code: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(code);
    };
    let timer = setTimeout(() => end('no answer'), handshakeTimeout);
    socket.once('secureConnect', () => {
      clearTimeout(timer);
      timer = setTimeout(() => end('secure'), alertTimeout);
    });
    socket.once('close', () => end('no answer'));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // A failed system call is a matter of the network, not of TLS.
      end(error.syscall !== undefined || error.code === 'ECONNRESET' ? 'no answer' : (error.code ?? error.message));
    });
  });
}
