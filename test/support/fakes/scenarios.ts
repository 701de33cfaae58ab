import { fakeMount, sampleTables, type World } from './world.js';
import type { FaultRun, Scenario } from './fault-bench.js';

const sourceTablesOf = ({ world }: FaultRun) => [...world.sourceMysql.tables.keys()].sort();
const expecting = (what: string, is: unknown, wanted: unknown) =>
  JSON.stringify(is) === JSON.stringify(wanted)
    ? []
    : [`${what}: ${JSON.stringify(is)} instead of ${JSON.stringify(wanted)}`];

const leaving = 'order line';

/** What is still there of the table that left; of its rows nothing is promised any more. */
function leftBehind(run: FaultRun): string[] {
  const { target, acknowledged } = run.world;
  acknowledged.delete(leaving);
  const shards = target.shardsOf(run.scenario.keyspace);
  const made = run.scenario.keyspace === 'customer' && shards.some(({ tablet }) => tablet.mysql.tables.has(leaving));
  const denied = shards.some(({ tablet }) => tablet.denied.includes(leaving));
  return [...(made ? [`${leaving} is still there`] : []), ...(denied ? [`${leaving} is still denied`] : [])];
}

/** The target has the table already, empty. */
function withTableThere(world: World): void {
  world.mount();
  world.mysqlOf(world.target, 'commerce', '0').createTable(world.sourceMysql.table(leaving).ddl);
}

/** Rows of the table that was there before. */
const rowsLeft = ({ world }: FaultRun) =>
  expecting('rows left', world.mysqlOf(world.target, 'commerce', '0').table(leaving).rows.size, 0);

/** Watching after the copy. */
const isReplicating = (step: string, args: readonly unknown[]) =>
  step === 'observe' && (args[2] as { copyingSince: string | null }).copyingSince === null;

/** Every course of a migration that the tests of effects take. */
export const scenarios: Scenario[] = [
  {
    name: 'Complete on an unsharded target',
    keyspace: 'commerce',
    input: { mount: fakeMount, complete: 'auto' },
    end: 'completed',
  },
  {
    name: 'Complete on a sharded target',
    keyspace: 'customer',
    input: { mount: fakeMount, complete: 'auto' },
    end: 'completed',
  },
  {
    name: 'Cancel while copying',
    keyspace: 'customer',
    input: {},
    end: 'cancelled',
    prepare: (world) => {
      world.mount();
      for (const { tablet } of world.target.shards) tablet.vreplication.copyHolds = true;
    },
    // The first time watching sees the copy begin; the second time it waits for it to go on.
    onStep: (run, step) => {
      if (step === 'observe' && run.times('observe') === 2) run.signal('cancel');
    },
  },
  {
    name: 'Cancel while replicating',
    keyspace: 'commerce',
    input: {},
    end: 'cancelled',
    prepare: (world) => world.mount(),
    onStep: (run, step, args) => {
      if (isReplicating(step, args)) run.signal('cancel');
    },
  },
  {
    name: 'Cancel, with a table that was there before',
    keyspace: 'commerce',
    input: {},
    end: 'cancelled',
    prepare: withTableThere,
    onStep: (run, step, args) => {
      if (isReplicating(step, args)) run.signal('cancel');
    },
    check: rowsLeft,
  },
  {
    name: 'Complete with a fence, while clients write',
    keyspace: 'commerce',
    input: { mount: fakeMount, complete: 'auto', fenceSource: true },
    end: 'completed',
    writers: true,
    // The fence is to stand for good: otherwise those who write would write where nobody looks any more.
    changes: /^source (load\/0 |.*\/load\/shards\/0\/Shard$)/,
    check: (run) => [
      ...expecting(
        'denied in the source',
        run.world.source.shards.flatMap(({ tablet }) => tablet.denied).sort(),
        sampleTables,
      ),
      ...expecting('tables of the source', sourceTablesOf(run), sampleTables),
    ],
  },
  {
    name: 'Complete with a fence, dropping the tables of the source',
    keyspace: 'customer',
    input: { mount: fakeMount, complete: 'auto', fenceSource: true, sourceTables: 'drop' },
    end: 'completed',
    writers: true,
    changes: /^source load\/0 tables$/,
    check: (run) => expecting('tables of the source', sourceTablesOf(run), []),
  },
  {
    name: 'Complete, renaming the tables of the source',
    keyspace: 'commerce',
    input: { mount: fakeMount, complete: 'auto', sourceTables: 'rename' },
    end: 'completed',
    changes: /^source load\/0 tables$/,
    check: (run) =>
      expecting('tables of the source', sourceTablesOf(run), sampleTables.map((table) => `_${table}_old`).sort()),
  },
  {
    name: 'A table leaves while copying on a sharded target, Complete',
    keyspace: 'customer',
    input: { complete: 'auto' },
    end: 'completed',
    prepare: (world) => {
      world.mount();
      for (const { tablet } of world.target.shards) tablet.vreplication.copyHolds = true;
    },
    changes: /^source load\/0 tables$/,
    onStep: (run, step) => {
      if (step === 'observe' && run.times('observe') === 2) {
        run.world.sourceMysql.dropTable(leaving);
        run.signal('leave', { tables: [leaving] });
      }
      if (step !== 'observe' || run.times('leave') === 0) return;
      for (const { tablet } of run.world.target.shards) tablet.vreplication.copyHolds = false;
    },
    check: leftBehind,
  },
  {
    name: 'A table that was there before leaves in Complete',
    keyspace: 'commerce',
    input: {},
    end: 'completed',
    prepare: withTableThere,
    onStep: (run, step, args) => {
      if (isReplicating(step, args)) run.signal('complete', { leaveTables: [leaving] });
    },
    check: (run) => [...leftBehind(run), ...rowsLeft(run)],
  },
  {
    name: 'Complete of three lanes on a sharded target',
    keyspace: 'customer',
    input: { mount: fakeMount, complete: 'auto', lanes: 3 },
    end: 'completed',
  },
  {
    name: 'Cancel of lanes, with a table that was there before',
    keyspace: 'commerce',
    input: { lanes: 2 },
    end: 'cancelled',
    prepare: withTableThere,
    onStep: (run, step, args) => {
      if (isReplicating(step, args)) run.signal('cancel');
    },
    check: rowsLeft,
  },
  {
    name: 'The only table of a lane leaves in Complete',
    keyspace: 'commerce',
    // More lanes than tables: each table has one.
    input: { lanes: 16 },
    end: 'completed',
    prepare: (world) => world.mount(),
    onStep: (run, step, args) => {
      if (isReplicating(step, args)) run.signal('complete', { leaveTables: [leaving] });
    },
    check: leftBehind,
  },
  {
    name: 'Pause while copying, resume, Complete',
    keyspace: 'customer',
    input: { mount: fakeMount, complete: 'auto' },
    end: 'completed',
    onStep: (run, step) => {
      if (step === 'observe' && run.times('observe') === 2) run.signal('pause');
      // Watching a second time since: then the migration stands paused.
      if (step === 'observe' && run.times('pause') > 0) run.signal('resume');
    },
  },
];
