import type { Tls } from './access.js';
import { tlsRefusal } from './tls-refusal.js';

/** The TLS part of Temporal's connection options: `true` is TLS with the system's authorities. */
type TemporalTls =
  | boolean
  | null
  | undefined
  | {
      serverNameOverride?: string | undefined;
      serverRootCACertificate?: Uint8Array | undefined;
      clientCertPair?: { crt: Uint8Array; key: Uint8Array } | undefined;
    };

/** Why TLS fails with a Temporal server, or `undefined` when TLS is not the reason; see `tlsRefusal`. */
export function temporalRefusal(
  { host, port }: { host: string; port: number },
  tls: TemporalTls,
): Promise<string | undefined> {
  return tlsRefusal(host, port, tls === undefined || tls === null || tls === false ? undefined : asTls(tls));
}

function asTls(tls: Exclude<TemporalTls, boolean | null | undefined> | true): Partial<Tls> {
  if (tls === true) return {};
  const { serverNameOverride, serverRootCACertificate, clientCertPair } = tls;
  return {
    ...(serverRootCACertificate === undefined ? {} : { ca: Buffer.from(serverRootCACertificate) }),
    ...(clientCertPair === undefined
      ? {}
      : { cert: Buffer.from(clientCertPair.crt), key: Buffer.from(clientCertPair.key) }),
    ...(serverNameOverride === undefined ? {} : { serverName: serverNameOverride }),
  };
}
