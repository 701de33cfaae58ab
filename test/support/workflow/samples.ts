import type { ProofReport } from '../../../src/migration/checksum/report.js';
import type { Survey } from '../../../src/migration/audit/survey.js';
import type { StreamProblem } from '../../../src/migration/watch/diagnosis.js';
import {
  inHistory,
  toObservation,
  type Look,
  type Observation,
  type StreamLook,
  type TableObservation,
} from '../../../src/migration/watch/observation.js';
import { settingsOf, type Adoption } from '../../../src/migration/adopt/adoption.js';
import { migrateInputSchema } from '../../../src/migration/input/input.js';
import { nameList } from '../../../src/migration/plan/reference.js';
import type { StreamOptions } from '../../../src/migration/input/stream-options.js';
import { tableNames, type Plan } from '../../../src/migration/plan/plan.js';
import type { VDiffReport, VDiffTable } from '../../../src/migration/proof/vdiff.js';
import type { Rehearsal } from '../../../src/migration/proof/cutover.js';
import type { Gap } from '../../../src/migration/proof/gaps.js';

/** Values of the data types of src/migration, each valid by itself; tests say what differs. */

export function samplePlan(changes: Partial<Plan> = {}): Plan {
  return {
    target: {
      keyspace: 'commerce',
      workflow: 'wf',
      sharded: false,
      cells: ['zone1'],
      shards: [{ name: '0', keyRange: '' }],
    },
    source: { mount: 'ext1', keyspace: 'load', cells: ['ext'], shards: [{ name: '0', keyRange: '' }] },
    sameVindexes: false,
    tables: [
      { name: 'corder', rows: 100, bytes: 3_000 },
      { name: 'customer', rows: 50, bytes: 1_000 },
    ],
    missingTables: { '0': ['corder', 'customer'] },
    missingInVSchema: ['corder', 'customer'],
    stream: sampleStreamOptions(),
    ...changes,
  };
}

export function sampleStreamOptions(changes: Partial<StreamOptions> = {}): StreamOptions {
  return {
    tabletTypes: ['REPLICA', 'PRIMARY'],
    tabletTypesInPreferenceOrder: true,
    autoStart: true,
    stopAfterCopy: false,
    deferSecondaryKeys: true,
    onDdl: 'IGNORE',
    configOverrides: {},
    ...changes,
  };
}

export function sampleStream(changes: Partial<StreamLook> = {}): StreamLook {
  return {
    shard: '0',
    tablet: 'zone1-0000000200',
    id: 1,
    sourceShard: '0',
    state: 'Running',
    message: '',
    position: 'MySQL56/a:1-9',
    copying: [],
    lagSeconds: 0,
    throttledBy: '',
    ...changes,
  };
}

export function sampleTable(changes: Partial<TableObservation> = {}): TableObservation {
  return {
    name: 'corder',
    phase: 'copied',
    rows: '100',
    rowsTotal: '100',
    bytes: '3000',
    bytesTotal: '3000',
    ...changes,
  };
}

/** Both tables copied, the stream running. */
export function replicating(changes: Partial<Look> = {}): Observation {
  return toObservation(replicatingLook(changes), inHistory);
}

/** Every table copied up to this fraction. */
export function copying(fraction: number): Observation {
  return toObservation(copyingLook(fraction), inHistory);
}

export function replicatingLook(changes: Partial<Look> = {}): Look {
  const tables = [
    sampleTable(),
    sampleTable({ name: 'customer', rows: '50', rowsTotal: '50', bytes: '1000', bytesTotal: '1000' }),
  ];
  return {
    at: '2026-01-02T03:04:05.000Z',
    copyFinished: true,
    streams: [sampleStream()],
    tables,
    remainingSeconds: 0,
    problems: [],
    ...changes,
  };
}

export function copyingLook(fraction: number): Look {
  const done = replicatingLook();
  const tables = done.tables.map((table): TableObservation => ({
    ...table,
    phase: 'copying',
    rows: String(Math.floor(Number(table.rowsTotal) * fraction)),
  }));
  return {
    ...done,
    copyFinished: false,
    streams: [sampleStream({ state: 'Copying', copying: ['corder', 'customer'], lagSeconds: null })],
    tables,
    remainingSeconds: null,
  };
}

export function vdiffTable(changes: Partial<VDiffTable> = {}): VDiffTable {
  return {
    name: 'corder',
    state: 'completed',
    rowsCompared: '100',
    mismatched: '0',
    extraSource: '0',
    extraTarget: '0',
    samples: [],
    ...changes,
  };
}

export function cleanVDiff(changes: Partial<VDiffReport> = {}): VDiffReport {
  return {
    uuid: 'u',
    state: 'completed',
    rowsCompared: '100',
    totals: { tables: 1, differing: 0, mismatched: '0', extraSource: '0', extraTarget: '0' },
    tables: [vdiffTable()],
    errors: {},
    completedAt: '2026-01-02T03:04:05.000Z',
    ...changes,
  };
}

export function dirtyVDiff(changes: Partial<VDiffReport> = {}): VDiffReport {
  return cleanVDiff({
    totals: { tables: 1, differing: 1, mismatched: '2', extraSource: '1', extraTarget: '0' },
    tables: [vdiffTable({ mismatched: '2', extraSource: '1' })],
    ...changes,
  });
}

export function failedVDiff(state: 'error' | 'stopped' | 'stalled' = 'error'): VDiffReport {
  return cleanVDiff({ state, tables: [], errors: { '0': 'it broke' }, completedAt: null });
}

export const sampleProblem: StreamProblem = {
  code: 'STREAM_IN_TROUBLE',
  kind: 'source-unreachable',
  message: 'stream 1: connection refused',
  place: { cluster: 'target', keyspace: 'commerce', shard: '0' },
  remedy: 'wait',
};
export const sampleGap: Gap = {
  code: 'NOT_CAUGHT_UP',
  message: 'stream 1 is behind',
  place: { shard: '0' },
  remedy: 'wait',
};

/** A migration of both tables that has been adopted and is watched on. */
export function sampleAdoption(changes: Partial<Adoption> = {}): Adoption {
  const input = migrateInputSchema.parse({ source: 'ext1.load', target: 'commerce.wf', all: true });
  return { settings: settingsOf(input), tables: nameList(tableNames(samplePlan())), next: 'copy', ...changes };
}

/** A keyspace in which nothing was left. */
export function sampleSurvey(changes: Partial<Survey> = {}): Survey {
  return {
    keyspace: 'commerce',
    at: '2026-01-02T03:04:05.000Z',
    journals: [],
    streams: [],
    readers: [],
    denied: [],
    copyStates: [],
    vdiffs: [],
    locks: [],
    fences: [],
    tables: [],
    unread: [],
    ...changes,
  };
}

/** A proof of both tables of the plan. */
/** Milliseconds. */
export function sampleRehearsal(changes: Partial<Rehearsal> = {}): Rehearsal {
  return {
    sourceTopology: 2,
    targetTopology: 1,
    look: 6,
    catchUp: 10,
    definitions: 8,
    logs: 5,
    openTransactions: 0,
    took: 230,
    ...changes,
  };
}

export function sampleProof(changes: Partial<ProofReport> = {}): ProofReport {
  const at = '2026-01-02T03:04:05.000Z';
  return {
    at,
    positions: { '0': 'MySQL56/00000000-0000-0000-0000-000000000001:1-100' },
    tables: 2,
    proven: 2,
    rows: 10,
    changing: 0,
    oldest: at,
    differing: [],
    voided: [],
    unprovable: [],
    held: null,
    tablesProven: [
      { table: 'corder', rows: 5, checksum: '17', at },
      { table: 'customer', rows: 5, checksum: '18', at },
    ],
    ...changes,
  };
}
