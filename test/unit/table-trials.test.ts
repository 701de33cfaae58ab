import { describe, expect, it, test } from 'vitest';
import { ruleBehind, trialWarnings, type RefusedTrial } from '../../src/migration/proof/table-trials.js';

const shard = (name: string, text: string) => `target: customer.${name}.primary: vttablet: rpc error: ${text}`;
const acl = (command: string) =>
  `code = PermissionDenied desc = ${command} command denied to user 'userData1' for table 'corder' (ACL check error)`;
const denied = 'code = FailedPrecondition desc = disallowed due to rule: enforce denied tables';
const query = 'code = InvalidArgument desc = disallowed due to rule: nobody reads invoices';

describe('why a trial is refused', () => {
  test.each([
    ['acl', shard('-80', acl('Select'))],
    ['acl', [shard('-80', acl('Select')), shard('80-', acl('Select'))].join('\n')],
    ['query', shard('-80', query)],
    [
      'grants',
      "target: commerce.0.primary: vttablet: rpc error: code = PermissionDenied desc = DELETE command denied to user 'vt_app'@'localhost' for table 'corder' (errno 1142) (sqlstate 42000)",
    ],
    [
      'gone',
      "target: commerce.0.primary: vttablet: rpc error: code = NotFound desc = Table 'vt_commerce.corder' doesn't exist (errno 1146) (sqlstate 42S02)",
    ],
    ['scatter', 'plan includes scatter, which is disallowed using the `no-scatter` command line argument'],
  ])('by a rule: %s', (rule, reason) => {
    expect(ruleBehind(reason)).toBe(rule);
  });

  test.each([
    shard('-80', denied),
    [shard('-80', acl('Select')), shard('80-', denied)].join('\n'),
    [shard('-80', denied), shard('80-', query)].join('\n'),
    'table corder not found',
    "VT05003: unknown database 'customer' in vschema",
    `target: customer.-80.primary: no healthy tablet available for 'keyspace:"customer" shard:"-80" tablet_type:PRIMARY'`,
    'The MySQL server is running with the --read-only option so it cannot execute this statement (errno 1290)',
    'Connection lost: The server closed the connection.',
    '',
  ])('by the state of the migration, which may change: %s', (reason) => {
    expect(ruleBehind(reason)).toBeUndefined();
  });
});

describe('warnings of trials', () => {
  const place = { cluster: 'target', server: 'vtgate:3306', keyspace: 'customer' };
  const refused = (changes: Partial<RefusedTrial> = {}): RefusedTrial => ({
    trial: 'read',
    rule: 'query',
    table: 'corder',
    reason: shard('-80', query),
    ...changes,
  });

  it('tell a person what was refused, in which words, where, and what to do', () => {
    expect(trialWarnings([refused()], place)).toEqual([
      {
        code: 'READ_REFUSED',
        message:
          'vtmigrate could not read table corder through vtgate; not the migration, but a rule refuses it ' +
          `(${shard('-80', query)})`,
        place: { ...place, table: 'corder' },
        remedy: expect.stringContaining('query rules') as string,
      },
    ]);
  });

  it('are one for each rule, however many tables and shards it refuses', () => {
    const warnings = trialWarnings(
      [
        ...Array.from({ length: 3_000 }, (_, i) => refused({ table: `t${i}` })),
        refused({ trial: 'write', rule: 'grants', table: 'two words', reason: 'x' }),
        refused({ trial: 'write', rule: 'grants', table: 'two words', reason: 'y' }),
      ],
      place,
    );
    expect(warnings.map(({ code }) => code)).toEqual(['READ_REFUSED', 'WRITE_REFUSED']);
    expect(warnings[0]?.message).toContain('read table t0 and 2999 more through vtgate');
    expect(warnings[1]?.message).toContain('try a write to table `two words` through vtgate');
  });

  it('are none where the user of the worker is only a reader, as it should be', () => {
    expect(trialWarnings([refused({ trial: 'write', rule: 'acl' })], place)).toEqual([]);
    expect(trialWarnings([refused({ rule: 'acl' })], place)).toHaveLength(1);
  });
});
