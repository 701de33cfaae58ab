import { proofReport, type ProofReport, type ProofState } from '../../src/migration/checksum/report.js';
import { TableProof } from '../../src/migration/checksum/table-proof.js';
import type { Plan } from '../../src/migration/plan/plan.js';
import { noPrimaryKey } from '../../src/migration/preflight/checks/no-primary-key.js';
import { bytesInStatus, capped, stamp, type Finding } from '../../src/migration/preflight/finding.js';
import type { Definitions } from '../../src/migration/proof/drift.js';
import { cappedGaps, type Gap } from '../../src/migration/proof/gaps.js';
import { boundedReport, type VDiffReport } from '../../src/migration/proof/vdiff.js';
import {
  inHistory,
  toObservation,
  type Look,
  type Observation,
  type TableObservation,
} from '../../src/migration/watch/observation.js';
import { dirtyVDiff, samplePlan, sampleProblem, sampleStream, sampleTable, vdiffTable } from './workflow/samples.js';

/** Values of a migration of very many tables on four shards, of which nothing is smaller than in a real one. */

export const fourShards = ['-40', '40-80', '80-c0', 'c0-'];

export function manyNames(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `customer_events_of_the_year_${i}`);
}

/** Numbers that do not compress, the same each time (mulberry32). */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

export function manyTablesPlan(names: readonly string[], lanes = 4): Plan {
  const random = numbers(1);
  const shards = fourShards.map((name) => ({ name, keyRange: name }));
  return samplePlan({
    target: { keyspace: 'commerce', workflow: 'wf', sharded: true, cells: ['zone1'], shards },
    source: { mount: 'ext1', keyspace: 'load', cells: ['ext'], shards },
    sameVindexes: true,
    tables: names.map((name, i) => ({
      name,
      rows: random(10_000_000),
      bytes: random(1_000_000_000),
      vindex: { name: 'xxhash', columns: ['customer_id'] },
      ...(i % lanes === 0 ? {} : { lane: (i % lanes) + 1 }),
    })),
    missingTables: Object.fromEntries(fourShards.map((shard) => [shard, [...names]])),
    missingInVSchema: [],
  });
}

/** Of 16 columns each. */
export function manyTablesDefinitions(names: readonly string[]): Definitions {
  const random = numbers(2);
  const types = ['varchar(255) DEFAULT NULL', 'int NOT NULL', 'decimal(10,2) DEFAULT NULL', 'json DEFAULT NULL'];
  const column = () => `  \`col_${random(100)}_${random(100)}\` ${types[random(types.length)] ?? ''},\n`;
  return Object.fromEntries(
    names.map((name) => [
      name,
      `CREATE TABLE \`${name}\` (\n  \`id\` bigint NOT NULL AUTO_INCREMENT,\n  \`customer_id\` bigint NOT NULL,\n` +
        `${Array.from({ length: 14 }, column).join('')}  PRIMARY KEY (\`id\`),\n  KEY \`customer\` (\`customer_id\`)\n` +
        `) ENGINE=InnoDB AUTO_INCREMENT=${random(1_000_000)} DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci`,
    ]),
  );
}

/** @param changed rows of each table that have changed since they were compared */
export function manyTablesProof(names: readonly string[], changed: number): ProofState {
  const random = numbers(3);
  const text = (length: number, of: string) => Array.from({ length }, () => of.charAt(random(of.length))).join('');
  const at = '2026-01-02T03:04:05.000Z';
  return {
    positions: Object.fromEntries(fourShards.map((shard) => [shard, position(shard)])),
    identities: {
      servers: {},
      tables: Object.fromEntries(
        names.map((name) => [name, text(24, 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV')]),
      ),
    },
    tables: Object.fromEntries(
      names.map((name) => [
        name,
        {
          walked: null,
          done: true,
          read: { rows: random(10_000_000), sum: text(20, '0123456789') },
          targetRows: random(10_000_000),
          suspects: [],
          dirty: Array.from({ length: changed }, () => [text(9, '0123456789')]),
          dirtySince: changed === 0 ? null : at,
          differing: [],
          voided: null,
          provenAt: at,
        },
      ]),
    ),
  };
}

function position(shard: string): string {
  const uuid = (n: number) => `3e11fa47-71ca-11e1-9e33-c80aa942${(n + shard.length).toString().padStart(4, '0')}`;
  return `MySQL56/${Array.from({ length: 4 }, (_, n) => `${uuid(n)}:1-123456789`).join(',')}`;
}

/** A look at all tables, copied up to this fraction by as many lanes on each shard. */
export function manyTablesLook(
  names: readonly string[],
  {
    fraction = 1,
    lanes = 4,
    message = '',
    problems = [],
  }: {
    fraction?: number;
    lanes?: number;
    message?: string;
    problems?: Look['problems'];
  } = {},
): Look {
  const copied = Math.floor(fraction * names.length);
  const phaseOf = (i: number): TableObservation['phase'] =>
    i < copied ? 'copied' : i < copied + lanes ? 'copying' : 'waiting';
  const size = { rows: '1234567', rowsTotal: '2345678', bytes: '123456789', bytesTotal: '234567890' };
  return {
    at: '2026-01-02T03:04:05.000Z',
    copyFinished: copied === names.length,
    remainingSeconds: null,
    problems,
    tables: names.map((name, i) => sampleTable({ name, phase: phaseOf(i), ...size })),
    streams: fourShards.flatMap((shard) =>
      Array.from({ length: lanes }, (_, lane) =>
        sampleStream({
          shard,
          id: lane + 1,
          state: copied === names.length ? 'Running' : 'Copying',
          message,
          sourceShard: shard,
          copying: names.filter((_name, i) => i >= copied && i % lanes === lane),
          position: position(shard),
          ...(lane === 0 ? {} : { lane: `wf-lane${lane + 1}` }),
        }),
      ),
    ),
  };
}

/** The look as an observation. @param inTrouble whether every stream has an error */
export function manyTables(
  names: readonly string[],
  { fraction = 1, lanes = 4, inTrouble = false }: { fraction?: number; lanes?: number; inTrouble?: boolean },
  detail = inHistory,
): Observation {
  const message = inTrouble ? `vttablet: rpc error: code = Unknown desc = ${'connection refused '.repeat(20)}` : '';
  const look = manyTablesLook(names, { fraction, lanes, message });
  const problems = look.streams.map(({ id, shard, tablet }) => ({
    ...sampleProblem,
    message: `stream ${id}: ${message}`,
    place: { cluster: 'target', keyspace: 'commerce', shard, tablet },
    remedy: 'the tablets of the source cannot be reached: Vitess tries again by itself, and goes on from where it was',
  }));
  return toObservation({ ...look, problems: inTrouble ? problems : [] }, detail);
}

/** What preflight says of so many tables at most. */
export function manyFindings(names: readonly string[]): Finding[] {
  const found = names.map((table) =>
    stamp(noPrimaryKey, {
      message: `table ${table} has no primary key, and each change of a row reads all of the table on the target`,
      place: { cluster: 'ext1', keyspace: 'load', table },
      remedy: 'add a primary key in the source, or accept that it is slow',
    }),
  );
  return capped(found, bytesInStatus);
}

/** What Complete lacks when the definitions of all tables have changed. */
export function manyGaps(names: readonly string[]): Gap[] {
  const gaps = names.map((table) => ({
    code: 'SCHEMA_DRIFT' as const,
    message: `the definition has changed in the source since Create (- then, + now):\n${'- a\n+ b\n'.repeat(250)}`,
    place: { cluster: 'ext1', keyspace: 'load', table },
    remedy: "make the same change on the target's table, or cancel and create again",
  }));
  return cappedGaps(gaps);
}

/** A VDiff that has found differences in every table. */
export function manyTablesVDiff(names: readonly string[], mostTables: number): VDiffReport {
  const row = (fill: string) => ({ id: '1', a: fill.repeat(128) });
  const samples = Array.from({ length: 3 }, () => ({
    kind: 'mismatch' as const,
    shard: '-40',
    source: row('x'),
    target: row('y'),
  }));
  const report = dirtyVDiff({
    totals: { tables: names.length, differing: names.length, mismatched: '1', extraSource: '0', extraTarget: '0' },
    tables: names.map((name) => vdiffTable({ name, mismatched: '1', samples })),
  });
  return boundedReport(report, mostTables);
}

/** The proof when every other table differs, in rows with long keys. */
export function manyTablesReport(names: readonly string[]): ProofReport {
  const positions = Object.fromEntries(fourShards.map((shard) => [shard, position(shard)]));
  const tracked = names.map((name, i) => {
    const proof = new TableProof();
    if (i % 2 === 0)
      proof.differ(
        Array.from({ length: 10 }, (_, n) => [`${n}${'k'.repeat(200)}`]),
        '2026',
      );
    else proof.walkTo(null, { rows: 1_234_567, sum: '12345678901234567890' }, 1_234_567);
    return { name, proof, key: [{ name: 'id', form: 'text' }], floats: false };
  });
  const unprovable = names.map((table) => ({ table, reason: 'no column of it identifies a row'.repeat(20) }));
  return proofReport({ at: '2026-01-02T03:04:05.000Z', positions, held: null, slowed: null }, tracked, unprovable);
}
