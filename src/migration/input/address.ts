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
