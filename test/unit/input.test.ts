import { describe, expect, it } from 'vitest';
import { MigrationError } from '../../src/migration/problem/errors.js';
import { completeRequestSchema, mountInputSchema, parseWith } from '../../src/migration/input/input.js';
import { migrateContract } from '../../src/migration/preflight/contract.js';
import { mountConfigSchema } from '../../src/migration/input/kinds.js';

const least = { source: 'ext1.load', target: 'commerce.wf', all: true };
const mount = { topoType: 'etcd2', topoServer: 'localhost:12379', topoRoot: '/vitess/global' };

/** The message with which a value is refused. */
function refusal(parse: () => unknown): string {
  try {
    parse();
  } catch (error) {
    if (error instanceof MigrationError && error.code === 'INVALID_INPUT') return error.what;
    throw error;
  }
  throw new Error('it was accepted');
}
const refused = (input: unknown) => refusal(() => parseWith(migrateContract, input, 'the input'));

describe('the input of migrate', () => {
  it('has these defaults', () => {
    expect(parseWith(migrateContract, least, 'the input')).toEqual({
      ...least,
      exclude: [],
      allCells: false,
      tabletTypes: ['REPLICA', 'PRIMARY'],
      tabletTypesInPreferenceOrder: true,
      autoStart: true,
      stopAfterCopy: false,
      deferSecondaryKeys: true,
      onDdl: 'IGNORE',
      configOverrides: {},
      dropForeignKeys: false,
      shardedAutoIncrementHandling: 'LEAVE',
      copyHours: 'always',
      complete: 'signal',
      fenceSource: false,
      insideFenceTimeout: '10s',
      vdiffMaxAge: '24h',
      vdiffWaitTime: '30s',
      vdiffStallTimeout: '10m',
      catchUpTimeout: '30s',
      sourceTables: 'keep',
      sourceTablesAfter: '0s',
      initializeTargetSequences: false,
      repairFloats: [],
      dryRun: false,
      accept: [],
    });
  });

  it('keeps everything that is given', () => {
    const input = {
      source: 'ext1.load',
      target: 'commerce.wf',
      all: false,
      tables: ['a b', 'ü'],
      exclude: ['c'],
      cells: ['ext'],
      allCells: false,
      tabletTypes: ['RDONLY'],
      tabletTypesInPreferenceOrder: false,
      autoStart: false,
      stopAfterCopy: true,
      deferSecondaryKeys: false,
      onDdl: 'EXEC_IGNORE',
      sourceTimeZone: 'America/Argentina/Buenos_Aires',
      configOverrides: { 'vreplication-parallel-insert-workers': '4', 'vreplication-retry-delay': '5s' },
      dropForeignKeys: true,
      shardedAutoIncrementHandling: 'REMOVE',
      lanes: 16,
      copyHours: '22:00-06:00 Europe/Berlin',
      maxThreadsRunning: 50,
      maxReplicationLag: '30s',
      mount,
      complete: 'auto',
      fenceSource: true,
      insideFence: 'https://router.mine:8443/switch?to=new',
      insideFenceTimeout: '5m',
      vdiffMaxAge: '1h30m',
      vdiffTabletTypes: ['PRIMARY'],
      vdiffWaitTime: '1h',
      vdiffStallTimeout: '7d',
      catchUpTimeout: '1s',
      maxReplicationLagAllowed: '7d',
      sourceTables: 'rename',
      sourceTablesAfter: '7d',
      initializeTargetSequences: true,
      repairFloats: ['c'],
      dryRun: true,
      accept: ['no-primary-key'],
    };
    expect(parseWith(migrateContract, input, 'the input')).toEqual(input);
  });

  it('takes tablet types and DDL actions in any case', () => {
    expect(
      parseWith(migrateContract, { ...least, tabletTypes: ['replica', 'Primary'], onDdl: 'stop' }, 'the input'),
    ).toMatchObject({ tabletTypes: ['REPLICA', 'PRIMARY'], onDdl: 'STOP' });
  });

  it.each([
    {
      field: 'source',
      value: 'ext1',
      message:
        'source must be two names joined by a dot, for example ext1.load (letters, digits, "_" and "-", not starting with "-")',
    },
    { field: 'source', value: 'a.b.c', message: /^source must be two names/ },
    { field: 'source', value: 7, message: 'source must be a string' },
    { field: 'source', value: undefined, message: 'source must be a string' },
    {
      field: 'target',
      value: 'commerce/x.wf',
      message: /^target must be two names joined by a dot, for example commerce\.wf/,
    },
    { field: 'all', value: 'true', message: 'all must be a boolean' },
    { field: 'exclude', value: 'a', message: 'exclude must be an array' },
    { field: 'exclude', value: [''], message: 'exclude.0 must not be empty' },
    { field: 'exclude', value: ['x'.repeat(65)], message: 'exclude.0 is longer than 64 characters' },
    {
      field: 'accept',
      value: ['no-such-check'],
      message: /^accept\.0 names no check: "no-such-check"; there are .*no-primary-key/,
    },
    {
      field: 'accept',
      value: ['trigger', 'gtid-mode'],
      message: 'accept.1 names gtid-mode: an error cannot be accepted',
    },
    { field: 'accept', value: ['view'], message: 'accept.0 names view: a notice does not stop anything' },
    { field: 'cells', value: [], message: 'cells must name a cell' },
    { field: 'cells', value: ['a/b'], message: /^cells\.0 must be a name/ },
    { field: 'tabletTypes', value: [], message: 'tabletTypes must name a tablet type' },
    {
      field: 'tabletTypes',
      value: ['REPLICA', 'SPARE'],
      message: 'tabletTypes.1 must be one of PRIMARY, REPLICA, RDONLY',
    },
    { field: 'tabletTypesInPreferenceOrder', value: 1, message: 'tabletTypesInPreferenceOrder must be a boolean' },
    { field: 'autoStart', value: null, message: 'autoStart must be a boolean' },
    { field: 'stopAfterCopy', value: 'no', message: 'stopAfterCopy must be a boolean' },
    { field: 'deferSecondaryKeys', value: 'no', message: 'deferSecondaryKeys must be a boolean' },
    { field: 'onDdl', value: 'ASK', message: 'onDdl must be one of IGNORE, STOP, EXEC, EXEC_IGNORE' },
    { field: 'allCells', value: 'yes', message: 'allCells must be a boolean' },
    ...['', "Europe/'Berlin", 'System', 'x'.repeat(65)].map((value) => ({
      field: 'sourceTimeZone',
      value,
      message: 'sourceTimeZone must be a time zone that MySQL knows, such as Europe/Berlin or +02:00',
    })),
    { field: 'complete', value: 'later', message: 'complete must be one of signal, auto' },
    ...['a b', '../sh', '/bin/sh', 'rm -rf', 'https://me:secret@router.mine/', 'ftp://a/', 'https://a/#b', ''].map(
      (value) => ({
        field: 'insideFence',
        value,
        message: /^insideFence must be the name of a command of the worker, or a URL without credentials;/,
      }),
    ),
    { field: 'insideFence', value: 'switch-router', message: 'insideFence needs fenceSource beside it' },
    { field: 'insideFenceTimeout', value: '6m', message: 'insideFenceTimeout must be a duration from 1s to 5m' },
    { field: 'fenceSource', value: 1, message: 'fenceSource must be a boolean' },
    { field: 'vdiffMaxAge', value: '1 day', message: 'vdiffMaxAge must be a duration such as 30s, 1h30m or 7d' },
    { field: 'sourceTables', value: 'delete', message: 'sourceTables must be one of keep, rename, drop' },
    {
      field: 'sourceTablesAfter',
      value: '-1s',
      message: 'sourceTablesAfter must be a duration such as 30s, 1h30m or 7d',
    },
    { field: 'dryRun', value: 0, message: 'dryRun must be a boolean' },
    { field: 'mount', value: 'etcd2', message: 'mount must be an object' },
    { field: 'keepData', value: true, message: 'keepData is not an option of this version' },
  ])('refuses $field: $value', ({ field, value, message }) => {
    const said = refused({ ...least, [field]: value });
    expect(said).toMatch(/^the input is not valid: /);
    const rest = said.slice('the input is not valid: '.length);
    if (typeof message === 'string') expect(rest).toBe(message);
    else expect(rest).toMatch(message);
  });

  it('names every wrong field at once', () => {
    expect(
      refused({ source: 'x', target: 'y', all: 1, dryRun: 'z', keepData: true, renameTables: true }).split('; '),
    ).toEqual([
      expect.stringMatching(/source must/),
      expect.stringMatching(/^target must/),
      'all must be a boolean',
      'dryRun must be a boolean',
      'keepData is not an option of this version',
      'renameTables is not an option of this version',
    ]);
  });

  it.each([
    { tables: undefined, all: false, message: 'tables or all must be given: name the tables, or set all to true' },
    { tables: ['a'], all: true, message: 'tables and all exclude each other: give one of them' },
    { tables: [], all: false, message: 'tables must name a table' },
  ])('wants either all or tables: $all, $tables', ({ tables, all, message }) => {
    expect(refused({ ...least, all, tables })).toContain(message);
  });

  it('takes tables without all', () => {
    expect(
      parseWith(migrateContract, { source: 'ext1.load', target: 'commerce.wf', tables: ['a'] }, 'the input'),
    ).toMatchObject({ all: false, tables: ['a'] });
  });

  it('refuses tables that are excluded as well', () => {
    expect(refused({ ...least, all: false, tables: ['a', 'b', 'c'], exclude: ['c', 'a'] })).toBe(
      'the input is not valid: exclude names tables that are in tables too: a, c',
    );
  });

  it.each([undefined, null, 'x', [], 3])('refuses %j instead of an object', (input) => {
    expect(refused(input)).toBe('the input is not valid: the input must be an object');
  });

  it('says that nothing has been touched', () => {
    expect(() => parseWith(migrateContract, {}, 'the input')).toThrow(
      /: correct these fields; nothing has been touched$/,
    );
  });
});

describe('the configuration of a mount', () => {
  it.each(['localhost:1', 'a.b-c:2379,10.0.0.1:2379,[::1]:2379'])('takes the server %s', (topoServer) => {
    expect(parseWith(mountConfigSchema, { ...mount, topoServer }, 'it')).toEqual({ ...mount, topoServer });
  });

  it.each([
    { change: { topoType: 'consul' }, message: 'topoType must be etcd2: consul and zookeeper are not supported yet' },
    { change: { topoServer: 'localhost' }, message: 'topoServer must be host:port, or several joined by commas' },
    { change: { topoServer: 'a:1, b:2' }, message: 'topoServer must be host:port, or several joined by commas' },
    { change: { topoServer: 'http://a:1' }, message: 'topoServer must be host:port, or several joined by commas' },
    { change: { topoRoot: 'vitess' }, message: 'topoRoot must be a path such as /vitess/global' },
    { change: { topoRoot: '/vitess/' }, message: 'topoRoot must be a path such as /vitess/global' },
    { change: { password: 'x' }, message: 'password is not an option of this version' },
  ])('refuses $change', ({ change, message }) => {
    expect(refusal(() => parseWith(mountConfigSchema, { ...mount, ...change }, 'it'))).toBe(
      `it is not valid: ${message}`,
    );
  });
});

describe('the input of mount', () => {
  it.each([
    { action: 'list' },
    { action: 'show', name: 'ext1' },
    { action: 'unmount', name: 'ext1' },
    { action: 'mount', name: 'ext1', config: mount },
  ])('takes %j', (input) => {
    expect(parseWith(mountInputSchema, input, 'it')).toEqual(input);
  });

  it.each([
    { input: {}, message: 'action must be mount, unmount, show or list' },
    { input: { action: 'show' }, message: 'name is needed to show' },
    { input: { action: 'unmount' }, message: 'name is needed to unmount' },
    { input: { action: 'mount' }, message: 'name is needed to mount; config is needed to mount' },
  ])('refuses $input', ({ input, message }) => {
    expect(refusal(() => parseWith(mountInputSchema, input, 'it'))).toBe(`it is not valid: ${message}`);
  });
});

describe('the payload of complete', () => {
  it.each([
    { payload: undefined, request: { force: false, dryRun: false } },
    { payload: {}, request: { force: false, dryRun: false } },
    { payload: { force: true }, request: { force: true, dryRun: false } },
    { payload: { dryRun: true }, request: { force: false, dryRun: true } },
  ])('may be $payload', ({ payload, request }) => {
    expect(parseWith(completeRequestSchema, payload, 'it')).toEqual(request);
  });

  it.each([{ payload: 'force' }, { payload: { force: 'yes' } }, { payload: { keepData: true } }])(
    'may not be $payload',
    ({ payload }) => {
      expect(refusal(() => parseWith(completeRequestSchema, payload, 'it'))).toMatch(/^it is not valid: /);
    },
  );
});
