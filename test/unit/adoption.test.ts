import { describe, expect, it } from 'vitest';
import { adoptedInput, nextStep, planOfStreams, sourceOfStreams } from '../../src/migration/adopt/adoption.js';
import { adoptInputSchema, migrateInputSchema } from '../../src/migration/input/input.js';
import type { ShardStreams, Stream } from '../../src/migration/watch/stream.js';
import { samplePlan, sampleStreamOptions } from '../support/workflow/samples.js';

const id = { keyspace: 'commerce', workflow: 'wf' };
const target = { sharded: false, cells: ['zone1'], shards: [{ name: '0', keyRange: '' }] };
const row = (changes: Partial<Stream> = {}): Stream => ({
  id: 1,
  workflow: 'wf',
  sourceKeyspace: 'load',
  sourceShard: '0',
  externalCluster: 'ext1',
  state: 'Running',
  message: '',
  position: 'p',
  stopPosition: '',
  matches: ['customer', 'corder'],
  transaction: 0,
  updated: 0,
  heartbeat: 0,
  throttledBy: '',
  ...changes,
});
const shard = (streams: Stream[], changes: Partial<ShardStreams> = {}): ShardStreams => ({
  workflow: 'wf',
  shard: '0',
  tablet: 'zone1-0000000200',
  type: 'Migrate',
  cells: ['ext'],
  options: sampleStreamOptions({
    tabletTypes: ['PRIMARY', 'REPLICA'],
    tabletTypesInPreferenceOrder: false,
    onDdl: 'STOP',
  }),
  streams,
  ...changes,
});
const request = (changes: object = {}) =>
  adoptInputSchema.parse({ adopt: 'complete', source: 'ext1.load', target: 'commerce.wf', ...changes });

describe('the plan of streams that are there', () => {
  it('is the one that might have made them', () => {
    expect(
      planOfStreams(id, target, [shard([row({ sourceShard: '80-' }), row({ sourceShard: '-80' })])], ['other']),
    ).toMatchObject({
      target: { keyspace: 'commerce', workflow: 'wf', ...target },
      source: { mount: 'ext1', keyspace: 'load', cells: ['ext'], shards: [{ name: '-80' }, { name: '80-' }] },
      tables: [{ name: 'corder' }, { name: 'customer' }],
      stream: {
        tabletTypes: ['PRIMARY', 'REPLICA'],
        tabletTypesInPreferenceOrder: false,
        deferSecondaryKeys: true,
        onDdl: 'STOP',
      },
    });
  });

  it("looks in the source's cells where the streams name none", () => {
    expect(planOfStreams(id, target, [shard([row()], { cells: [] })], ['other']).source.cells).toEqual(['other']);
  });

  it('a shard without streams does not matter', () => {
    expect(
      planOfStreams(id, target, [shard([], { type: 'Materialize', cells: [] }), shard([row()])], []).source.cells,
    ).toEqual(['ext']);
  });
});

describe('what is not taken over', () => {
  it.each([
    [
      'another type of workflow',
      [shard([row()], { type: 'MoveTables' })],
      /is a MoveTables workflow of this cluster.*vtctldclient MoveTables/,
    ],
    ['streams from the same cluster', [shard([row({ externalCluster: '' })])], /not a Migrate from an external one/],
    ['several sources', [shard([row(), row({ sourceKeyspace: 'other' })])], /ext1\.load, ext1\.other/],
    ['tables by pattern', [shard([row({ matches: ['/.*/'] })])], /regular expression/],
  ])('%s', (_what, found, says) => {
    expect(() => sourceOfStreams(id, found)).toThrow(says);
  });
});

describe('the input of a migration that is taken over', () => {
  const before = migrateInputSchema.parse({
    source: 'ext1.load',
    target: 'commerce.wf',
    all: true,
    fenceSource: true,
    vdiffMaxAge: '1h',
    sourceTables: 'rename',
  });

  it('is the one it was begun with, with what is said anew', () => {
    expect(adoptedInput(request(), samplePlan(), before)).toEqual(before);
    expect(adoptedInput(request({ fenceSource: false, sourceTables: 'drop' }), samplePlan(), before)).toEqual({
      ...before,
      fenceSource: false,
      sourceTables: 'drop',
    });
  });

  it('is made up from the streams where nobody knows it', () => {
    expect(
      adoptedInput(
        request({ vdiffMaxAge: '2h' }),
        samplePlan({ stream: sampleStreamOptions({ tabletTypes: ['PRIMARY'] }) }),
        undefined,
      ),
    ).toMatchObject({
      source: 'ext1.load',
      target: 'commerce.wf',
      tables: ['corder', 'customer'],
      tabletTypes: ['PRIMARY'],
      vdiffMaxAge: '2h',
      fenceSource: false,
    });
  });
});

describe('where Complete goes on', () => {
  it.each([
    ['every stream is there and has begun', { expected: 2, found: 2, begun: true }, true, true, 'copy'],
    ['every stream is there and none was started', { expected: 2, found: 2, begun: false }, true, true, 'create'],
    [
      'every stream is there, and a person was to start them',
      { expected: 2, found: 2, begun: false },
      false,
      true,
      'copy',
    ],
    ['Create was cut off before all were made', { expected: 2, found: 1, begun: false }, false, true, 'create'],
    ["vtctldclient's, not started", { expected: 1, found: 1, begun: false }, true, false, 'copy'],
  ] as const)('%s', (_what, streams, autoStart, repeatable, next) => {
    expect(nextStep(streams, autoStart, repeatable, {})).toBe(next);
  });

  it.each([
    ['streams that had begun are gone', { expected: 2, found: 1, begun: true }, true],
    ['nobody knows how they were made', { expected: 2, found: 1, begun: false }, false],
  ])('nowhere when %s', (_what, streams, repeatable) => {
    expect(() => nextStep(streams, true, repeatable, {})).toThrow(/1 of 2 streams/);
  });
});
