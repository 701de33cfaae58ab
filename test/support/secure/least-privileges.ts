import type { EtcdRole, MysqlAccounts } from '../../../lab/security.js';

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

/** Vitess's own tables, which its tablets keep up to date whether or not tables are moved. */
const sidecar = 'SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX ON _vt.*';

/** What Vitess's dba account needs to run a tablet at all: to be made the primary, and to look after replication. */
const running = 'SELECT, RELOAD, PROCESS, SUPER, REPLICATION SLAVE, REPLICATION CLIENT ON *.*';

/** What a migration makes a tablet's accounts do on either side, by Vitess's role. */
export const mysqlGrants: Record<'source' | 'target', Record<string, string[]>> = {
  source: {
    dba: [running, sidecar],
    app: ['SELECT ON vt_load.*', sidecar],
    allprivs: ['SELECT ON vt_load.*', sidecar],
    repl: ['REPLICATION SLAVE ON *.*'],
    filtered: ['REPLICATION SLAVE, REPLICATION CLIENT ON *.*', 'SELECT, LOCK TABLES ON vt_load.*', sidecar],
    appdebug: ['USAGE ON *.*'],
  },
  target: {
    dba: [running, 'CREATE, DROP ON vt_commerce.*', sidecar],
    app: ['SELECT ON vt_commerce.*', sidecar],
    allprivs: ['SELECT ON vt_commerce.*', sidecar],
    repl: ['REPLICATION SLAVE ON *.*'],
    filtered: [
      'REPLICATION CLIENT ON *.*',
      'SELECT, INSERT, UPDATE, DELETE, ALTER, INDEX, LOCK TABLES ON vt_commerce.*',
      sidecar,
    ],
    appdebug: ['USAGE ON *.*'],
  },
};

/** The accounts of a cluster's tablets, each with its own role's grants. */
export function mysqlAccounts(cluster: 'source' | 'target'): MysqlAccounts {
  const grants = Object.entries(mysqlGrants[cluster]);
  return {
    users: Object.fromEntries(grants.map(([role]) => [role, { user: `vt_${role}`, password: `mysql-${role}` }])),
    statements: grants
      .flatMap(([role, all]) => [
        `CREATE USER 'vt_${role}'@'%' IDENTIFIED BY 'mysql-${role}';`,
        ...all.map((grant) => `GRANT ${grant} TO 'vt_${role}'@'%';`),
        '',
      ])
      .join('\n'),
  };
}
