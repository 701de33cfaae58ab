import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { must } from './run.js';

/** PEM files of one certificate. */
export interface Certificate {
  cert: string;
  key: string;
}

/** A certificate authority made for a test. Needs `openssl`. */
export interface Authority {
  /** PEM file with its own certificate. */
  ca: string;
  /** Issues a certificate, for localhost and 127.0.0.1 unless it is told other names; its common name is `name`. */
  issue(name: string, options?: { names?: string[]; client?: boolean; days?: number }): Promise<Certificate>;
}

/** Makes an authority. The files of a certificate are `<folder>/<name>.pem` and `<name>-key.pem`, readable by all. */
export async function makeAuthority(folder: string, name: string): Promise<Authority> {
  const file = (of: string, end: string): string => join(folder, `${of}${end}.pem`);
  const ca = file(name, '');
  await openssl(
    'req',
    '-x509',
    ...newKey(file(name, '-key')),
    '-out',
    ca,
    '-days',
    '2',
    '-subj',
    `/CN=${name}`,
    '-addext',
    'basicConstraints=critical,CA:TRUE',
  );
  const issue: Authority['issue'] = async (
    of,
    { names = ['DNS:localhost', 'IP:127.0.0.1'], client = false, days = 2 } = {},
  ) => {
    const [cert, key, request, extensions] = [
      file(of, ''),
      file(of, '-key'),
      file(of, '-request'),
      file(of, '-extensions'),
    ];
    await openssl('req', ...newKey(key), '-out', request, '-subj', `/CN=${of}`);
    // Vitess's own connections use one certificate for both sides.
    await writeFile(
      extensions,
      `extendedKeyUsage=${client ? 'clientAuth' : 'serverAuth,clientAuth'}\n` +
        (client ? '' : `subjectAltName=${names.join(',')}\n`),
    );
    await openssl(
      'x509',
      '-req',
      '-in',
      request,
      '-CA',
      ca,
      '-CAkey',
      file(name, '-key'),
      '-CAcreateserial',
      '-out',
      cert,
      '-days',
      String(days),
      '-extfile',
      extensions,
    );
    await Promise.all([cert, key].map((path) => chmod(path, 0o644)));
    return { cert, key };
  };
  await chmod(ca, 0o644);
  return { ca, issue };
}

function newKey(file: string): string[] {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', file];
}

async function openssl(command: string, ...args: string[]): Promise<void> {
  await must('openssl', [command, ...args]);
}
