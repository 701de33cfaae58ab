import { describe, expect, test } from 'vitest';
import { definitionWithout } from '../../src/migration/sql/definition.js';

const lines = (...text: string[]) => ['CREATE TABLE `t` (', ...text, ") ENGINE=InnoDB COMMENT='a, b'"].join('\n');
const id = "  `id` int NOT NULL COMMENT 'x\\n  CONSTRAINT `y` FOREIGN KEY (z),'";
const key = '  KEY `p` (`p`)';
const foreign = '  CONSTRAINT `a``b` FOREIGN KEY (`p`) REFERENCES `q` (`id`) ON DELETE CASCADE';
const check = '  CONSTRAINT `FOREIGN KEY (` CHECK ((`id` > 0))';

describe('a definition without its foreign keys', () => {
  test.each([
    ['the last one', lines(`${id},`, `${key},`, foreign), lines(`${id},`, key)],
    ['all of them', lines(`${id},`, `${foreign},`, foreign), lines(id)],
    ['before a CHECK', lines(`${id},`, `${foreign},`, check), lines(`${id},`, check)],
    ['none', lines(`${id},`, check), lines(`${id},`, check)],
  ])('%s', (_, ddl, expected) => {
    expect(definitionWithout({ dropForeignKeys: true }, ddl)).toBe(expected);
    expect(definitionWithout({}, ddl)).toBe(ddl);
  });

  test('keeps the partitions that follow', () => {
    const partitions = '\n/*!50100 PARTITION BY HASH (`id`)\nPARTITIONS 4 */';
    expect(definitionWithout({ dropForeignKeys: true }, lines(`${id},`, foreign) + partitions)).toBe(
      lines(id) + partitions,
    );
  });
});

describe('a definition without AUTO_INCREMENT', () => {
  const without = (ddl: string) => definitionWithout({ removeAutoIncrement: true }, ddl);
  const note = "  `note` varchar(9) COMMENT 'an AUTO_INCREMENT'";

  test.each([
    ['at the end', '  `a``b` bigint NOT NULL AUTO_INCREMENT', '  `a``b` bigint NOT NULL'],
    [
      'before what else there is',
      "  `a` int NOT NULL AUTO_INCREMENT /*!80023 INVISIBLE */ COMMENT 'of AUTO_INCREMENT',",
      "  `a` int NOT NULL /*!80023 INVISIBLE */ COMMENT 'of AUTO_INCREMENT',",
    ],
  ])('%s', (_, column, expected) => {
    expect(without(lines(note, column, key))).toBe(lines(note, expected, key));
  });

  test('that has none stays as it is', () => {
    expect(without(lines(note, key))).toBe(lines(note, key));
  });
});
