import { fakeMount, sampleTables } from '../support/fakes/world.js';
import { Random } from '../referee/random.js';
import { aimedAt, hitOf, theLock, wilder, type Aimed, type FaultPlan, type Outage } from './faults.js';
import { drawsOf } from './seeds.js';

/** A moment of a run: so many milliseconds after it began, or after a step has begun for the nth time. */
export interface Moment {
  step?: string;
  nth?: number;
  delay: number;
}

/** What somebody does to the migration, at its moment. */
export interface Deed {
  at: Moment;
  /**
   * The name of a message; or `Temporal cancels`, `terminate`, `worker dies`, `workflow is replayed`, `streams end`, `streams stop`,
   * `table is dropped`.
   */
  what: string;
  by?: 'signal' | 'update';
  payload?: unknown;
}

/** What a seed decides, but for the fate of each call: plain JSON. */
export interface Plan {
  seed: number;
  keyspace: 'commerce' | 'customer';
  input: Record<string, unknown>;
  /** The source is mounted beforehand. */
  mounted: boolean;
  /** Tables that are on the target beforehand, empty. */
  there: string[];
  /** The target has a second cell, with a topology server of its own. */
  secondCell: boolean;
  /** Each shard has a replica as well, in the last cell of its cluster. */
  replicas: boolean;
  /** `fenced`: clients write all the time, and every Complete has a fence; `early`: they stop before Complete. */
  writers: 'none' | 'early' | 'fenced';
  /** Events of a history after which Temporal suggests to continue as new. */
  suggestAfter: number;
  deeds: Deed[];
  /** The migration is taken over by it after a termination, so many milliseconds later. */
  takeover: Record<string, unknown>;
  takeoverAfter: number;
  /** What whoever looks after the migration does in the end, when it waits for a person. */
  finally: 'complete' | 'cancel';
  faults: FaultPlan;
  aimed: Aimed[];
  outages: Outage[];
  /** Milliseconds since the beginning in which copies stand still. */
  holds: { from: number; to: number }[];
}

const steps = {
  begin: ['mount', 'preflight', 'create'],
  copy: ['observe', 'vdiff', 'checksum'],
  end: ['prove', 'checksumNow', 'publish', 'fence', 'finish', 'serve', 'retire', 'unpublish', 'cancel'],
  short: ['pause', 'resume', 'leave', 'mayLeave', 'adopt'],
};
const changing = [
  'create',
  'create',
  'finish',
  'cancel',
  'fence',
  'publish',
  'unpublish',
  'leave',
  'retire',
  'serve',
  'adopt',
  'preflight',
  'pause',
  'resume',
  'vdiff',
  'checksum',
];
const allSteps = Object.values(steps).flat();

/** The plan of a seed: the same on every machine. A seed that is kept has no more draws than when it failed. */
export function planOf(seed: number, draws = drawsOf(seed)): Plan {
  const plan = firstDraws(seed);
  if (draws < 2) return plan;
  const random = new Random(`simulation ${seed} second draws`);
  const changed = withOptionChanges(plan, random.fork('option changes'));
  const second = withReplacedRun(withHit(changed, random.fork('hit')), random.fork('replaced run'));
  return draws < 3 ? second : withLanes(second, new Random(`simulation ${seed} third draws`));
}

/** The tables are copied in several lanes, down to one for each table. */
function withLanes(plan: Plan, random: Random): Plan {
  if (random.chance(0.5)) return plan;
  const more = random.chance(0.5) ? [{ configOverrides: { 'vreplication-retry-delay': '7s' } }] : [];
  const changes = more.map((payload): Deed => ({
    at: momentOf(random.fork('at')),
    what: 'updateOptions',
    by: random.pick(['signal', 'update']),
    payload,
  }));
  return { ...plan, input: { ...plan.input, lanes: random.pick([2, 2, 3, 16]) }, deeds: [...plan.deeds, ...changes] };
}

function firstDraws(seed: number): Plan {
  const random = new Random(`simulation ${seed}`);
  const fenced = random.fork('fenced').chance(0.35);
  const input = inputOf(random.fork('input'), fenced);
  const mounted = input['mount'] === undefined || random.fork('mounted').chance(0.3);
  const aimed = aimedAt(random.fork('aimed'), changing);
  const deeds = [...deedsOf(random.fork('deeds'), fenced), ...besides(aimed, random.fork('besides'))];
  const some = random.fork('some');
  return {
    seed,
    keyspace: some.pick(['commerce', 'customer']),
    input,
    mounted,
    there: some.chance(0.25) ? some.some(sampleTables, some.int(1, 2)).sort() : [],
    secondCell: some.chance(0.3),
    replicas: some.chance(0.3),
    writers: some.chance(0.5) ? (fenced ? 'fenced' : 'early') : 'none',
    suggestAfter: some.chance(0.3) ? some.int(30, 300) : 1_000_000,
    deeds,
    takeover: takeoverOf(random.fork('takeover'), fenced),
    takeoverAfter: some.pick([0, 100, 2_000, 15_000]),
    aimed,
    finally: some.chance(0.65) ? 'complete' : 'cancel',
    ...wilder(random.fork('faults')),
    holds: some.chance(0.3) ? [{ from: some.int(0, 1_500), to: some.int(1_500, 15_000) }] : [],
  };
}

function inputOf(random: Random, fenced: boolean): Record<string, unknown> {
  const options = {
    mount: random.chance(0.7) ? fakeMount : undefined,
    complete: random.chance(0.6) ? 'auto' : undefined,
    fenceSource: fenced ? true : undefined,
    sourceTables: random.chance(0.25) ? random.pick(['rename', 'drop']) : undefined,
    sourceTablesAfter: random.chance(0.2) ? random.pick(['1s', '20s']) : undefined,
    autoStart: random.chance(0.1) ? false : undefined,
    stopAfterCopy: random.chance(0.1) ? true : undefined,
    deferSecondaryKeys: random.chance(0.2) ? false : undefined,
    cells: random.chance(0.15) ? ['ext'] : undefined,
    tabletTypes: random.chance(0.1) ? ['PRIMARY'] : undefined,
    exclude: random.chance(0.15) ? ['empty_one'] : undefined,
    vdiffMaxAge: random.chance(0.1) ? '1s' : undefined,
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function deedsOf(random: Random, fenced: boolean): Deed[] {
  const count = random.pick([0, 0, 1, 1, 2, 3, 4, 7]);
  const deeds = Array.from({ length: count }, (_, n) => deedOf(random.fork(n), fenced));
  const again = random.chance(0.15) && deeds[0] !== undefined ? [{ ...deeds[0] }] : [];
  const mishaps: [string, number][] = [
    ['terminate', 0.2],
    ['worker dies', 0.2],
    ['workflow is replayed', 0.3],
    ['Temporal cancels', 0.03],
  ];
  const streams = random.chance(0.15) ? [streamsStop(random.fork('streams'))] : [];
  return [
    ...deeds,
    ...again,
    ...streams,
    ...optionsOf(random.fork('options')),
    ...mishaps.flatMap(([what, chance]): Deed[] => (random.chance(chance) ? [{ at: momentOf(random), what }] : [])),
  ];
}

const optionPayloads = [
  { tabletTypes: ['PRIMARY'] },
  { onDdl: 'EXEC', vdiffMaxAge: '1h' },
  { vdiffTabletTypes: ['PRIMARY'], vdiffStallTimeout: '20s' },
  { cells: ['ext'] },
  { cells: ['nowhere'] },
  { catchUpTimeout: '1s' },
];

function optionsOf(random: Random): Deed[] {
  if (random.chance(0.75)) return [];
  const payload = random.pick(optionPayloads);
  return [{ at: momentOf(random), what: 'updateOptions', by: random.pick(['signal', 'update']), payload }];
}

/**
 * Options are changed when something else is being done or asked for; and when a change is under way, it is hit, or
 * somebody wants something else.
 */
function withOptionChanges(plan: Plan, random: Random): Plan {
  if (random.chance(0.4)) return plan;
  const count = random.pick([1, 1, 1, 2, 3]);
  const changes = Array.from({ length: count }, (_, n) => optionChange(plan, random.fork(n)));
  const hits = random.chance(0.6)
    ? aimedAt(random.fork('aimed'), ['updateOptions', 'updateOptions', 'pause', 'leave'])
    : [];
  const wishes = random.chance(0.5) ? [wishDuringChange(random.fork('wish'))] : [];
  return {
    ...plan,
    deeds: [...plan.deeds, ...changes, ...wishes, ...besides(hits, random.fork('besides'))],
    aimed: [...plan.aimed, ...hits],
  };
}

/** One of the steps with many effects is cut off between two of them. */
function withHit(plan: Plan, random: Random): Plan {
  if (random.chance(0.7)) return plan;
  const step = random.pick(['finish', 'finish', 'finish', 'cancel', 'unpublish', 'retire']);
  const hit = { ...hitOf(random), step, nth: 1, attempt: 1, call: random.int(1, 7), of: 'effects' as const };
  return { ...plan, aimed: [...plan.aimed, hit] };
}

/** A step comes to its lock only after its run has been terminated, and another run has the migration. */
function withReplacedRun(plan: Plan, random: Random): Plan {
  if (random.chance(0.75)) return plan;
  const step = random.pick([
    ...['create', 'pause', 'resume', 'leave', 'updateOptions', 'publish', 'fence'],
    ...['finish', 'finish', 'unpublish', 'retire', 'cancel'],
  ]);
  const ms = 2 * random.int(150, random.pick([400, 2_000]));
  return {
    ...plan,
    deeds: [...plan.deeds, { at: { step, nth: 1, delay: random.int(1, 60) }, what: 'terminate' }],
    takeoverAfter: random.pick([0, 20]),
    aimed: [...plan.aimed, { step, nth: 1, attempt: 1, call: theLock, kind: 'slow', ms }],
  };
}

function optionChange({ deeds }: Plan, random: Random): Deed {
  const others = deeds.filter(({ what }) => what !== 'updateOptions');
  const at = others.length > 0 && random.chance(0.4) ? { ...random.pick(others).at } : busyMoment(random);
  at.delay += random.pick([0, 0, 1, 5, 50, 500]);
  return { at, what: 'updateOptions', by: random.pick(['signal', 'update']), payload: random.pick(optionPayloads) };
}

function busyMoment(random: Random): Moment {
  const step = random.pick([
    ...['vdiff', 'vdiff', 'prove', 'checksumNow', 'watchSource', 'publish', 'fence', 'finish', 'unpublish'],
    ...['pause', 'resume', 'leave', 'mayLeave', 'restart', 'create', 'adopt', 'observe', 'checksum'],
  ]);
  return { step, nth: random.pick([1, 1, 1, 2]), delay: random.int(0, random.pick([5, 60, 400])) };
}

function wishDuringChange(random: Random): Deed {
  const at = { step: 'updateOptions', nth: random.pick([1, 1, 2]), delay: random.int(0, random.pick([5, 60, 3_000])) };
  const what = random.pick(['pause', 'resume', 'cancel', 'complete', 'vdiff', 'leave', 'terminate', 'worker dies']);
  const payload = what === 'leave' ? { payload: { tables: random.some(sampleTables, 1) } } : {};
  return { at, what, by: random.pick(['signal', 'update']), ...payload };
}

const causes = [
  'Lock wait timeout exceeded (errno 1205) (sqlstate HY000)',
  "Duplicate entry '1' for key 'customer.PRIMARY' (errno 1062) (sqlstate 23000)",
  'no healthy tablet available',
  'nobody knows this',
];

function streamsStop(random: Random): Deed {
  const what = random.pick(['streams end', 'streams end', 'streams stop']);
  return { at: momentOf(random), what, payload: what === 'streams end' ? random.pick(causes) : '' };
}

/** While a worker stands still in the middle of a step, somebody turns the migration another way. */
function besides(aimed: readonly Aimed[], random: Random): Deed[] {
  return aimed
    .filter(({ kind }) => kind === 'frozen' && random.chance(0.6))
    .map(({ step, nth }) => ({
      at: { step, nth, delay: random.int(300, 20_000) },
      what: random.pick(['cancel', 'cancel', 'terminate', 'pause', 'complete']),
    }));
}

/** Most of them aim at a step: in skipped time little else takes long. */
function momentOf(random: Random): Moment {
  if (random.chance(0.3)) return { delay: random.int(0, random.pick([300, 3_000, 30_000])) };
  const step = random.chance(0.8)
    ? random.pick(random.pick([steps.begin, steps.copy, steps.end]))
    : random.pick(allSteps);
  const nth = step === 'observe' || step === 'checksum' ? random.int(1, 4) : random.pick([1, 1, 1, 2]);
  return { step, nth, delay: random.int(0, random.pick([5, 60, 1_000])) };
}

function deedOf(random: Random, fenced: boolean): Deed {
  const what = random.pick([
    ...['complete', 'complete', 'complete', 'cancel', 'cancel', 'pause', 'pause', 'resume', 'resume', 'vdiff', 'vdiff'],
    ...['leave', 'leave', 'keepSource', 'retry', 'skip'],
  ]);
  const by = random.pick(['signal', 'update'] as const);
  const payload = payloadOf(what, random, fenced);
  return { at: momentOf(random), what, by, ...(payload === undefined ? {} : { payload }) };
}

function payloadOf(what: string, random: Random, fenced: boolean): unknown {
  if (random.chance(0.06)) return random.pick([{ noOption: 1 }, 17, 'text', { tables: [] }, { force: 'yes' }]);
  if (what === 'leave') return { tables: random.chance(0.1) ? ['nobody'] : random.some(sampleTables, 1) };
  if (what !== 'complete') return undefined;
  const options = {
    fenceSource: fenced && random.chance(0.5) ? true : undefined,
    sourceTables: random.chance(0.2) ? random.pick(['keep', 'rename', 'drop']) : undefined,
    leaveTables: random.chance(0.15) ? random.some(sampleTables, 1) : undefined,
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function takeoverOf(random: Random, fenced: boolean): Record<string, unknown> {
  if (random.chance(0.4)) return { adopt: 'cancel' };
  return {
    adopt: 'complete',
    ...(fenced ? { fenceSource: true } : {}),
    ...(random.chance(0.15) ? { leaveTables: random.some(sampleTables, 1) } : {}),
    ...(random.chance(0.15) ? { sourceTables: random.pick(['rename', 'drop']) } : {}),
  };
}
