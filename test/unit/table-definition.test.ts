import { describe, expect, it } from 'vitest';
import { hasRowKey, parseDefinition } from '../../src/migration/sql/table-definition.js';

/** As MySQL 9.7 has written it. */
const odd = String.raw`CREATE TABLE BTsqBT (
  BTidBT int NOT NULL AUTO_INCREMENT,
  BTsBT varchar(50) NOT NULL COMMENT 'a,\n KEY BTxBT (BTyBT) NOT NULL AUTO_INCREMENT',
  BTdBT varchar(50) DEFAULT ' NOT NULL',
  BTgBT point NOT NULL /*!80003 SRID 0 */,
  BTbBT int NOT NULL,
  BTgenBT int GENERATED ALWAYS AS ((BTid2BT + 1)) VIRTUAL NOT NULL,
  BTid2BT int DEFAULT NULL,
  PRIMARY KEY (BTidBT,BTsBT(3)) COMMENT 'x',
  UNIQUE KEY BToddBTBT)nameBT (BTidBT),
  SPATIAL KEY BTspBT (BTgBT),
  KEY BTfkBTBT(x)BT (BTidBT,BTbBT),
  KEY BTb_1BT (BTbBT) /*!80000 INVISIBLE */,
  KEY BTeBT ((concat(BTsBT,_utf8mb4')BT')) DESC,BTsBT(10) DESC,BTbBT),
  KEY BTfBT (BTsBT,((BTbBT + 1))) USING BTREE COMMENT 'KEY (',
  FULLTEXT KEY BTftBT (BTsBT),
  CONSTRAINT BTfkBTBT(x)BT FOREIGN KEY (BTidBT, BTbBT) REFERENCES BTpBT (BTaBT, BTbBT) ON DELETE RESTRICT,
  CONSTRAINT BTckBT CHECK (((BTid2BT > 0) and (BTsBT <> _utf8mb4'CONSTRAINT BTfBT CHECK'))),
  CONSTRAINT BTsq_chk_1BT CHECK ((BTbBT > 0))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci COMMENT='PRIMARY KEY (BTaBT)\n  PRIMARY KEY (BTaBT)'`.replaceAll(
  'BT',
  '`',
);

describe('a definition', () => {
  const { counter, nullable, keys, foreignKeys, checks } = parseDefinition(odd);

  it('has its columns', () => {
    expect(counter).toBe('id');
    expect([...nullable]).toEqual(['d', 'id2']);
  });

  it('has its keys, whatever is in their names, expressions and comments', () => {
    const shown = keys.map(({ name, kind, parts }) => [
      name,
      kind,
      parts.map(({ column, prefix }) => `${column}${prefix ? '(n)' : ''}`).join(),
    ]);
    expect(shown).toEqual([
      ['PRIMARY', 'primary', 'id,s(n)'],
      ['odd`)name', 'unique', 'id'],
      ['sp', 'other', 'g'],
      ['fk`(x)', 'other', 'id,b'],
      ['b_1', 'other', 'b'],
      ['e', 'other', ',s(n),b'],
      ['f', 'other', 's,'],
      ['ft', 'fulltext', 's'],
    ]);
  });

  it('has its constraints', () => {
    expect(foreignKeys).toEqual([{ name: 'fk`(x)', columns: ['id', 'b'], references: 'p', referenced: ['a', 'b'] }]);
    expect(checks).toEqual(['ck', 'sq_chk_1']);
    expect(
      parseDefinition('  CONSTRAINT `fo` FOREIGN KEY (`x`) REFERENCES `k`.`depot` (`id`) ON DELETE CASCADE')
        .foreignKeys,
    ).toEqual([{ name: 'fo', columns: ['x'], references: 'depot', referenced: ['id'] }]);
  });

  it.each([
    ['PRIMARY KEY (`a`(3))', true],
    ['UNIQUE KEY `u` (`b`)', true],
    ['UNIQUE KEY `u` (`a`)', false],
    ['UNIQUE KEY `u` (`b`,`a`)', false],
    ['UNIQUE KEY `u` (`b`(10))', false],
    ['UNIQUE KEY `u` (((`b` + 1)))', false],
    ['KEY `u` (`b`)', false],
  ])('with %s, MySQL takes it for one with a primary key: %s', (key, is) => {
    const ddl = [
      'CREATE TABLE `t` (',
      '  `a` varchar(20) DEFAULT NULL,',
      '  `b` varchar(20) NOT NULL,',
      `  ${key}`,
      ')',
    ];
    expect(hasRowKey(parseDefinition(ddl.join('\n')))).toBe(is);
  });
});
