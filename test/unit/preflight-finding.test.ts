import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MigrationError } from '../../src/migration/problem/errors.js';
import {
  acceptable,
  blocking,
  bySeverity,
  capped,
  checks,
  describeFinding,
  finding,
  findingOf,
  refusal,
  unreadable,
} from '../../src/migration/problem/finding.js';

const error = finding('gtid-mode', 'gtid_mode is OFF, not ON', { cluster: 'ext1' }, 'set it');
const warning = finding('trigger', 'table t has triggers', { table: 't' }, 'look');
const notice = finding('view', 'views are not copied: v', {}, 'create them');

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

  it('say what could not be read', () => {
    expect(unreadable('the disk', new MigrationError('TABLET_REFUSED', 'no', {}, 'do'))).toMatchObject({
      check: 'not-readable',
      severity: 'warning',
      message: 'the disk could not be read (no)',
    });
    expect(unreadable('the disk', new MigrationError('TABLET_REFUSED', 'no', {}, 'do'), 'disk-unknown')).toMatchObject({
      check: 'disk-unknown',
      severity: 'notice',
    });
  });
});

describe('the refusal', () => {
  it('of one error is that error, under its own code', () => {
    expect(refusal([finding('shard-primary', 'no primary', { shard: '0' }, 'start one', 'NO_PRIMARY')])).toMatchObject({
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
        /^one thing is in the way; nothing has been changed:\n {2}- warning trigger: .*\n.*-accept trigger \(in JSON "accept"\)$/,
      ) as string,
    });
  });

  it('of several lists them all, errors first, and every warning once', () => {
    const { message } = refusal([warning, error, warning]);
    expect(message).toMatch(
      /^3 things are in the way.*\n {2}- error gtid-mode.*\n {2}- warning trigger.*\n {2}- warning trigger.*\n.*-accept trigger \(/,
    );
    expect(refusal([error, error]).message).not.toContain('-accept');
  });
});

describe('docs/preflight.md', () => {
  const rows = [
    ...readFileSync(new URL('../../docs/preflight.md', import.meta.url), 'utf8').matchAll(
      /^\| `([a-z-]+)` \| (error|warning|notice) \|/gm,
    ),
  ].map(([, name, severity]) => [name, severity]);

  it('lists every check once, with its severity', () => {
    expect(Object.fromEntries(rows)).toEqual(checks);
    expect(rows).toHaveLength(Object.keys(checks).length);
  });

  it('warnings are what can be accepted', () => {
    expect([...acceptable].sort()).toEqual(
      rows.flatMap(([name, severity]) => (severity === 'warning' ? [name] : [])).sort(),
    );
  });
});
