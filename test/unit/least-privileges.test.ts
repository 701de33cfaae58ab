import { describe, expect, it } from 'vitest';
import { etcdRole, etcdRoles, mysqlAccounts, mysqlGrants } from '../support/secure/least-privileges.js';

describe('docs/security.md', () => {
  it('lets a migration without options only read the source', () => {
    const reads = { read: ['/vitess/global/', '/vitess/ext/'], write: [] };
    expect(etcdRoles.source['vtmigrate-source']).toEqual(reads);
    expect(etcdRoles.source['target-vttablets']).toEqual(reads);
  });

  it("grants the keys of the target's topology by keyspace and cell", () => {
    expect(etcdRoles.target['vtmigrate-target']).toEqual({
      read: ['/vitess/global/', '/vitess/zone1/'],
      write: [
        '/vitess/global/ExternalClusters/vitess/',
        '/vitess/global/internal/named_locks/commerce/',
        '/vitess/global/keyspaces/commerce/locks/',
        '/vitess/global/keyspaces/commerce/shards/',
        '/vitess/global/keyspaces/commerce/VSchema',
        '/vitess/global/vtmigrate/commerce/',
        '/vitess/zone1/SrvVSchema',
      ],
    });
  });

  it.each([
    {
      options: ['fenceSource'],
      write: ['/vitess/global/keyspaces/load/locks/', '/vitess/global/keyspaces/load/shards/'],
    },
    {
      options: ['sourceTables'],
      write: [
        '/vitess/global/keyspaces/load/locks/',
        '/vitess/global/keyspaces/load/VSchema',
        '/vitess/ext/SrvVSchema',
      ],
    },
    {
      options: ['fenceSource', 'sourceTables'],
      write: [
        '/vitess/global/keyspaces/load/locks/',
        '/vitess/global/keyspaces/load/shards/',
        '/vitess/global/keyspaces/load/VSchema',
        '/vitess/ext/SrvVSchema',
      ],
    },
  ] as const)('grants more on the source with $options, and nothing more on the target', ({ options, write }) => {
    expect(etcdRole('the worker', 'source', options).write).toEqual(write);
    expect(etcdRole('the worker', 'target', options)).toEqual(etcdRole('the worker', 'target'));
    expect(mysqlGrants('target', options)).toEqual(mysqlGrants('target'));
  });

  it("lets only sourceTables change the source's tables", () => {
    const rename = 'ALTER, DROP, CREATE, INSERT ON vt_load.*';
    expect(mysqlGrants('source', ['fenceSource'])).toEqual(mysqlGrants('source'));
    expect(mysqlGrants('source')['dba']).not.toContain(rename);
    expect(mysqlGrants('source', ['sourceTables'])['dba']).toContain(rename);
  });

  it.each(['source', 'target'] as const)('has every role of a tablet on the %s', (side) => {
    expect(Object.keys(mysqlGrants(side)).sort()).toEqual(['allprivs', 'app', 'appdebug', 'dba', 'filtered', 'repl']);
    expect(mysqlGrants(side)['appdebug']).toEqual([]);
    expect(mysqlAccounts(side).statements).toContain("GRANT USAGE ON *.* TO 'vt_appdebug'@'%';");
    expect(mysqlAccounts(side).statements).not.toMatch(/[<>`]/);
  });
});
