import { expect, it } from 'vitest';
import { withPending } from '../../src/migration/lifecycle/live.js';
import { initialState } from '../../src/migration/lifecycle/state.js';
import { statusOf, type Status } from '../../src/migration/lifecycle/status.js';
import { nameList } from '../../src/migration/plan/reference.js';
import { bytesOf } from '../../src/migration/problem/bounded.js';
import { vdiffTablesInHeartbeat, vdiffTablesInHistory } from '../../src/migration/proof/vdiff.js';
import { inHeartbeat, inHistory } from '../../src/migration/watch/observation.js';
import {
  manyFindings,
  manyGaps,
  manyNames,
  manyTables,
  manyTablesReport,
  manyTablesVDiff,
} from '../support/large-migration.js';

/** The status of a migration of which everything is wrong that can be, from its workflow and with its heartbeats. */
function statusesOf(tables: number): Record<'recorded' | 'live', Status> {
  const names = manyNames(tables);
  const state = initialState({ workflow: 'commerce.wf', source: 'ext1.load' }, null, '2026-01-02T03:04:05.000Z');
  const proof = manyTablesReport(names);
  Object.assign(state.progress, { phase: 'verifying', reached: 'created' });
  Object.assign(state.facts, {
    tables: nameList(names),
    left: nameList(names),
    findings: manyFindings(names),
    observation: manyTables(names, { fraction: 0.5, lanes: 8, inTrouble: true }, inHistory),
    vdiff: manyTablesVDiff(names, vdiffTablesInHistory),
    proof,
    missing: manyGaps(names),
  });
  const recorded = statusOf(state);
  const observation = { ...manyTables(names, { fraction: 0.5, lanes: 8, inTrouble: true }, inHeartbeat), at: '2027' };
  const vdiff = manyTablesVDiff(names, vdiffTablesInHeartbeat);
  return {
    recorded,
    live: withPending(recorded, { creating: null, observation, vdiff, proof, turns: [], retries: [] }),
  };
}

it.each(['recorded', 'live'] as const)('the %s status of 10,000 tables on 4 shards has less than 100 KB', (which) => {
  const status = statusesOf(10_000)[which];
  const sizes = Object.entries(status).map(([field, value]) => [field, bytesOf(value)] as const);
  const large = sizes.filter(([, bytes]) => bytes > 1_000).map(([field, bytes]) => `${field} ${bytes}`);
  expect(bytesOf(status), large.join(', ')).toBeLessThan(100_000);
  expect(status.totals.tables).toBe(10_000);
  expect(status.unlisted.streams).toBe(32 - status.streams.length);
});

it('the status of more tables is not larger', () => {
  const [few, many] = [statusesOf(1_000), statusesOf(20_000)];
  for (const which of ['recorded', 'live'] as const)
    expect(bytesOf(many[which])).toBeLessThan(bytesOf(few[which]) * 1.05);
});
