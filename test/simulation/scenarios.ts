import type { MigrateResult } from '../../src/migration/lifecycle/result.js';
import { fakeMount } from '../support/fakes/world.js';
import type { Deed, Plan } from './plan.js';
import type { Course } from './run.js';

/** How a migration ends, as far as a scenario decides it. */
export type End =
  { outcome: 'cancelled' } | { outcome: 'completed'; fenced: boolean; sourceTables: string; left: string[] };

/** A course that a migration takes, by itself or by the hand of whoever watches its steps. */
export interface Scenario {
  name: string;
  /** What its plan has besides `uneventful`. */
  plan: Partial<Plan>;
  onStep?: Course['onStep'];
  end: End;
}

/** A migration that meets nothing and nobody. */
export const uneventful: Plan = {
  seed: 0,
  keyspace: 'commerce',
  input: {},
  mounted: false,
  there: [],
  secondCell: false,
  replicas: false,
  writers: 'none',
  suggestAfter: 1_000_000,
  deeds: [],
  takeover: {},
  takeoverAfter: 0,
  finally: 'complete',
  faults: { rate: 0, kinds: [], budget: 0, until: 0, storms: [] },
  aimed: [],
  outages: [],
  holds: [],
};

const leaving = 'order line';
const cancelled: End = { outcome: 'cancelled' };
const completed = { outcome: 'completed', fenced: false, sourceTables: 'keep', left: [] } as const satisfies End;
const leftOne = { ...completed, left: [leaving] };

/** Copies stand still, for longer than any of these migrations takes. */
const copyHolds = [{ from: 0, to: 365 * 86_400_000 }];

/** Watching sees the copy begin the first time, and waits for it to go on the second time. */
const whileCopying = (what: string, payload?: unknown): Deed => ({
  at: { step: 'observe', nth: 2, delay: 0 },
  what,
  ...(payload === undefined ? {} : { payload }),
});

/** Once watching finds that the copy is done. */
const whileReplicating =
  (what: string, payload?: unknown): Course['onStep'] =>
  (simulation, { step }, args) => {
    if (step === 'observe' && (args[2] as { copyingSince: string | null }).copyingSince === null)
      simulation.once({ what, payload });
  };

/** Each course of a migration in which every external call is hit by every fault. */
export const scenarios: Scenario[] = [
  {
    name: 'Complete on an unsharded target',
    plan: { keyspace: 'commerce', input: { mount: fakeMount, complete: 'auto' } },
    end: completed,
  },
  {
    name: 'Complete on a sharded target',
    plan: { keyspace: 'customer', input: { mount: fakeMount, complete: 'auto' } },
    end: completed,
  },
  {
    name: 'Cancel while copying',
    plan: { keyspace: 'customer', mounted: true, holds: copyHolds, deeds: [whileCopying('cancel')] },
    end: cancelled,
  },
  {
    name: 'Cancel while replicating',
    plan: { keyspace: 'commerce', mounted: true },
    onStep: whileReplicating('cancel'),
    end: cancelled,
  },
  {
    name: 'Cancel, with a table that was there before',
    plan: { keyspace: 'commerce', mounted: true, there: [leaving] },
    onStep: whileReplicating('cancel'),
    end: cancelled,
  },
  {
    name: 'Complete with a fence, while clients write',
    plan: {
      keyspace: 'commerce',
      input: { mount: fakeMount, complete: 'auto', fenceSource: true },
      writers: 'fenced',
    },
    // It is to stand for good: otherwise those who write would write where nobody looks any more.
    end: { ...completed, fenced: true },
  },
  {
    name: 'Complete with a fence, dropping the tables of the source',
    plan: {
      keyspace: 'customer',
      input: { mount: fakeMount, complete: 'auto', fenceSource: true, sourceTables: 'drop' },
      writers: 'fenced',
    },
    end: { ...completed, sourceTables: 'drop' },
  },
  {
    name: 'Complete, renaming the tables of the source',
    plan: { keyspace: 'commerce', input: { mount: fakeMount, complete: 'auto', sourceTables: 'rename' } },
    end: { ...completed, sourceTables: 'rename' },
  },
  {
    name: 'A table leaves while copying on a sharded target, Complete',
    plan: {
      keyspace: 'customer',
      input: { complete: 'auto' },
      mounted: true,
      holds: copyHolds,
      deeds: [whileCopying('table is dropped', leaving), whileCopying('leave', { tables: [leaving] })],
    },
    onStep: (simulation, { step }) => {
      if (step !== 'observe' || simulation.times('leave') === 0) return;
      for (const { tablet } of simulation.world.target.shards) tablet.vreplication.copyHolds = false;
    },
    end: leftOne,
  },
  {
    name: 'A table that was there before leaves in Complete',
    plan: { keyspace: 'commerce', mounted: true, there: [leaving] },
    onStep: whileReplicating('complete', { leaveTables: [leaving] }),
    end: leftOne,
  },
  {
    name: 'Complete of three lanes on a sharded target',
    plan: { keyspace: 'customer', input: { mount: fakeMount, complete: 'auto', lanes: 3 } },
    end: completed,
  },
  {
    name: 'Cancel of lanes, with a table that was there before',
    plan: { keyspace: 'commerce', input: { lanes: 2 }, mounted: true, there: [leaving] },
    onStep: whileReplicating('cancel'),
    end: cancelled,
  },
  {
    name: 'The only table of a lane leaves in Complete',
    // More lanes than tables: each table has one.
    plan: { keyspace: 'commerce', input: { lanes: 16 }, mounted: true },
    onStep: whileReplicating('complete', { leaveTables: [leaving] }),
    end: leftOne,
  },
  {
    name: 'Pause while copying, resume, Complete',
    plan: {
      keyspace: 'customer',
      input: { mount: fakeMount, complete: 'auto' },
      deeds: [whileCopying('pause')],
    },
    onStep: (simulation, { step }) => {
      // Watching a second time since: then the migration stands paused.
      if (step === 'observe' && simulation.times('pause') > 0) simulation.once({ what: 'resume' });
    },
    end: completed,
  },
];

/** The end of a result, as a scenario has it. */
export function endOf(result: MigrateResult | undefined): End | { outcome: string | undefined } {
  if (result?.outcome !== 'completed') return { outcome: result?.outcome };
  const { outcome, fenced, sourceTables, left } = result;
  return { outcome, fenced, sourceTables: sourceTables.done, left: [...(left?.names ?? [])] };
}
