import { describe, expect, it } from 'vitest';
import { isInternalTable, workingTableOf } from '../../src/migration/plan/internal-table.js';
import { tableNames } from '../../src/migration/plan/plan.js';
import type { CheckName } from '../../src/migration/preflight/checks/index.js';
import { ask, planned, said, source } from './preflight/facts.js';

const held = '_vt_hld_6ace8bcef73211ea87e9f875a4d24e90_20200915120410_';

describe('a table that no stream sends', () => {
  it.each([
    held,
    held.replace('hld', 'prg'),
    held.replace('hld', 'vrp'),
    '_4e5dcf80_354b_11eb_82cd_f875a4d24e90_20201203114014_gho',
    '_4e5dcf80_354b_11eb_82cd_f875a4d24e90_20201203114014_vrepl',
    '_customer_old',
    '__old',
  ])('%s', (name) => expect(isInternalTable(name)).toBe(true));

  it.each([
    'customer',
    'customer_old',
    '_customer_new',
    '_customer_gho',
    '_vt_notes',
    held.slice(0, -1),
    `x${held}`,
    '_old',
  ])('not %s', (name) => expect(isInternalTable(name)).toBe(false));
});

it('names the table that a schema change is at work on', () => {
  expect(workingTableOf('_customer_ghc')).toEqual({ table: 'customer', program: 'gh-ost' });
  expect(workingTableOf('__customer_new')).toEqual({ table: 'customer', program: 'pt-online-schema-change' });
  for (const name of ['customer', 'customer_new', '_new', held.replace('hld', 'gho')])
    expect(workingTableOf(name)).toBeUndefined();
});

const about: CheckName[] = ['internal-table', 'internal-tables-left-out', 'working-table', 'no-tables'];
const planOf = (tables: string[], input: Record<string, unknown> = {}) => planned({ ...source({ tables }) }, input);

describe('preflight', () => {
  it('leaves internal tables out of all, and says so', () => {
    const facts = planOf(['customer', held, '_customer_old']);
    expect(tableNames(facts.plan)).toEqual(['customer']);
    expect(said(ask(about, facts))).toEqual([
      `internal-tables-left-out: tables with names of Vitess's internal tables are not moved: ${held}, _customer_old`,
    ]);
    expect(said(ask(about, planOf(['customer', held], { exclude: [held] })))).toEqual([]);
    expect(said(ask(about, planOf([held])))).toContain('no-tables: there is no table to move');
  });

  it('refuses an internal table that is named', () => {
    expect(said(ask(about, planOf(['customer', held], { tables: ['customer', held] })))).toEqual([
      `internal-table: ${held} is the name of an internal table of Vitess, whose rows no stream sends`,
    ]);
  });

  it('warns of a schema change that is at work on a table of the plan, and of no other', () => {
    const tables = ['customer', '_customer_gho', 'product', '_notes_new'];
    const warning = 'working-table: _customer_gho looks like a working table of gh-ost for customer';
    expect(said(ask(about, planOf(tables)))).toEqual([warning]);
    expect(said(ask(about, planOf(tables, { tables: ['customer'] })))).toEqual([warning]);
    expect(said(ask(about, planOf(tables, { tables: ['product', '_notes_new'] })))).toEqual([]);
  });
});
