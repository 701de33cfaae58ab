import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Certificate } from './certificates.js';

/** A user with a password, as Vitess's static files spell it. */
export interface StaticUser {
  Username: string;
  Password: string;
}

/** Keys that a role of etcd may read, and those it may read and write; `/` at the end means everything below. */
export interface EtcdRole {
  read: readonly string[];
  write: readonly string[];
}

/** Accounts of MySQL for Vitess's roles, and the statements that grant what they may. */
export interface MysqlAccounts {
  users: Record<string, { user: string; password: string }>;
  statements: string;
}

/** TLS with client certificates on every connection of a cluster, and users where its servers know them. */
export interface ClusterSecurity {
  /** PEM file: who issued the clients' certificates that the servers take. */
  clients: string;
  /** For etcd, tablets and vtgate alike. */
  server: Certificate;
  /** What Vitess's own processes show. Its common name is a user of etcd with the role `root`. */
  vitess: Certificate;
  /** PEM file: whom Vitess's own processes trust, on their own servers and a mounted cluster's. */
  trusted: string;
  /** Roles of etcd by name, and their users; a user without a password comes by certificate. */
  etcd: { roles: Record<string, EtcdRole>; users: { name: string; password?: string; role: string }[] };
  /** Whom tablets let in; the first is Vitess's own. */
  tablets: readonly [StaticUser, ...StaticUser[]];
  /** Whom vtgate lets in; the first is the lab's own and may do everything, the others may read. */
  vtgate: readonly [StaticUser, ...StaticUser[]];
  mysql?: MysqlAccounts;
}

/** Flags for the servers and clients of a secured cluster. */
export interface SecurityFlags {
  topology: string[];
  /** For a program that calls tablet managers. */
  managerClient: string[];
  tablet: string[];
  vtgate: string[];
}

/** Writes the files that Vitess wants into `folder`, and gives the flags that name them. */
export async function securityFlags(security: ClusterSecurity, folder: string): Promise<SecurityFlags> {
  const { clients, server, vitess, trusted, tablets, vtgate } = security;
  const [owner, ...readers] = vtgate.map((user) => user.Username);
  const write = async (name: string, content: unknown): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, JSON.stringify(content), { mode: 0o644 });
    return path;
  };
  const users = await write('tablet-users.json', tablets);
  const creds = await write('tablet-client.json', tablets[0]);
  const accounts = await write(
    'vtgate-users.json',
    Object.fromEntries(vtgate.map(({ Username, Password }) => [Username, [{ Password, UserData: Username }]])),
  );
  const acl = await write('table-acl.json', {
    table_groups: [
      { name: 'all', table_names_or_prefixes: ['%'], readers: [owner, ...readers], writers: [owner], admins: [owner] },
    ],
  });
  const client = (of: string): string[] => [
    `--${of}-cert`,
    vitess.cert,
    `--${of}-key`,
    vitess.key,
    `--${of}-ca`,
    trusted,
  ];
  const asUser = ['--grpc-auth-static-client-creds', creds];
  return {
    topology: client('topo-etcd-tls'),
    managerClient: [...client('tablet-manager-grpc'), ...asUser],
    tablet: [
      '--grpc-cert',
      server.cert,
      '--grpc-key',
      server.key,
      '--grpc-ca',
      clients,
      '--grpc-auth-mode',
      'static',
      '--grpc-auth-static-password-file',
      users,
      ...client('tablet-grpc'),
      ...client('tablet-manager-grpc'),
      ...asUser,
      '--table-acl-config',
      acl,
      '--queryserver-config-strict-table-acl',
    ],
    vtgate: [
      '--mysql-auth-server-impl',
      'static',
      '--mysql-auth-server-static-file',
      accounts,
      '--mysql-server-ssl-cert',
      server.cert,
      '--mysql-server-ssl-key',
      server.key,
      '--mysql-server-ssl-ca',
      clients,
      '--mysql-server-require-secure-transport',
      ...client('tablet-grpc'),
      ...asUser,
    ],
  };
}
