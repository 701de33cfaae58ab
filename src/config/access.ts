import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { z } from 'zod';
import type { Access, Tls } from '../net/access.js';

const path = z.string().min(1, { error: 'must be the path of a file' });

/** Credentials for one end of a cluster, as written in the configuration. */
export const accessSchema = z.strictObject({
  tls: z
    .strictObject({ ca: path, cert: path.optional(), key: path.optional(), serverName: z.string().min(1).optional() })
    .optional(),
  user: z.string().min(1).optional(),
  password: z.string().min(1).optional(),
  passwordFile: path.optional(),
});
export type AccessText = z.infer<typeof accessSchema>;

/** Takes a problem: the field below the end's own, for example `tls.ca`, and what is wrong with it. */
type Say = (field: string, what: string) => void;

/** Reads the files that an end's credentials name, and reports every problem with them, but never a value. */
export function readAccess(text: AccessText, say: Say): Access {
  const tls = text.tls === undefined ? undefined : readTls(text.tls, say);
  const password = readPassword(text, say);
  return {
    ...(tls === undefined ? {} : { tls }),
    ...(text.user === undefined ? {} : { user: text.user }),
    ...(password === undefined ? {} : { password }),
  };
}

/**
 * What holds for etcd and tablets: user and password belong together, and go over TLS only, because
 * there they are sent unencrypted, and the person who mounts a cluster chooses the address.
 */
export function requirePair(text: AccessText, say: Say): void {
  const hasPassword = text.password !== undefined || text.passwordFile !== undefined;
  if (text.user !== undefined && !hasPassword) say('password', 'or passwordFile is needed with user');
  if (text.user === undefined && hasPassword) say('user', 'is needed with a password');
  if (text.tls === undefined && (text.user !== undefined || hasPassword))
    say('tls', 'is needed with user and password: they are not sent in plain text');
}

function readTls(text: NonNullable<AccessText['tls']>, say: Say): Tls | undefined {
  const [ca, cert, key] = (['ca', 'cert', 'key'] as const).map((field) =>
    text[field] === undefined ? undefined : readFile(text[field], `tls.${field}`, say),
  );
  if ((text.cert === undefined) !== (text.key === undefined))
    say(text.cert === undefined ? 'tls.cert' : 'tls.key', 'is needed: a certificate and its key belong together');
  if (ca === undefined) return undefined;
  const tls: Tls = {
    ca,
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(text.serverName === undefined ? {} : { serverName: text.serverName }),
  };
  try {
    createSecureContext({ ca: tls.ca });
  } catch (error) {
    say('tls.ca', `is not a certificate (${codeOf(error)})`);
    return tls;
  }
  // OpenSSL accepts a file without any certificate as an empty list of authorities, which trusts no server.
  if (!ca.includes('BEGIN CERTIFICATE')) say('tls.ca', 'holds no certificate');
  try {
    if (cert !== undefined && key !== undefined) createSecureContext({ cert, key });
  } catch (error) {
    say('tls.cert', `and tls.key cannot be used together (${codeOf(error)})`);
  }
  return tls;
}

function readPassword(text: AccessText, say: Say): string | undefined {
  if (text.password !== undefined && text.passwordFile !== undefined)
    say('password', 'and passwordFile exclude each other');
  if (text.passwordFile === undefined) return text.password;
  const password = readFile(text.passwordFile, 'passwordFile', say)
    ?.toString()
    .replace(/\r?\n$/, '');
  if (password === '') say('passwordFile', 'is empty');
  return password;
}

function readFile(file: string, field: string, say: Say): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch (error) {
    say(field, `cannot be read: ${file} (${codeOf(error)})`);
    return undefined;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
