import { Random } from '../referee/random.js';

/**
 * What may happen to a call. `slow`: the answer comes late, and in time; `frozen`: the worker of this attempt stands still
 * after the call, for longer than its locks and its heartbeats last, and then goes on; `clock jumps`.
 */
const kinds = [
  ...['dies before', 'dies after', 'fails before', 'answer lost', 'time runs out'],
  ...['slow', 'frozen', 'clock jumps'],
] as const;
export type Kind = (typeof kinds)[number];

/** How often calls are hit. */
export interface FaultPlan {
  rate: number;
  kinds: Kind[];
  /** As many at most, and none after so many milliseconds: every run can end. */
  budget: number;
  until: number;
  /** Milliseconds since the beginning in which every second or third call is hit, of all that are in flight. */
  storms: { from: number; to: number }[];
}

/** In the place of a call's number: the first lock that an attempt asks for. */
export const theLock = 0;

/** A fault that hits one call of an attempt. */
export interface Aimed {
  step: string;
  nth: number;
  attempt: number;
  /** Its number, from 1, or `theLock`. */
  call: number;
  /** Which calls are counted: all of them, those that may change something (the default), or those that do. */
  of?: 'calls' | 'changes' | 'effects';
  kind: Kind;
  ms: number;
}

/** A server that is away for a while. */
export interface Outage {
  /** The beginning of its calls in words (`etcd target`, `tablet 200`, `vtgate`), or all that is below `/vitess/<cell>`. */
  server: string;
  from: number;
  to: number;
  /** It does not refuse, but says nothing. */
  silent: boolean;
}

const servers = [
  ...['etcd target', 'etcd ext1', 'tablet 100', 'tablet 200', 'tablet 201', 'tablet 202', 'vtgate'],
  ...['tablet 300', 'tablet 301', 'tablet 302', '/vitess/zone1', '/vitess/zone2', '/vitess/zone2', '/vitess/ext'],
];

/** Whether a call, in words, is one to a server. */
export function isTo(server: string, what: string): boolean {
  return what.startsWith(`${server} `) || (server.startsWith('/') && what.includes(` ${server}/`));
}

/** What goes wrong of itself. */
export function wilder(random: Random): { faults: FaultPlan; outages: Outage[] } {
  const rate = random.pick([0, 0.002, 0.005, 0.01, 0.02, 0.05, 0.2]);
  const outages = Array.from({ length: random.pick([0, 0, 0, 1, 1, 2, 3]) }, () => {
    const from = random.int(0, random.pick([2_000, 10_000, 30_000]));
    const length = random.int(20, random.pick([500, 5_000, 60_000]));
    return { server: random.pick(servers), from, to: from + length, silent: random.chance(0.3) };
  });
  const storms = Array.from({ length: random.pick([0, 0, 0, 1, 1, 2]) }, () => {
    const from = random.int(0, 15_000);
    return { from, to: from + random.int(20, random.pick([100, 1_000, 5_000])) };
  });
  return {
    faults: {
      rate,
      kinds: random.some(kinds, random.int(1, kinds.length)),
      budget: random.pick([1, 2, 3, 8, 20, 60]),
      until: random.int(5_000, 60_000),
      storms,
    },
    outages,
  };
}

const inStorm = 0.4;

/** What happens to one call. */
export interface Fate {
  /** Milliseconds on the way there. */
  latency: number;
  kind: Kind | undefined;
  /** Milliseconds: how long it is slow or frozen, or how far its clock jumps. */
  ms: number;
}

/**
 * The fate of a call, by what the call is: its run of the workflow, step, attempt, and which one of its kind it is. It
 * does not matter for it what other calls there have been.
 */
export function fateOf(
  seed: number,
  call: string,
  { rate: usual, kinds: possible, storms }: FaultPlan,
  at: number,
): Fate {
  const rate = storms.some(({ from, to }) => from <= at && at < to) ? inStorm : usual;
  const random = new Random(`simulation ${seed} ${call}`);
  const latency = random.int(0, 4);
  if (!random.chance(rate)) return { latency, kind: undefined, ms: 0 };
  const kind = random.pick(possible);
  return { latency, kind, ms: howLong(kind, random) };
}

/** Aimed at steps that change something. The worker of each second one stands still: it must do no harm afterwards. */
export function aimedAt(random: Random, steps: readonly string[]): Aimed[] {
  return Array.from({ length: random.pick([0, 0, 1, 1, 2, 3]) }, () => {
    const kind = random.chance(0.5) ? 'frozen' : random.pick(kinds);
    return {
      step: random.pick(steps),
      nth: random.pick([1, 1, 1, 2]),
      attempt: random.pick([1, 1, 1, 2]),
      call: random.int(1, random.pick([3, 8, 20])),
      kind,
      ms: howLong(kind, random),
    };
  });
}

/** A fault that cuts an attempt off. */
export function hitOf(random: Random): Pick<Aimed, 'kind' | 'ms'> {
  const kind = random.pick([
    'dies before',
    'dies after',
    'answer lost',
    'fails before',
    'time runs out',
    'frozen',
  ] as const);
  return { kind, ms: howLong(kind, random) };
}

/** Whether a call, in words, may change something. */
export function changes(what: string): boolean {
  return /^etcd \S+ (?:put|delete) |^tablet \d+ (?:apply|create|delete|update|refresh|executeFetch|vDiff)/.test(what);
}

/** Whether a call, in words, changes something; the others of `changes` only ask. */
export function isEffect(what: string): boolean {
  return changes(what) && !what.endsWith(' select');
}

function howLong(kind: Kind, random: Random): number {
  if (kind === 'slow') return random.int(20, 4_500);
  if (kind === 'frozen') return random.pick([3_000, 12_000, 25_000, 50_000]);
  if (kind === 'clock jumps') return random.pick([-3_600_000, -30_000, 30_000, 3_600_000, 90_000_000]);
  return 0;
}
