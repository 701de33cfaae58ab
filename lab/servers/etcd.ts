import { randomUUID } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Etcd3, Range } from 'etcd3';
import { binaries } from '../install.js';
import type { Server } from '../process.js';
import type { TcpProxy } from '../proxy.js';
import type { ClusterSecurity } from '../security.js';
import type { Site } from '../site.js';

export interface Etcd {
  server: Server;
  /** `localhost:<client port>`, or the proxy's port. */
  address: string;
  proxy?: TcpProxy;
}

/** Starts an etcd with one member, on loopback only; with a proxy in front of it when that is wanted. */
export async function startEtcd(
  site: Site,
  preferredPort?: number,
  proxied = false,
  security?: ClusterSecurity,
): Promise<Etcd> {
  const folder = join(site.folder, 'etcd');
  const port = await site.ports.take(preferredPort);
  const peer = `http://127.0.0.1:${await site.ports.take()}`;
  const scheme = security === undefined ? 'http' : 'https';
  const client = `${scheme}://127.0.0.1:${port}`;
  // Also where clients need certificates, health is told to anybody.
  const health = security === undefined ? client : `http://127.0.0.1:${await site.ports.take()}`;
  await mkdir(folder, { recursive: true });
  const server = await site.start({
    name: 'etcd',
    command: binaries().etcd,
    args: [
      '--name',
      'lab',
      '--data-dir',
      join(folder, 'data'),
      '--listen-client-urls',
      client,
      '--advertise-client-urls',
      client,
      '--listen-peer-urls',
      peer,
      '--initial-advertise-peer-urls',
      peer,
      '--initial-cluster',
      `lab=${peer}`,
      '--logger',
      'zap',
      ...(security === undefined
        ? []
        : [
            '--listen-metrics-urls',
            health,
            '--cert-file',
            security.server.cert,
            '--key-file',
            security.server.key,
            '--trusted-ca-file',
            security.clients,
            '--client-cert-auth',
          ]),
    ],
    cwd: folder,
    log: join(folder, 'etcd.log'),
    ready: async () => (await fetch(`${health}/health`)).ok,
  });
  const address = `localhost:${port}`;
  if (security !== undefined) await addUsers(address, security);
  if (!proxied) return { server, address };
  const front = await site.ports.take();
  const proxy = await site.proxy({ host: '127.0.0.1', port: front }, { host: '127.0.0.1', port });
  return { server, address: `localhost:${front}`, proxy };
}

/** The users and roles of a secured cluster; from then on nobody else is let in. */
async function addUsers(address: string, { trusted, vitess, etcd }: ClusterSecurity): Promise<void> {
  const credentials = {
    rootCertificate: await readFile(trusted),
    certChain: await readFile(vitess.cert),
    privateKey: await readFile(vitess.key),
  };
  const client = new Etcd3({ hosts: `https://${address}`, credentials });
  try {
    await client.role('root').create();
    await (await client.user('root').create(randomUUID())).addRole('root');
    for (const [name, { read, write }] of Object.entries(etcd.roles)) {
      const role = await client.role(name).create();
      for (const [permission, paths] of [
        ['Read', read],
        ['Readwrite', write],
      ] as const) {
        for (const path of paths)
          await role.grant({ permission, range: path.endsWith('/') ? Range.prefix(path) : Range.from(path) });
      }
    }
    for (const { name, password, role } of etcd.users) {
      // etcd wants a password for everybody; one that nobody knows leaves the certificate.
      const user = await client.user(name).create(password ?? randomUUID());
      await user.addRole(role);
    }
    await client.auth.authEnable();
  } finally {
    client.close();
  }
}
