import { describe, expect, it } from 'vitest';
import { MigrationError } from '../../src/migration/problem/errors.js';
import {
  formatIdentifier,
  isName,
  parseSourceIdentifier,
  parseWorkflowIdentifier,
  splitIdentifier,
} from '../../src/migration/input/identifier.js';
import { quoteName, quoteString, quoteStrings } from '../../src/migration/sql/quote.js';

describe('identifiers', () => {
  it('are taken apart and put together', () => {
    expect(parseWorkflowIdentifier('commerce.wf-1_x')).toEqual({ keyspace: 'commerce', workflow: 'wf-1_x' });
    expect(parseSourceIdentifier('ext1.load')).toEqual({ mount: 'ext1', keyspace: 'load' });
    expect(formatIdentifier({ keyspace: 'commerce', workflow: 'wf' })).toBe('commerce.wf');
  });

  const wrong = [
    '',
    '.',
    'a',
    'a.',
    '.a',
    'a.b.c',
    'a/b.c',
    'a.b/c',
    'a b.c',
    '-a.b',
    'a.-b',
    'ä.b',
    '../x.y',
    `${'a'.repeat(64)}.b`,
    'a.b\n',
  ];
  it.each(wrong)('%j is none', (text) => {
    expect(splitIdentifier(text)).toBeUndefined();
    expect(() => parseWorkflowIdentifier(text)).toThrow(MigrationError);
    expect(() => parseSourceIdentifier(text)).toThrow(/invalid format for external source cluster/);
  });

  it('say in the error what they should look like', () => {
    expect(() => parseWorkflowIdentifier('wf')).toThrow(
      'invalid workflow identifier: "wf": write it as <target keyspace>.<workflow>, for example commerce.wf',
    );
  });

  it.each([
    ['a', true],
    ['_', true],
    ['0', true],
    ['A-b_9', true],
    ['x'.repeat(63), true],
    ['', false],
    ['x'.repeat(64), false],
    ['a.b', false],
    ['a/b', false],
    ['a b', false],
    ['-a', false],
    ['é', false],
  ])('the name %j: %s', (name, valid) => {
    expect(isName(name)).toBe(valid);
  });
});

describe('quoteName', () => {
  it.each([
    ['corder', 'corder'],
    ['_x9', '_x9'],
    ['customer', 'customer'],
    ['order', '`order`'],
    ['ORDER', '`ORDER`'],
    ['9lives', '`9lives`'],
    ['a b', '`a b`'],
    ['a.b', '`a.b`'],
    ["o'hara", "`o'hara`"],
    ['say "hi"', '`say "hi"`'],
    ['back`tick', '`back``tick`'],
    ['``', '``````'],
    ['back\\slash', '`back\\slash`'],
    ['größe', '`größe`'],
    ['表', '`表`'],
    ['x; drop table y', '`x; drop table y`'],
    ['a$b', '`a$b`'],
    ['', '``'],
  ])('%j becomes %s', (name, quoted) => {
    expect(quoteName(name)).toBe(quoted);
  });
});

describe('quoteString', () => {
  it.each([
    ['plain', "'plain'"],
    ["it's", "'it\\'s'"],
    ['a\\b', "'a\\\\b'"],
    ["\\'", "'\\\\\\''"],
    ["' or 1=1 -- ", "'\\' or 1=1 -- '"],
    ['"', "'\"'"],
    ['ü 表', "'ü 表'"],
    ['', "''"],
  ])('%j becomes %s', (value, quoted) => {
    expect(quoteString(value)).toBe(quoted);
  });

  it('joins several', () => {
    expect(quoteStrings(['a', "b'"])).toBe("'a', 'b\\''");
    expect(quoteStrings([])).toBe('');
  });
});
