import { describe, expect, test } from 'vitest';
import { asksForHelp, closest, parseArguments, type FlagSet } from '../../src/cli/args/parse.js';

const flags: FlagSet = {
  known: [
    { name: 'tablet-types', takes: '<types>', list: true, about: '' },
    { name: 'source', takes: '<source>', about: '', of: ['Create'] },
    { name: 'all', aliases: ['all-tables'], about: '' },
    { name: 'auto-start', about: '' },
  ],
  notYet: ['source-shards'],
};
const parse = (...args: string[]) => parseArguments(args, flags, 'Migrate');

describe('options the way Go takes them', () => {
  test.each(['-tablet_types', '--tablet-types', '-tablet-types', '--tablet_types'])(
    '%s is one and the same',
    (typed) => {
      expect(parse(typed, 'PRIMARY').text('tablet-types')).toBe('PRIMARY');
      expect(parse(`${typed}=PRIMARY`).text('tablet-types')).toBe('PRIMARY');
    },
  );

  test('before, between and after the words', () => {
    const args = parse('-all', 'Create', '-source', 'ext1.load', 'commerce.wf', '-auto_start=false');
    expect(args.words).toEqual(['Create', 'commerce.wf']);
    expect([args.bool('all'), args.text('source'), args.bool('auto-start')]).toEqual([true, 'ext1.load', false]);
  });

  test.each([
    ['-all', true],
    ['-all=true', true],
    ['-all=T', true],
    ['-all=1', true],
    ['-all=false', false],
    ['-all=0', false],
    ['--all-tables=f', false],
  ] as const)('%s', (typed, value) => {
    expect(parse(typed).bool('all')).toBe(value);
  });

  test('a value may hold an equals sign, be empty, or begin with a dash after one', () => {
    expect(parse('-source=a=b').text('source')).toBe('a=b');
    expect(parse('-source=').text('source')).toBe('');
    expect(parse('-source=-x').text('source')).toBe('-x');
  });

  test('what was not given is undefined', () => {
    expect([parse().text('source'), parse().bool('all'), parse().values('tablet-types'), parse().has('all')]).toEqual([
      undefined,
      undefined,
      undefined,
      false,
    ]);
  });

  test('a list may be repeated', () => {
    expect(parse('-tablet_types', 'A', '--tablet-types', 'B').values('tablet-types')).toEqual(['A', 'B']);
  });

  test('after -- everything is a word', () => {
    expect(parse('-all', '--', '-source').words).toEqual(['-source']);
  });
});

describe('what is refused', () => {
  test.each([
    [['-source_shards', '0'], '-source_shards is not supported yet'],
    [['--source-shards=0'], '--source-shards is not supported yet'],
    [['-sorce', 'x'], 'unknown option -sorce: did you mean -source? All options: vtmigrate Migrate --help'],
    [['--al'], 'unknown option --al: did you mean --all? All options: vtmigrate Migrate --help'],
    [['-quite-another-thing'], 'unknown option -quite-another-thing: All options: vtmigrate Migrate --help'],
    [['-source'], '-source needs a value: -source <source>'],
    [
      ['-source', '-all'],
      '-source needs a value, and -all looks like an option; if it is the value, write -source=-all',
    ],
    [['-all=perhaps'], '-all must be true or false, not "perhaps"'],
    [['-all', 'false'], 'write -all=false: a boolean takes its value after "="'],
    [['-source', 'a.b', '--source', 'c.d'], '--source is given twice'],
  ])('%j', (args, message) => {
    expect(() => parse(...args)).toThrow(message);
  });

  test('an option of another action', () => {
    expect(() => parse('-source', 'a.b').only('Complete')).toThrow(
      '-source is not an option of Complete: it belongs to Create',
    );
    expect(() => parse('-source', 'a.b').only('Create')).not.toThrow();
  });
});

test('help is asked for with one dash or two, but not after --', () => {
  expect(['-h', '--help', '-help', '--HELP'].every((arg) => asksForHelp(['Create', arg]))).toBe(true);
  expect(asksForHelp(['--', '-h'])).toBe(false);
});

test('the closest name, or none', () => {
  expect(closest('tabel-types', ['tables', 'tablet-types'])).toBe('tablet-types');
  expect(closest('xyz', ['tables'])).toBeUndefined();
});
