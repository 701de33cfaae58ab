import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { binaries } from '../install.js';
import type { Server } from '../process.js';
import type { TcpProxy } from '../proxy.js';
import type { Site } from '../site.js';

export interface Etcd {
  server: Server;
  /** `localhost:<client port>`, or the proxy's port. */
  address: string;
  proxy?: TcpProxy;
}

/** Starts an etcd with one member, on loopback only; with a proxy in front of it when that is wanted. */
export async function startEtcd(site: Site, preferredPort?: number, proxied = false): Promise<Etcd> {
  const folder = join(site.folder, 'etcd');
  const port = await site.ports.take(preferredPort);
  const peer = `http://127.0.0.1:${await site.ports.take()}`;
  const client = `http://127.0.0.1:${port}`;
  await mkdir(folder, { recursive: true });
  const server = await site.start({
    name: 'etcd',
    command: binaries().etcd,
    args: [
      '--name', 'lab',
      '--data-dir', join(folder, 'data'),
      '--listen-client-urls', client,
      '--advertise-client-urls', client,
      '--listen-peer-urls', peer,
      '--initial-advertise-peer-urls', peer,
      '--initial-cluster', `lab=${peer}`,
      '--logger', 'zap',
    ],
    cwd: folder,
    log: join(folder, 'etcd.log'),
    ready: async () => (await fetch(`${client}/health`)).ok,
  });
  if (!proxied) return { server, address: `localhost:${port}` };
  const front = await site.ports.take();
  const proxy = await site.proxy({ host: '127.0.0.1', port: front }, { host: '127.0.0.1', port });
  return { server, address: `localhost:${front}`, proxy };
}
