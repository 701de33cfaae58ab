import { describe, expect, it } from 'vitest';
import { withObservation, type Status } from '../../src/migration/lifecycle/status.js';
import { noTotals } from '../../src/migration/watch/observation.js';
import { describeStatus } from '../../src/workflows/ui-summary.js';
import {
  cleanVDiff,
  copying,
  dirtyVDiff,
  replicating,
  sampleGap,
  sampleProblem,
  sampleTable,
} from '../support/workflow/samples.js';

const bare: Status = {
  workflow: 'commerce.wf',
  source: 'ext1.load',
  phase: 'copying',
  since: '2026-01-02T03:04:05.000Z',
  observedAt: null,
  copiedPercent: 0,
  remainingSeconds: null,
  lagSeconds: null,
  streams: [],
  unlisted: { streams: 0, problems: 0 },
  totals: noTotals,
  tables: [],
  vdiff: null,
  vdiffsFinished: 0,
  tableNames: { count: 0, names: [] },
  refusal: null,
  restarts: null,
  serving: false,
  requested: [],
  waitingFor: [],
  needsPerson: null,
  createDone: true,
  served: false,
  proof: null,
  repair: null,
  creating: null,
  missing: [],
  overridden: [],
  cutover: null,
  left: { count: 0, names: [] },
  lastError: null,
  problems: [],
  warnings: [],
  findings: [],
  pastNoReturn: false,
  retireAt: null,
};

describe('the details the Temporal UI shows', () => {
  it('begin with the phase, and say no more than is known', () => {
    expect(describeStatus(bare)).toBe('### copying\n\next1.load → commerce.wf');
  });

  it('show progress, lag, what is waited for, and the tables', () => {
    const shown = describeStatus({ ...withObservation(bare, copying(0.5)), waitingFor: ['the copy to finish'] });
    expect(shown).toContain('50 % copied (as of 2026-01-02T03:04:05.000Z)');
    expect(shown).toContain('**Waiting for** the copy to finish');
    expect(shown).toContain('- corder: copying, 50 %\n- customer: copying, 50 %');
    expect(describeStatus(withObservation(bare, replicating()))).toContain('100 % copied, lag 0 s');
  });

  it.each([
    { vdiff: cleanVDiff(), line: /^Last VDiff: clean, 100 rows compared$/m },
    { vdiff: dirtyVDiff(), line: /^Last VDiff: completed, \*\*not clean\*\*, 100 rows compared$/m },
  ])('show the last VDiff: $line', ({ vdiff, line }) => {
    expect(describeStatus({ ...bare, vdiff })).toMatch(line);
  });

  it('show what is wrong, each with its next step', () => {
    const lastError = { ...sampleProblem, message: 'vtgate does not answer', remedy: 'start it' };
    expect(describeStatus({ ...bare, lastError, problems: [sampleProblem] })).toMatch(
      /Problems.*\n- vtgate does not answer \(.*\): start it\n- stream 1: connection refused \(.*\): wait/,
    );
  });

  it('show what Complete still lacks, while it waits for that', () => {
    const lacking: Status = { ...bare, phase: 'replicating', missing: [sampleGap] };
    expect(describeStatus(lacking)).toContain(`**Complete still lacks**\n- ${sampleGap.message}`);
    expect(describeStatus({ ...lacking, phase: 'cancelled' })).not.toContain('lacks');
  });

  it('show the tables that were observed, and count the others', () => {
    const tables = Array.from({ length: 20 }, (_, i) => sampleTable({ name: `t${i}` }));
    const shown = describeStatus({ ...bare, tables, totals: { ...noTotals, tables: 23 } });
    expect(shown).toMatch(/- t19: copied, 100 %\n- and 3 more$/);
  });
});
