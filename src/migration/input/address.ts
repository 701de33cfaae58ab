/**
 * `host:port`: a host name, an IPv4 address, or an IPv6 address in brackets. No more than that: gRPC
 * would take `unix:x:1` for a socket in the file system, and what stands before an `@` for a password.
 */
const server = String.raw`(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9])?):\d{1,5}`;

export const serverPattern = new RegExp(`^${server}$`);
/** Several joined by commas. */
export const serversPattern = new RegExp(`^${server}(?:,${server})*$`);
/** A path in a topology server: printable, and none of its parts is empty, `.` or `..`. */
export const rootPattern = /^(?:\/(?!\.{1,2}(?:\/|$))[^\s/\p{C}]+)+$/u;

/** A server's address; an IPv6 address has no brackets here. */
export interface Address {
  host: string;
  port: number;
}

/** Parses `host:port`; undefined when the text is anything else. */
export function parseAddress(text: string): Address | undefined {
  if (!serverPattern.test(text)) return undefined;
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(text.slice(colon + 1)) };
}

/** Parses one or more `host:port` joined by commas; undefined when the text is anything else. */
export function parseAddresses(text: string): Address[] | undefined {
  const addresses = text.split(',').flatMap((part) => parseAddress(part) ?? []);
  return serversPattern.test(text) ? addresses : undefined;
}

/** `host:port`, with brackets around an IPv6 address. */
export function formatAddress({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
