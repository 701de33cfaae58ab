import { describe, expect, test } from 'vitest';
import { withoutForeignKeys } from '../../src/migration/sql/definition.js';

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
    expect(withoutForeignKeys(ddl)).toBe(expected);
  });

  test('keeps the partitions that follow', () => {
    const partitions = '\n/*!50100 PARTITION BY HASH (`id`)\nPARTITIONS 4 */';
    expect(withoutForeignKeys(lines(`${id},`, foreign) + partitions)).toBe(lines(id) + partitions);
  });
});
