import { describe, expect, it } from 'vitest';
import { objection } from '../../referee/reasons.js';
import { scenarioOf } from '../../referee/scenario.js';

const scenario = { ...scenarioOf(1), tables: [] };
const drift = { code: 'SCHEMA_DRIFT', message: 'the definition has changed', place: {}, remedy: 'change it' } as const;

describe('a reason for not completing', () => {
  it('is good when the run has given cause', () => {
    expect(objection(drift, { scenario, ddl: ['add column'] })).toBe('');
  });

  it('is none when it has not', () => {
    expect(objection(drift, { scenario, ddl: [] })).toMatch(/gave no cause for: SCHEMA_DRIFT/);
    expect(objection(drift, { scenario, ddl: ['truncate'] })).toMatch(/gave no cause/);
    expect(objection({ ...drift, code: 'INTERNAL' }, { scenario, ddl: ['add column'] })).toMatch(/gave no cause/);
  });

  it('is none without a message or a remedy', () => {
    expect(objection({ ...drift, message: ' ' }, { scenario, ddl: ['add column'] })).toMatch(/without code or message/);
    expect(objection({ ...drift, remedy: '' }, { scenario, ddl: ['add column'] })).toMatch(/without a remedy/);
  });
});
