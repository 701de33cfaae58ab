import { describe, expect, it } from 'vitest';
import type { CheckName } from '../../../src/migration/preflight/checks/index.js';
import { checks, judgedVariables } from '../../../src/migration/preflight/checks/index.js';
import type { ServerFacts } from '../../../src/migration/preflight/facts.js';
import { ask, planned, said, sourcePlace as place, source, table, column, targetPlace as target } from './facts.js';

const good = {
  version: '8.4.3',
  gtid_mode: 'ON',
  log_bin: 'ON',
  log_replica_updates: 'ON',
  binlog_format: 'ROW',
  binlog_row_image: 'FULL',
  binlog_expire_logs_seconds: '2592000',
  sql_mode: 'A,B',
  character_set_server: 'utf8mb4',
  collation_server: 'utf8mb4_0900_ai_ci',
};
const server = (changes: Record<string, string> = {}): ServerFacts => ({ place, variables: { ...good, ...changes } });

const binlog: CheckName[] = ['gtid-mode', 'binary-log', 'binlog-format', 'binlog-row-image', 'binlog-retention'];

/** A plan of one table of this size, from one source shard or two. */
function copyOf(bytes: number, shards = 1) {
  const names = shards === 1 ? ['0'] : ['-80', '80-'];
  const facts = source({ shards: names.map((name) => ({ name, keyRange: shards === 1 ? '' : name })), tables: ['t'] });
  for (const each of facts.sourceSchemas) for (const of of each.tables) of.bytes = bytes / shards;
  return planned(facts);
}

describe('source servers', () => {
  it.each([
    { changes: {}, says: [] },
    { changes: { gtid_mode: 'OFF' }, says: ['gtid-mode: gtid_mode is OFF, not ON'] },
    {
      changes: { log_bin: 'OFF', log_replica_updates: 'OFF' },
      says: ['binary-log: log_bin is OFF, not ON', 'binary-log: log_replica_updates is OFF, not ON'],
    },
    { changes: { binlog_format: 'STATEMENT' }, says: ['binlog-format: binlog_format is STATEMENT, not ROW'] },
    { changes: { binlog_row_image: 'noblob' }, says: ['binlog-row-image: binlog_row_image is noblob, not FULL'] },
    { changes: { binlog_row_image: 'full' }, says: [] },
    { changes: { binlog_expire_logs_seconds: '0' }, says: [] },
    { changes: { binlog_expire_logs_seconds: '60', binlog_expire_logs_auto_purge: 'OFF' }, says: [] },
    {
      changes: { binlog_expire_logs_seconds: '7199' },
      says: [
        'binlog-retention: binary logs are kept for 7199 s; the copy may need them for 7200 s ' +
          '(twice its estimated time, and at least 7200 s)',
      ],
    },
    { changes: { binlog_expire_logs_seconds: '7200' }, says: [] },
  ])('$changes', ({ changes, says }) => {
    expect(said(ask(binlog, { ...copyOf(0), sourceServers: [server(changes)], targetServers: [] }))).toEqual(says);
  });

  it.each(['noblob', 'MINIMAL'])('binlog_row_image %s of the target is refused as well', (binlog_row_image) => {
    const targetServers = [{ place: target, variables: { ...good, binlog_row_image } }];
    const found = ask(binlog, { ...copyOf(0), sourceServers: [server()], targetServers });
    expect(said(found)).toEqual([`binlog-row-image: binlog_row_image is ${binlog_row_image}, not FULL`]);
    expect(found[0]?.place).toEqual(target);
  });

  it('a variable this MySQL does not have is not judged', () => {
    expect(ask(binlog, { ...copyOf(0), sourceServers: [{ place, variables: {} }], targetServers: [] })).toEqual([]);
  });

  it('binary logs are needed for twice the time of the copy, shared by the source shards', () => {
    const copy = copyOf(5 * 1024 * 1024 * 100_000, 2);
    const keeping = (seconds: string) => [server({ binlog_expire_logs_seconds: seconds })];
    expect(said(ask(['binlog-retention'], { ...copy, sourceServers: keeping('99999') }))[0]).toContain('for 100000 s');
    expect(ask(['binlog-retention'], { ...copy, sourceServers: keeping('100000') })).toEqual([]);
  });

  it('every variable that a check looks at is one that it says it needs', () => {
    const seen = new Set<string>();
    const variables = new Proxy<Record<string, string>>(good, {
      get: (all, name) => (seen.add(String(name)), all[String(name)]),
    });
    const servers = [{ place, variables }];
    for (const check of checks.filter(({ needs }) => needs.includes('sourceServers')))
      ask([check.name], { ...copyOf(0), sourceServers: servers, targetServers: servers });
    expect([...seen].filter((name) => !judgedVariables.includes(name))).toEqual([]);
    expect(seen.size).toBeGreaterThan(8);
  });
});

describe('versions and modes of both sides', () => {
  const modes: CheckName[] = ['mysql-version', 'sql-mode', 'charset'];

  it.each([
    { from: server(), to: server(), says: [] },
    {
      from: server({ version: '8.4.3' }),
      to: server({ version: '8.0.36-log' }),
      says: ['mysql-version: MySQL 8.0.36-log of the target is older than 8.4 of the source'],
    },
    { from: server({ version: '8.0.36' }), to: server({ version: '10.0.1' }), says: [] },
    {
      from: server(),
      to: server({ sql_mode: 'B,C' }),
      says: ["sql-mode: sql_mode of the target differs from the source's: -A, +C"],
    },
    { from: server(), to: server({ sql_mode: 'B,A' }), says: [] },
    {
      from: server(),
      to: server({ collation_server: 'latin1_bin' }),
      says: ['charset: collation_server is latin1_bin in the target and utf8mb4_0900_ai_ci in the source'],
    },
  ])('%#', ({ from, to, says }) => {
    expect(said(ask(modes, { sourceServers: [from], targetServers: [to] }))).toEqual(says);
  });

  it.each([
    { from: '24.0.1', to: '', says: [] },
    { from: '22.0.1', to: '24.0.0', says: ['vitess-version: vttablet is 22.0.1; vtmigrate is tested with 24'] },
  ])('vttablet $from and "$to"', ({ from, to, says }) => {
    const facts = {
      sourceVersions: [{ place, version: from }],
      targetVersions: [{ place: target, version: to }],
    };
    expect(said(ask(['vitess-version'], facts))).toEqual(says);
  });

  it('nothing is compared with a source that could not be read', () => {
    expect(ask(modes, { sourceServers: [], targetServers: [server({ version: '5.7.1' })] })).toEqual([]);
  });

  it('collations the target does not know are named once for each table', () => {
    const columns = ['utf8mb4_bin', 'odd_ci', 'odd_ci', ''].map((collation, i) => column(`c${i}`, { collation }));
    const facts = {
      sourceDetails: [{ shard: '0', tables: [table({ columns })] }],
      targetCollations: [{ place: target, collations: ['utf8mb4_bin'] }],
    };
    expect(said(ask(['collation'], facts))).toEqual([
      "collation: collation odd_ci of table t is not known to the target's MySQL",
    ]);
  });

  it('a time zone that MySQL does not convert from is refused', () => {
    const facts = {
      ...planned({}, { sourceTimeZone: 'Nowhere/At_all' }),
      timeZones: [
        { place: target, converts: true },
        { place: { ...target, shard: '80-' }, converts: false },
      ],
    };
    expect(said(ask(['time-zone'], facts))).toEqual([
      'time-zone: MySQL cannot convert from time zone Nowhere/At_all to UTC',
    ]);
  });

  it('a key that is converted is warned of, and no other DATETIME column', () => {
    const columns = [column('at', { type: 'datetime' }), column('done', { type: 'datetime' }), column('id')];
    const keys = [{ name: 'PRIMARY', columns: ['at', 'id'], notNull: true }];
    const details = { sourceDetails: [{ shard: '0', tables: [table({ columns, uniqueKeys: keys })] }] };
    expect(ask(['time-zone-key'], { ...planned(), ...details })).toEqual([]);
    expect(said(ask(['time-zone-key'], { ...planned({}, { sourceTimeZone: '+02:00' }), ...details }))).toEqual([
      "time-zone-key: the key of table t has DATETIME columns that are converted (at), which Vitess's VDiff cannot compare",
    ]);
  });

  it('transactions of half a minute are long', () => {
    const open = (seconds: number) => ({
      sourceTransactions: [{ place, id: '7', seconds, thread: '12' }],
      targetTransactions: [],
    });
    expect(ask(['long-transaction'], open(29))).toEqual([]);
    expect(said(ask(['long-transaction'], open(30)))).toEqual([
      'long-transaction: transaction 7 of connection 12 has been open for 30 s with rows locked',
    ]);
  });
});

describe('the longest statement', () => {
  const found = (from: string[], to: Record<string, string>) =>
    said(
      ask(['max-allowed-packet'], {
        sourceServers: from.map((max_allowed_packet) => server({ max_allowed_packet })),
        targetServers: [{ place: target, variables: to }],
      }),
    );

  it.each([
    { from: ['67108864'], to: { max_allowed_packet: '67108864' }, says: [] },
    { from: ['67108864'], to: {}, says: [] },
    { from: [], to: { max_allowed_packet: '1024' }, says: [] },
    {
      from: ['1024', '4096'],
      to: { max_allowed_packet: '2048' },
      says: [
        'max-allowed-packet: max_allowed_packet is 2048 bytes in the target and 4096 in the source: ' +
          'at a longer row the stream fails, again and again',
      ],
    },
  ])('$from and $to', ({ from, to, says }) => {
    expect(found(from, to)).toEqual(says);
  });
});

describe('replicas of the source', () => {
  const waits = 'streams that read from it are as late, Complete waits for them, and rows are compared on the primary';
  it.each([
    { lag: 0, delay: 0, says: [] },
    { lag: 119, delay: 119, says: [] },
    {
      lag: 120,
      delay: 0,
      says: [`replica-lag: tablet ${place.tablet} (REPLICA) is 120 s behind its primary: ${waits}`],
    },
    { lag: undefined, delay: 0, says: [`replica-lag: tablet ${place.tablet} (REPLICA) does not replicate: ${waits}`] },
    {
      lag: 700,
      delay: 600,
      says: [
        `replica-lag: tablet ${place.tablet} (REPLICA) is kept 600 s behind its primary on purpose (SQL_Delay): ${waits}`,
      ],
    },
  ])('$lag s behind, $delay s on purpose', ({ lag, delay, says }) => {
    expect(said(ask(['replica-lag'], { sourceReplicas: [{ place, type: 'REPLICA', lag, delay }] }))).toEqual(says);
  });
});
