import { writeFile, readFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { makeAuthority, type Authority, type Certificate } from '../../../lab/certificates.js';
import { startCluster, type Cluster } from '../../../lab/cluster.js';
import { loadSampleData } from '../../../lab/data.js';
import { makeFolder } from '../../../lab/folder.js';
import { installAll, installVtctld } from '../../../lab/install.js';
import { startTemporal, type Temporal } from '../../../lab/temporal.js';
import { startTemporalFront, type Front } from '../../../lab/temporal-front.js';
import { etcdRoles, mysqlAccounts, type GrantedOption } from './least-privileges.js';

/** Every secret of the lab. None of them may be seen anywhere but in the configurations. */
export const secrets = {
  sourceEtcd: 'sEcret-source-etcd-1',
  targetEtcd: 'sEcret-target-etcd-2',
  sourceTablets: 'sEcret-source-tablets-3',
  targetTablets: 'sEcret-target-tablets-4',
  vtgate: 'sEcret-vtgate-5',
  apiKey: 'sEcret-api-key-6',
} as const;

/** Two clusters of one shard each and a Temporal, all of which let in by certificate and by name only. */
export interface SecureLab {
  folder: string;
  source: Cluster;
  target: Cluster;
  temporal: Temporal;
  /** Doors before Temporal: for client certificates, and for API keys. */
  byCertificate: Front;
  byApiKey: Front;
  certificates: Certificates;
  stop(): Promise<void>;
}

export interface Certificates {
  /** One authority for each cluster, and one that nobody trusts. */
  source: Authority;
  target: Authority;
  stranger: Authority;
  /** The worker's own: one for each cluster, and one that nobody trusts. */
  worker: Record<'source' | 'target' | 'stranger', Certificate>;
  server: Record<'source' | 'target', Certificate>;
  vitess: Record<'source' | 'target', Certificate>;
  /** Both clusters' authorities in one file: what Vitess's processes go by. */
  both: string;
}

async function makeCertificates(folder: string): Promise<Certificates> {
  await mkdir(folder);
  const [source, target, stranger] = await Promise.all(
    ['source-ca', 'target-ca', 'stranger-ca'].map((name) => makeAuthority(folder, name)),
  );
  if (source === undefined || target === undefined || stranger === undefined) throw new Error('no authority');
  const both = join(folder, 'both.pem');
  await writeFile(both, Buffer.concat([await readFile(source.ca), await readFile(target.ca)]));
  return {
    source,
    target,
    stranger,
    both,
    worker: {
      source: await source.issue('source-worker', { client: true }),
      target: await target.issue('target-worker', { client: true }),
      stranger: await stranger.issue('stranger', { client: true }),
    },
    server: {
      source: await source.issue('source-server'),
      target: await target.issue('target-server', { names: ['DNS:localhost', 'IP:127.0.0.1', 'DNS:vtgate.target'] }),
    },
    vitess: { source: await source.issue('source-vitess'), target: await target.issue('target-vitess') },
  };
}

/**
 * Starts everything, with what docs/security.md grants and no more.
 * @param options those for which the tablets' accounts have grants; the worker's in etcd are another user's
 */
export async function startSecureLab(rows: number, options: readonly GrantedOption[] = []): Promise<SecureLab> {
  await Promise.all([installAll({ timeSkipping: false }), installVtctld()]);
  const folder = await makeFolder();
  const certificates = await makeCertificates(join(folder.path, 'certificates'));
  const within = async (name: string): Promise<{ folder: string }> => {
    const path = join(folder.path, name);
    await mkdir(path);
    return { folder: path };
  };
  const security = (cluster: 'source' | 'target') => ({
    clients: certificates.both,
    trusted: certificates.both,
    server: certificates.server[cluster],
    vitess: certificates.vitess[cluster],
    mysql: mysqlAccounts(cluster, options),
  });
  const starting = [
    startCluster(
      {
        name: 'source',
        cell: 'ext',
        keyspaces: [{ name: 'load', shards: ['0'] }],
        vtgate: false,
        firstUid: 100,
        security: {
          ...security('source'),
          etcd: {
            roles: etcdRoles.source,
            users: [
              { name: 'source-vitess', role: 'root' },
              // The target's tablets look for the source's: they come with their own certificate.
              { name: 'target-vitess', role: 'target-vttablets' },
              { name: 'reader', password: secrets.sourceEtcd, role: 'vtmigrate-source' },
              ...['fencing', 'retiring', 'both'].map((role) => ({ name: role, password: secrets.sourceEtcd, role })),
              { name: 'nobody', password: secrets.sourceEtcd, role: 'nothing' },
            ],
          },
          tablets: [
            { Username: 'vitess', Password: 'vitess-source' },
            { Username: 'vtmigrate', Password: secrets.sourceTablets },
            { Username: 'target', Password: 'vitess-target' },
          ],
          vtgate: [{ Username: 'unused', Password: 'unused' }],
        },
      },
      await within('source'),
    ),
    startCluster(
      {
        name: 'target',
        cell: 'zone1',
        keyspaces: [{ name: 'commerce', shards: ['0'] }],
        firstUid: 200,
        security: {
          ...security('target'),
          etcd: {
            roles: etcdRoles.target,
            users: [
              { name: 'target-vitess', role: 'root' },
              { name: 'writer', password: secrets.targetEtcd, role: 'vtmigrate-target' },
            ],
          },
          tablets: [
            { Username: 'target', Password: 'vitess-target' },
            { Username: 'vtmigrate', Password: secrets.targetTablets },
          ],
          vtgate: [
            { Username: 'owner', Password: 'owner' },
            { Username: 'vtmigrate', Password: secrets.vtgate },
          ],
        },
      },
      await within('target'),
    ),
    startTemporal(await within('temporal')),
  ] as const;
  const fronts: Front[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(fronts.map((front) => front.close()));
    const parts = await Promise.allSettled(starting);
    await Promise.all(parts.flatMap((part) => (part.status === 'fulfilled' ? [part.value.stop()] : [])));
    await folder.remove();
  };
  try {
    const [source, target, temporal] = await Promise.all(starting);
    await loadSampleData(source, { rows });
    const server = certificates.server.target;
    const byCertificate = await startTemporalFront(temporal.address, { server, clients: certificates.target.ca });
    const byApiKey = await startTemporalFront(temporal.address, { server, apiKey: secrets.apiKey });
    fronts.push(byCertificate, byApiKey);
    return { folder: folder.path, source, target, temporal, byCertificate, byApiKey, certificates, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
