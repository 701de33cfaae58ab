import { expect, it } from 'vitest';
import { renderTablePage } from '../../src/cli/output/tables.js';
import { pageOf, tablesPerPage } from '../../src/migration/lifecycle/table-page.js';
import { bytesOf } from '../../src/migration/problem/bounded.js';
import { Bench, planned } from '../support/fakes/many-tables.js';
import { manyNames, manyTablesLook } from '../support/large-migration.js';

it('every table of 10,000 is on one page, and a page is small', () => {
  const names = manyNames(10_000);
  const look = manyTablesLook(names, { fraction: 0.5 });
  const pages = Array.from({ length: 40 }, (_, n) => pageOf(look, n + 1));
  expect(pages.flatMap(({ tables }) => tables.map(({ name }) => name))).toEqual(names);
  expect(Math.max(...pages.map(bytesOf))).toBeLessThan(100_000);
  expect(pageOf(look, 41)).toMatchObject({ page: 41, pages: 40, tables: [] });
  expect(renderTablePage(pageOf(look, 40)).at(-1)).toMatch(/^Page 40 of 40; 5,000 of 10,000 tables done, as of /);
});

it('is read from the record and the clusters, and says so where there is none', async () => {
  const bench = new Bench(300);
  await expect(bench.tablePage(1)).rejects.toMatchObject({ type: 'MIGRATION_NOT_FOUND' });
  await bench.preflight();
  await bench.create();
  const { pages, tables, totals } = await bench.tablePage(2);
  const all = planned(300);
  expect({ pages, tables: totals.tables }).toEqual({ pages: 2, tables: all.length });
  expect(tables).toHaveLength(all.length - tablesPerPage);
});
