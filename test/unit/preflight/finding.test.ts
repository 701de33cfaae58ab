import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MigrationError } from '../../../src/migration/problem/errors.js';
import { gtidMode } from '../../../src/migration/preflight/checks/gtid-mode.js';
import { acceptable, checks, checksFor, severityOf } from '../../../src/migration/preflight/checks/index.js';
import { shardPrimary } from '../../../src/migration/preflight/checks/shard-primary.js';
import { trigger } from '../../../src/migration/preflight/checks/trigger.js';
import { view } from '../../../src/migration/preflight/checks/view.js';
import { findingOf, judge } from '../../../src/migration/preflight/judge.js';
import {
  blocking,
  bySeverity,
  capped,
  describeFinding,
  refusal,
  stamp,
} from '../../../src/migration/preflight/finding.js';

const error = stamp(gtidMode, { message: 'gtid_mode is OFF, not ON', place: { cluster: 'ext1' }, remedy: 'set it' });
const warning = stamp(trigger, { message: 'table t has triggers', place: { table: 't' }, remedy: 'look' });
const notice = stamp(view, { message: 'views are not copied: v', place: {}, remedy: 'create them' });

describe('findings', () => {
  it('have the severity of their check, and a code', () => {
    expect(error).toEqual({
      check: 'gtid-mode',
      severity: 'error',
      code: 'CHECK_FAILED',
      message: 'gtid_mode is OFF, not ON',
      place: { cluster: 'ext1' },
      remedy: 'set it',
    });
    expect(describeFinding(error)).toBe('error gtid-mode: gtid_mode is OFF, not ON (cluster ext1): set it');
  });

  it('of errors always stop, of warnings unless accepted, of notices never', () => {
    expect(blocking([notice, warning, error], [])).toEqual([warning, error]);
    expect(blocking([notice, warning, error], ['trigger', 'gtid-mode', 'view'])).toEqual([error]);
    expect(blocking([notice], [])).toEqual([]);
  });

  it('come gravest first, and beyond 200 are counted', () => {
    expect(bySeverity([notice, warning, error])).toEqual([error, warning, notice]);
    const many = capped([...Array.from({ length: 210 }, () => notice), error]);
    expect(many).toHaveLength(201);
    expect(many[0]).toBe(error);
    expect(many[200]?.message).toBe('11 more findings are not shown');
    expect(capped([notice, error])).toEqual([error, notice]);
  });

  it.each([
    { code: 'MOUNT_NOT_FOUND', check: 'mount-answers' },
    { code: 'TOPO_UNREACHABLE', check: 'topology-answers' },
    { code: 'VTGATE_UNREACHABLE', check: 'vtgate-answers' },
    { code: 'ACCESS_REFUSED', check: 'access-granted' },
    { code: 'NO_PRIMARY', check: 'shard-primary' },
    { code: 'TABLET_REFUSED', check: 'tablet-answers' },
  ] as const)('of a read that failed with $code is of check $check', ({ code, check }) => {
    expect(findingOf(new MigrationError(code, 'what', { shard: '0' }, 'do'))).toEqual({
      check,
      severity: 'error',
      code,
      message: 'what',
      place: { shard: '0' },
      remedy: 'do',
    });
  });

  it('of a fact without which there is no plan are reported once, however many reads saw the same', () => {
    const unread = [new MigrationError('TOPO_UNREACHABLE', 'what', { server: 's' }, 'do')];
    const answers = { mount: { unread, what: null }, journals: { unread, what: null } };
    expect(judge(answers)).toMatchObject([{ check: 'topology-answers', code: 'TOPO_UNREACHABLE' }]);
  });

  const refused = [new MigrationError('TABLET_REFUSED', 'no', { shard: '0' }, 'do')];

  it.each([
    { fact: 'routingRules', check: 'not-readable', severity: 'warning' },
    { fact: 'targetDisks', check: 'disk-unknown', severity: 'notice' },
    { fact: 'sourceVersions', check: 'version-unknown', severity: 'notice' },
    { fact: 'streamAccounts', check: 'source-privileges-unknown', severity: 'notice' },
    { fact: 'throttledApps', check: 'throttler', severity: 'notice' },
  ])('say what could not be read: $fact', ({ fact, check, severity }) => {
    expect(judge({ [fact]: { unread: refused, what: 'the fact' } })).toEqual([
      {
        check,
        severity,
        code: 'CHECK_FAILED',
        message: 'the fact could not be read (no)',
        place: { shard: '0' },
        remedy: 'do',
      },
    ]);
  });

  it('of what could be read of a fact are not lost', () => {
    const unhealthy = { place: { shard: '1' }, unhealthy: 'it does not serve' };
    expect(judge({ targetHealth: { value: [unhealthy], unread: refused, what: 'the health' } })).toMatchObject([
      { check: 'not-readable' },
      { check: 'shard-primary', place: { shard: '1' } },
    ]);
  });

  it('are not made of facts that are not known', () => {
    expect(judge({ plan: { unread: [], what: null }, routingRules: { unread: [], what: 'the rules' } })).toEqual([]);
  });
});

describe('the refusal', () => {
  it('of one error is that error, under its own code', () => {
    const found = { message: 'no primary', place: { shard: '0' }, remedy: 'start one', code: 'NO_PRIMARY' as const };
    expect(refusal([stamp(shardPrimary, found)])).toMatchObject({
      code: 'NO_PRIMARY',
      retryable: true,
      message: 'no primary (shard 0): start one',
    });
  });

  it('of one warning says by which name to accept it', () => {
    expect(refusal([warning])).toMatchObject({
      code: 'PREFLIGHT_REFUSED',
      retryable: false,
      message: expect.stringMatching(
        new RegExp(
          '^one thing is in the way; nothing has been changed:\\n {2}- warning trigger: .*\\n' +
            '.*-accept trigger \\(in JSON "accept"\\)$',
        ),
      ) as string,
    });
  });

  it('of several lists them all, errors first, and every warning once', () => {
    const { message } = refusal([warning, error, warning]);
    expect(message).toMatch(
      new RegExp(
        '^3 things are in the way.*\\n {2}- error gtid-mode.*\\n {2}- warning trigger.*\\n' +
          ' {2}- warning trigger.*\\n.*-accept trigger \\(',
      ),
    );
    expect(refusal([error, error]).message).not.toContain('-accept');
  });
});

describe('checks', () => {
  it('have names of their own, and an error code belongs to one of them', () => {
    expect(new Set(checks.map(({ name }) => name)).size).toBe(checks.length);
    const codes = checks.flatMap((check) => check.codes);
    expect(new Set(codes).size).toBe(codes.length);
  });

  it('are in files of their names', () => {
    const files = readdirSync(new URL('../../../src/migration/preflight/checks/', import.meta.url));
    expect(files.sort()).toEqual([...checks.map(({ name }) => `${name}.ts`), 'index.ts'].sort());
  });

  it('have a severity by name, and others have none', () => {
    expect(severityOf('trigger')).toBe('warning');
    for (const name of ['nonsense', 'constructor', '__proto__']) expect(severityOf(name)).toBeUndefined();
  });
});

describe('docs/preflight.md', () => {
  const rows = [
    ...readFileSync(new URL('../../../docs/preflight.md', import.meta.url), 'utf8').matchAll(
      /^\| `([a-z-]+)` \| (error|warning|notice) \| (yes|) ?\|/gm,
    ),
  ].map(([, name = '', severity = '', again = '']) => ({ name, severity, again: again === 'yes' }));

  it('lists every check once, with its severity', () => {
    expect(Object.fromEntries(rows.map(({ name, severity }) => [name, severity]))).toEqual(
      Object.fromEntries(checks.map(({ name, severity }) => [name, severity])),
    );
    expect(rows).toHaveLength(checks.length);
  });

  it('says which are asked again at Complete', () => {
    expect(rows.flatMap(({ name, again }) => (again ? [name] : [])).sort()).toEqual(
      checksFor('complete')
        .map(({ name }) => name)
        .sort(),
    );
  });

  it('warnings are what can be accepted', () => {
    expect([...acceptable].sort()).toEqual(
      rows.flatMap(({ name, severity }) => (severity === 'warning' ? [name] : [])).sort(),
    );
  });
});
