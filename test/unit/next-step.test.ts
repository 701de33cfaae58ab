import { describe, expect, it } from 'vitest';
import { completeRequestSchema } from '../../src/migration/input/input.js';
import { isSteady, nextStep, readiness } from '../../src/migration/lifecycle/next-step.js';
import { initialState, type Facts, type Intents, type MigrationState } from '../../src/migration/lifecycle/state.js';
import {
  cleanVDiff,
  dirtyVDiff,
  replicating,
  sampleAdoption,
  sampleProblem,
  sampleStream,
} from '../support/workflow/samples.js';

const day = 86_400_000;
const request = completeRequestSchema.parse({});

/** A migration whose copy and VDiff have finished. */
function state(
  facts: Partial<Facts> = {},
  intents: Partial<Intents> = {},
  phase = 'replicating' as const,
): MigrationState {
  const names = { workflow: 'commerce.wf', source: 'ext1.load' };
  const initial = initialState(names, sampleAdoption().settings, '2026-01-02T03:04:05.000Z');
  return {
    facts: { ...initial.facts, copyFinished: true, vdiff: cleanVDiff(), vdiffFinishedAt: 0, ...facts },
    intents: { ...initial.intents, vdiff: false, ...intents },
    progress: { ...initial.progress, phase },
  };
}

const asked = { tables: ['corder'], complete: null, judged: true };

describe('the next step', () => {
  const complete = { state: 'asked' as const, request };
  it.each([
    { step: 'wait', facts: {}, intents: {} },
    { step: 'complete', facts: {}, intents: { complete } },
    { step: 'wait', facts: { vdiff: dirtyVDiff() }, intents: { complete } },
    {
      step: 'complete',
      facts: { vdiff: dirtyVDiff() },
      intents: { complete: { ...complete, request: { ...request, force: true } } },
    },
    { step: 'verify', facts: { vdiffFinishedAt: null }, intents: { complete } },
    { step: 'verify', facts: { vdiffFinishedAt: -day }, intents: { complete } },
    { step: 'verify', facts: {}, intents: { complete, vdiff: true } },
    { step: 'copy', facts: { copyFinished: false }, intents: { complete, vdiff: true } },
    { step: 'resume', facts: { copyFinished: false }, intents: { streams: { want: 'resume' } } },
    { step: 'pause', facts: {}, intents: { complete, streams: { want: 'pause', for: null } } },
    { step: 'hold', facts: { streamsPaused: true }, intents: { streams: { want: 'pause', for: null } } },
    { step: 'leave', facts: {}, intents: { complete, leave: [asked] } },
    { step: 'leave', facts: { copyFinished: false }, intents: { streams: { want: 'resume' }, leave: [asked] } },
    { step: 'pause', facts: {}, intents: { streams: { want: 'pause', for: null }, leave: [asked] } },
    {
      step: 'leave',
      facts: { streamsPaused: true },
      intents: { streams: { want: 'pause', for: null }, leave: [asked] },
    },
    { step: 'cancel', facts: {}, intents: { cancel: true, leave: [asked] } },
    { step: 'verify', facts: { drifted: ['corder'] }, intents: { complete } },
    { step: 'cancel', facts: {}, intents: { cancel: true, complete, streams: { want: 'pause', for: null } } },
  ] as { step: string; facts: Partial<Facts>; intents: Partial<Intents> }[])(
    '$#: $step',
    ({ step, facts, intents }) => {
      const { facts: known, intents: wanted } = state(facts, intents);
      expect(nextStep(known, wanted, 1)).toBe(step);
    },
  );

  it('may be in another run when nothing that was asked for is in the middle of it', () => {
    expect(isSteady('wait', state())).toBe(true);
    expect(isSteady('complete', state({}, { complete }))).toBe(false);
    expect(isSteady('complete', state({}, { complete: { state: 'tried', request } }))).toBe(true);
    expect(isSteady('cancel', state())).toBe(false);
  });
});

describe('a person is needed', () => {
  it('when the VDiff is not clean, unless another one or force was asked for', () => {
    const force = { state: 'asked' as const, request: { ...request, force: true } };
    expect(readiness(state()).needsPerson).toBeNull();
    expect(readiness(state({ vdiff: dirtyVDiff() })).needsPerson).toMatchObject({
      reason: [{ code: 'VDIFF_NOT_CLEAN' }],
    });
    expect(readiness(state({ vdiff: dirtyVDiff() }, { vdiff: true })).needsPerson).toBeNull();
    expect(readiness(state({ vdiff: dirtyVDiff() }, { complete: force })).needsPerson).toBeNull();
  });

  it('when the streams are paused, with the problem where it paused by itself', () => {
    const paused = (reason: typeof sampleProblem | null): MigrationState => {
      const migration = state({}, { streams: { want: 'pause', for: reason } });
      migration.progress.phase = 'paused';
      return migration;
    };
    expect(readiness(paused(null)).needsPerson).toEqual({ reason: [] });
    expect(readiness(paused(sampleProblem)).needsPerson).toEqual({ reason: [sampleProblem] });
  });
});

describe('streams that another program has stopped are started by resume', () => {
  it.each([
    { streams: [{ state: 'Stopped' }, { state: 'Stopped' }], waitingFor: 'resume: the streams are stopped' },
    { streams: [{ state: 'Running' }, { state: 'Stopped' }], waitingFor: 'resume: some streams are stopped' },
    { streams: [{ state: 'Running' }, { state: 'Stopped', message: 'for vdiff' }], waitingFor: 'complete, or cancel' },
  ])('$waitingFor', ({ streams, waitingFor }) => {
    const observation = replicating({ streams: streams.map((stream) => sampleStream(stream)) });
    expect(readiness(state({ observation })).waitingFor).toEqual([waitingFor]);
  });

  it('but not one that has stopped after its copy, as it was told', () => {
    const message = 'Stopped after copy.';
    const observation = replicating({ streams: [sampleStream(), sampleStream({ state: 'Stopped', message })] });
    const migration = state({ observation, copyFinished: false });
    migration.progress.phase = 'copying';
    expect(readiness(migration).waitingFor).toEqual(['the copy to finish']);
  });
});
