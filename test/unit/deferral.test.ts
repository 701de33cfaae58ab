import { describe, expect, it } from 'vitest';
import { neededKeys } from '../../src/migration/plan/deferral.js';
import { ask, planned, said, source, target } from './preflight/facts.js';

const defined = (name: string, ...lines: string[]) => ({
  name,
  ddl: `CREATE TABLE \`${name}\` (\n${lines.map((line) => `  ${line}`).join(',\n')}\n) ENGINE=InnoDB`,
});
const counter = '`id` bigint NOT NULL AUTO_INCREMENT';
const foreign = (columns: string, table: string, referenced: string) =>
  `CONSTRAINT \`fk\` FOREIGN KEY (${columns}) REFERENCES \`${table}\` (${referenced})`;
const parent = defined('p', '`id` int NOT NULL', 'PRIMARY KEY (`id`)');

describe('keys that a stream cannot drop', () => {
  const found = (...tables: { name: string; ddl: string }[]) =>
    neededKeys(tables).map(({ table, key, neededBy }) => `${table}.${key}: ${neededBy}`);

  it.each([
    { what: 'the primary key has the counter', lines: [counter, 'PRIMARY KEY (`id`)', 'KEY `k` (`id`,`a`)'], says: [] },
    {
      what: 'a key has the counter',
      lines: [counter, 'PRIMARY KEY (`a`,`id`)', 'UNIQUE KEY `k` (`id`)'],
      says: ['t.k: the AUTO_INCREMENT column id'],
    },
    {
      what: 'the key of a foreign key has the counter, and stays',
      lines: [counter, 'PRIMARY KEY (`a`)', 'KEY `k` (`id`)', 'KEY `l` (`id`,`a`)', foreign('`id`', 'p', '`id`')],
      says: [],
    },
    {
      what: 'a foreign key over the beginning of a key',
      lines: ['PRIMARY KEY (`x`)', 'KEY `k` (`a`,`b`)', foreign('`A`', 'p', '`id`')],
      says: ['t.k: foreign key fk'],
    },
    {
      what: 'a foreign key with a key of its own',
      lines: ['KEY `k` (`a`)', 'KEY `l` (`a`,`b`)', foreign('`a`', 'p', '`id`')],
      says: [],
    },
    {
      what: 'a foreign key over the beginning of the primary key',
      lines: ['PRIMARY KEY (`a`,`b`)', 'KEY `k` (`a`,`c`)', foreign('`a`', 'p', '`id`')],
      says: [],
    },
    {
      what: 'the columns of a foreign key in another order',
      lines: ['KEY `k` (`b`,`a`,`c`)', 'KEY `l` (`a`,`b`,`c`)', foreign('`a`, `b`', 'p', '`id`')],
      says: ['t.l: foreign key fk'],
    },
    { what: 'a key of another table', lines: ['PRIMARY KEY (`a`)', 'KEY `k` (`b`(10))'], says: [] },
  ])('$what', ({ lines, says }) => {
    expect(found(defined('t', ...lines), parent)).toEqual(says);
  });

  it('of a table that another one references', () => {
    const tag = defined('tag', 'PRIMARY KEY (`id`)', 'UNIQUE KEY `code` (`code`)');
    const tagged = defined('tagged', 'PRIMARY KEY (`id`)', 'KEY `code` (`code`)', foreign('`code`', 'tag', '`code`'));
    expect(found(tag, tagged)).toEqual(['tag.code: foreign key fk of table tagged']);
    expect(found(tag)).toEqual([]);
  });

  it('of a table that references itself', () => {
    const tree = defined('tree', 'PRIMARY KEY (`id`)', 'KEY `up` (`up`,`id`)', foreign('`up`', 'tree', '`id`'));
    expect(found(tree)).toEqual(['tree.up: foreign key fk']);
  });
});

describe('a plan with such a key', () => {
  const plans = (lines: string[], changes = {}) => {
    const from = source({ tables: ['t'] });
    for (const { tables } of from.sourceSchemas) for (const table of tables) table.ddl = defined('t', ...lines).ddl;
    return planned({ ...from, ...target() }, changes);
  };
  const needed = [counter, 'PRIMARY KEY (`a`)', 'KEY `k` (`id`)'];

  it('defers none, and says so', () => {
    const facts = plans(needed);
    expect(facts.plan.stream.deferSecondaryKeys).toBe(false);
    expect(said(ask(['keys-not-deferred'], facts))).toEqual([
      'keys-not-deferred: secondary keys are not deferred, in any table of this migration: ' +
        'the AUTO_INCREMENT column id needs key k of table t during the copy',
    ]);
  });

  it('says nothing where none was to be deferred', () => {
    const facts = plans(needed, { deferSecondaryKeys: false });
    expect(facts.plan.stream.deferSecondaryKeys).toBe(false);
    expect(ask(['keys-not-deferred'], facts)).toEqual([]);
  });

  it('defers keys that nothing needs', () => {
    const facts = plans([counter, 'PRIMARY KEY (`id`)', 'KEY `k` (`a`)']);
    expect(facts.plan.stream.deferSecondaryKeys).toBe(true);
    expect(ask(['keys-not-deferred'], facts)).toEqual([]);
  });
});
