import { describe, expect, it } from 'vitest';
import type { CandidateFacts } from '../../../src/migration/preflight/facts.js';
import { ask, halves, journal, planned, said, source, sourcePlace as place, targetPlace as target } from './facts.js';

const plannedOf = (...tables: string[]) => planned(source({ tables }));

describe('source tablets', () => {
  const candidate = (changes: Partial<CandidateFacts> = {}): CandidateFacts => ({
    place,
    hostname: 'h',
    type: 'REPLICA',
    unhealthy: '',
    streamError: '',
    ...changes,
  });
  const other = { ...place, tablet: 'ext-0000000101' };
  const shards = (...names: string[]) => planned(source({ shards: names.map((name) => ({ name, keyRange: '' })) }));

  it.each([
    { what: 'healthy', candidates: [candidate()], says: [] },
    {
      what: 'one of two',
      candidates: [candidate(), candidate({ place: other, unhealthy: 'it does not serve' })],
      says: ['unhealthy-tablet: tablet is not healthy: it does not serve'],
    },
    {
      what: 'none of two',
      candidates: [candidate({ unhealthy: 'a' }), candidate({ place: other, unhealthy: 'b' })],
      says: [
        'source-tablet: no tablet of the chosen types in the chosen cells is healthy: ' +
          'ext-0000000100 (REPLICA): a; ext-0000000101 (REPLICA): b',
      ],
    },
    {
      what: 'of one shard of two',
      facts: shards('0', '1'),
      candidates: [candidate({ unhealthy: 'a' }), candidate({ place: { ...other, shard: '1' } })],
      says: [
        'source-tablet: no tablet of the chosen types in the chosen cells is healthy: ext-0000000100 (REPLICA): a',
      ],
    },
    {
      what: 'no stream',
      candidates: [candidate({ streamError: 'Access denied' })],
      says: ['source-stream: no stream can be opened on this tablet (Access denied)'],
    },
  ])('$what', ({ candidates, says, facts = shards('0') }) => {
    const found = ask(['source-tablet', 'source-stream', 'unhealthy-tablet'], { ...facts, candidates });
    expect(said(found)).toEqual(says);
    for (const each of found.filter(({ check }) => check === 'source-tablet'))
      expect(each.place.tablet).toBeUndefined();
  });

  it('VDiff needs a tablet of the types that it was told to read on each shard', () => {
    const facts = planned(source({ shards: halves }), { vdiffTabletTypes: ['REPLICA', 'RDONLY'] });
    const targetTablets = [{ shard: '0', type: 'PRIMARY' }];
    expect(ask(['vdiff-tablet'], { ...facts, targetTablets })).toMatchObject([
      { code: 'NO_VDIFF_TABLET', place: { cluster: 'target', shard: '0' } },
    ]);
    const elsewhere = { ...facts.request.input, cells: ['ext'] };
    const found = ask(['vdiff-tablet'], {
      ...facts,
      request: { ...facts.request, input: elsewhere },
      targetTablets: [{ shard: '0', type: 'RDONLY' }],
    });
    expect(found.map(({ place }) => place.shard)).toEqual(['-80', '80-']);
  });

  it.each([
    {
      host: 'db7',
      topoServer: 'localhost:2379',
      tablet: '10.0.0.1',
      says: [
        "source-address: the mount's topology server is localhost:2379, " +
          'which means its own machine to this primary on db7',
      ],
    },
    {
      host: 'db7',
      topoServer: 'etcd:2379,127.0.0.2:2379',
      tablet: '::1',
      says: [
        "source-address: the mount's topology server is etcd:2379,127.0.0.2:2379, " +
          'which means its own machine to this primary on db7',
        'source-address: source tablet ext-0000000100 is registered on ::1, ' +
          'which means its own machine to this primary on db7',
      ],
    },
    { host: '127.0.0.1', topoServer: 'localhost:2379', tablet: '127.0.0.1', says: [] },
    { host: 'db7', topoServer: 'etcd:2379', tablet: 'db8', says: [] },
  ])('seen from $host, etcd on $topoServer, tablet on $tablet', ({ host, topoServer, tablet, says }) => {
    const facts = {
      mount: { topoType: 'etcd2', topoServer, topoRoot: '/g' },
      candidates: [candidate({ hostname: tablet })],
      targetPrimaries: [{ place: target, shard: '0', hostname: host }],
    };
    expect(said(ask(['source-address'], facts))).toEqual(says);
  });
});

describe('what surrounds the migration', () => {
  const rules = (from: string, ...to: string[]) => ({ tables: [{ from, to }], keyspaces: [] });

  it.each([
    { facts: rules('commerce.t', 'other.t'), says: ['routing-rule: a routing rule sends commerce.t to other.t'] },
    {
      facts: rules('commerce.t@replica', 'other.t'),
      says: ['routing-rule: a routing rule sends commerce.t@replica to other.t'],
    },
    { facts: rules('commerce.t'), says: ['routing-rule: a routing rule sends commerce.t to nowhere'] },
    { facts: rules('commerce.t', 'commerce.t'), says: [] },
    { facts: rules('t', 'other.t'), says: [] },
    { facts: rules('commerce.u', 'other.u'), says: [] },
    {
      facts: { tables: [], keyspaces: [{ from: 'commerce@rdonly', to: 'other' }] },
      says: ['routing-rule: a keyspace routing rule sends commerce@rdonly to other'],
    },
    {
      facts: {
        tables: [],
        keyspaces: [
          { from: 'commerce', to: 'commerce' },
          { from: 'x', to: 'y' },
        ],
      },
      says: [],
    },
  ])('rules $facts', ({ facts, says }) => {
    expect(said(ask(['routing-rule'], { ...plannedOf('t'), routingRules: facts }))).toEqual(says);
  });

  const streams = (workflow: string, ...matches: string[]) => ({
    targetStreams: [{ place: target, shard: '0', workflows: [{ workflow, rules: matches }] }],
  });

  it.each([
    { theirs: ['u'], says: [] },
    { theirs: ['u', 't'], says: ['other-workflow: the workflow w has the same tables: t'] },
    { theirs: ['/.*'], says: ['other-workflow: the workflow w has the same tables: s, t'] },
  ])('another workflow with $theirs', ({ theirs, says }) => {
    const facts = { ...plannedOf('s', 't'), journals: [], ...streams('w', ...theirs) };
    expect(said(ask(['other-workflow'], facts))).toEqual(says);
  });

  it('journals of other migrations with the same tables, and not its own', () => {
    const journals = [
      journal({ deniedTables: { '0': ['t'] } }),
      journal({ workflow: 'second', runId: 'other', createdTables: { '0': ['t'] }, deniedTables: { '0': ['t', 'u'] } }),
      journal({ workflow: 'third', runId: 'third', deniedTables: { '0': ['u'] } }),
    ];
    expect(said(ask(['other-workflow'], { ...plannedOf('s', 't'), journals, targetStreams: [] }))).toEqual([
      'other-workflow: the workflow commerce.second has the same tables: t',
    ]);
  });

  it.each([
    { journals: [], says: [] },
    { journals: [journal()], says: [] },
    { journals: [journal({ workflow: 'other', runId: 'other' })], says: [] },
    {
      journals: [journal({ runId: 'another', source: 'ext7.load' })],
      says: ['migration-name: commerce.wf belongs to the migration of ext7.load with run ID another'],
    },
  ])('journals $journals', ({ journals, says }) => {
    const found = ask(['migration-name'], { ...plannedOf('t'), journals });
    expect(said(found)).toEqual(says);
    for (const each of found) expect(each.code).toBe('MIGRATION_EXISTS');
  });

  it('locks and names', () => {
    const locks = [{ place: target, path: 'keyspaces/commerce', holder: 'a of b@c since d' }];
    expect(said(ask(['lock-held'], { locks }))).toEqual([
      'lock-held: keyspaces/commerce is locked by a of b@c since d',
    ]);
    const otherTables = { x: ['t', 'a b', 'c'], y: ['c'] };
    expect(said(ask(['ambiguous-name'], { ...plannedOf('t', 'a b'), otherTables }))).toEqual([
      'ambiguous-name: keyspace x has tables of the same names: t, `a b`',
    ]);
  });

  it.each([
    {
      used: undefined,
      says: [
        "disk-unknown: the tablet does not know how full MySQL's disk is; " +
          'the copy adds about 3 MiB to this shard, keys and binary logs not counted',
      ],
    },
    { used: 0.79, says: [] },
    {
      used: 0.8,
      says: [
        "disk-full: MySQL's disk is 80 % full; " +
          'the copy adds about 3 MiB to this shard, keys and binary logs not counted',
      ],
    },
  ])('a disk used to $used', ({ used, says }) => {
    const facts = plannedOf('t');
    const [only] = facts.plan.tables;
    if (only !== undefined) only.bytes = 3 * 1024 * 1024 - 5;
    expect(said(ask(['disk-full', 'disk-unknown'], { ...facts, targetDisks: [{ place: target, used }] }))).toEqual(
      says,
    );
  });

  it('throttler rules that are for streams, or for this workflow', () => {
    const apps = { vreplication: 1, 'wf:vcopier': 0.25, 'online-ddl': 1, 'other:vplayer': 1 };
    expect(said(ask(['throttler'], { ...plannedOf('t'), throttledApps: [{ place: target, apps }] }))).toEqual([
      'throttler: the throttler holds back vreplication for 100 % of the time',
      'throttler: the throttler holds back wf:vcopier for 25 % of the time',
    ]);
  });

  it('privileges that are missing, unless they cannot be known', () => {
    const of = (grants: string[] | undefined) =>
      ask(['source-privileges'], { streamAccounts: [{ place, user: 'u', grants }] });
    expect(of(undefined)).toEqual([]);
    expect(of(['SELECT', 'LOCK TABLES', 'REPLICATION SLAVE', 'FILE'])).toEqual([]);
    expect(said(of(['LOCK TABLES']))).toEqual([
      "source-privileges: the account u, which the source's tablets use for streams, lacks SELECT, REPLICATION SLAVE",
    ]);
  });

  it('primaries that are not healthy, and accounts that may not write', () => {
    const health = [
      { place: target, unhealthy: 'it does not serve' },
      { place: target, unhealthy: '' },
    ];
    expect(ask(['shard-primary'], { targetHealth: health })).toMatchObject([
      { code: 'NO_PRIMARY', message: 'the primary is not healthy: it does not serve', place: target },
    ]);
    const permissions = [
      { place: target, ok: false, error: 'no INSERT' },
      { place: target, ok: true, error: '' },
    ];
    expect(said(ask(['target-permissions'], { targetPermissions: permissions }))).toEqual([
      'target-permissions: no INSERT',
    ]);
  });
});
