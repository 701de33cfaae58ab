import type { EtcdRole, MysqlAccounts } from '../../lab/security.js';

/** What docs/security.md grants; the end-to-end tests of test/security run with exactly this. */

const root = '/vitess/global';

export const etcdRoles: Record<'source' | 'target', Record<string, EtcdRole>> = {
  source: {
    'vtmigrate-source': { read: [`${root}/`, '/vitess/ext/'], write: [] },
    nothing: { read: [], write: [] },
  },
  target: {
    'vtmigrate-target': {
      read: [`${root}/`, '/vitess/zone1/'],
      write: [
        `${root}/ExternalClusters/vitess/`,
        `${root}/internal/named_locks/commerce/`,
        `${root}/keyspaces/commerce/locks/`,
        `${root}/keyspaces/commerce/shards/`,
        `${root}/keyspaces/commerce/VSchema`,
        `${root}/vtmigrate/commerce/`,
        '/vitess/zone1/SrvVSchema',
      ],
    },
  },
};

/** The accounts of Vitess's roles on a tablet's MySQL. */
const roles = ['app', 'dba', 'allprivs', 'repl', 'filtered', 'appdebug'];

const grants: Record<string, string> = {
  dba: 'ALL ON *.*',
  app: 'SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX ON *.*',
  allprivs: 'SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX ON *.*',
  repl: 'REPLICATION SLAVE ON *.*',
  filtered: 'SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, RELOAD, REPLICATION SLAVE, REPLICATION CLIENT ON *.*',
  appdebug: 'SELECT ON *.*',
};

const users = Object.fromEntries(roles.map((role) => [role, { user: `vt_${role}`, password: `mysql-${role}` }]));

export const mysqlAccounts: MysqlAccounts = {
  users,
  statements: roles
    .flatMap((role) => [`CREATE USER 'vt_${role}'@'%' IDENTIFIED BY 'mysql-${role}';`, `GRANT ${grants[role] ?? ''} TO 'vt_${role}'@'%';`, ''])
    .join('\n'),
};
