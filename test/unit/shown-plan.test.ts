import { expect, it } from 'vitest';
import { renderPlan } from '../../src/cli/output/plan.js';
import { shownPlan, totalsOfPlan } from '../../src/migration/plan/shown-plan.js';
import { bytesOf } from '../../src/migration/problem/bounded.js';
import { manyNames, manyTablesPlan } from '../support/large-migration.js';
import { samplePlan } from '../support/workflow/samples.js';

it('a dry run of few tables shows them all', () => {
  const plan = samplePlan();
  expect(shownPlan(plan)).toBe(plan);
  expect(shownPlan(manyTablesPlan(manyNames(500))).tables).toHaveLength(500);
});

it.each([10_000, 100_000])('a dry run of %i tables on 4 shards shows the first ones, and counts all', (tables) => {
  const plan = manyTablesPlan(manyNames(tables));
  const shown = shownPlan(plan);
  expect(bytesOf(shown)).toBeLessThan(200_000);
  expect(bytesOf(shown)).toBeGreaterThan(150_000);
  expect(Object.values(shown.missingTables).map((names) => names.length)).toEqual(
    Array.from({ length: 4 }, () => shown.tables.length),
  );
  const details = { ddl: {}, topologyWrites: [], totals: totalsOfPlan(plan) };
  const lines = renderPlan({ ...{ outcome: 'planned', workflow: '', source: '' }, plan: shown, findings: [], details });
  expect(lines.find((line) => line.includes(' rows, '))).toContain(`${tables.toLocaleString('en')} tables`);
  expect(lines.join('\n')).toContain('which are left out below, too');
});
