import type { ProofState } from '../../src/migration/checksum/report.js';
import type { Plan } from '../../src/migration/plan/plan.js';
import type { Definitions } from '../../src/migration/proof/drift.js';
import type { Look, TableObservation } from '../../src/migration/watch/observation.js';
import { samplePlan, sampleStream, sampleTable } from './workflow/samples.js';

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

/** Bytes of a value as Temporal stores it. */
export function bytesIn(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
