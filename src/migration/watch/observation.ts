import { nameList, type NameList } from '../plan/reference.js';
import { withShortMessages } from '../problem/bounded.js';
import type { ErrorCode, Problem } from '../problem/errors.js';
import { problemToHeal, type StreamProblem } from './diagnosis.js';
import { hash } from './hash.js';

/** A stream as its row in `_vt.vreplication` describes it. */
interface StreamState {
  shard: string;
  tablet: string;
  id: number;
  /** The Vitess workflow of its lane; the first lane, which has the migration's name, does not say it. */
  lane?: string;
  sourceShard: string;
  /** Vitess's own state: Stopped, Copying, Running, Error … */
  state: string;
  message: string;
  /** Seconds; `null` while copying or before the first transaction. */
  lagSeconds: number | null;
  throttledBy: string;
}

/** A stream with its position, and the names of all tables that have rows in `_vt.copy_state`. */
export interface StreamLook extends StreamState {
  /** In Vitess's form, which may be long; empty before the copy has begun. */
  position: string;
  copying: string[];
}

/** A stream for a history: of the tables that it copies, the count and the first names. */
export interface StreamObservation extends StreamState {
  /** True once it has a position. */
  begun: boolean;
  copying: NameList;
}

/** Rows and bytes are MySQL's estimates, as decimal strings: they are 64-bit numbers. */
export interface TableObservation {
  name: string;
  phase: 'waiting' | 'copying' | 'copied';
  rows: string;
  rowsTotal: string;
  bytes: string;
  bytesTotal: string;
}

/** Numbers of tables, and their rows and bytes: estimates, as decimal strings. */
export interface CopyTotals {
  tables: number;
  copied: number;
  copying: number;
  waiting: number;
  rows: string;
  rowsTotal: string;
  bytes: string;
  bytesTotal: string;
}

/** The totals of no table. */
export const noTotals: CopyTotals = {
  tables: 0,
  copied: 0,
  copying: 0,
  waiting: 0,
  rows: '0',
  rowsTotal: '0',
  bytes: '0',
  bytesTotal: '0',
};

/** A cluster that could not be read, a stream that is not there, or one in trouble. */
export type WatchProblem = Problem<ErrorCode> | StreamProblem;

/** What both kinds of observation share. */
interface Seen {
  /** ISO 8601 */
  at: string;
  /** True when every expected stream has finished its copy. */
  copyFinished: boolean;
  /** Seconds until the copy finishes, by its recent speed; `null` when unknown. */
  remainingSeconds: number | null;
  problems: WatchProblem[];
}

/** Everything that one look at both clusters has shown. It grows with the number of tables. */
export interface Look extends Seen {
  streams: StreamLook[];
  tables: TableObservation[];
}

/** What a look has shown of the streams. */
export type StreamsLook = Pick<Look, 'streams' | 'problems'>;

/** What an observation does not list. */
export interface Unlisted {
  streams: number;
  problems: number;
}

/** Everything is listed, as by versions that did not count. */
export const nothingUnlisted: Unlisted = { streams: 0, problems: 0 };

/** A look as histories and heartbeats hold it: bounded, with totals of all tables. */
export interface Observation extends Seen {
  /** All, or the first ones: see `toObservation`. */
  streams: StreamObservation[];
  /** Of all streams: see `maxLagSeconds`. An observation of an earlier version lists all of them. */
  lagSeconds?: number | null;
  unlisted?: Unlisted;
  /** Of everything that was seen: see `fingerprint`. One of an earlier version has none. */
  fingerprint?: string;
  /** Seconds that Temporal should wait for a heartbeat of what lasts. One of an earlier version has none. */
  heartbeatPatience?: number;
  /** From 0 to 1: see `copiedFraction`. */
  copiedFraction: number;
  totals: CopyTotals;
  /** All, or some: see `toObservation`. */
  tables: TableObservation[];
}

/** How much an observation lists at most. */
export interface Detail {
  tables: number;
  /** Of more tables than that, only those that are copying. */
  onlyCopying: boolean;
  streams: number;
  problems: number;
  /** Characters of the messages of all streams, and of those of all problems: see `withShortMessages`. */
  characters: number;
}

/** For histories, to which every change adds an observation, and for heartbeats, which `status` shows. */
export const inHistory: Detail = { tables: 20, onlyCopying: true, streams: 16, problems: 8, characters: 2_000 };
export const inHeartbeat: Detail = { tables: 50, onlyCopying: false, streams: 24, problems: 10, characters: 5_000 };

/** Names of tables that an observation lists for each stream. */
const namesPerStream = 5;

/**
 * A look, cut to this detail: of the tables first those that are copying, then the waiting, then the copied ones; of
 * the streams first those in trouble, and of the problems the one that waits for a remedy.
 */
export function toObservation(look: Look, detail: Detail): Observation {
  const streams = look.streams.map(({ position, copying, ...stream }): StreamObservation => ({
    ...stream,
    begun: position !== '',
    copying: nameList(copying, namesPerStream),
  }));
  const whole: Observation = {
    ...look,
    streams,
    lagSeconds: maxLag(streams),
    copiedFraction: copiedFraction(look.tables),
    totals: totalsOf(look.tables),
  };
  const shown = { streams: listedStreams(streams, detail), problems: listedProblems(look.problems, detail) };
  return {
    ...whole,
    fingerprint: fingerprint(whole),
    streams: withShortMessages(shown.streams, detail.characters),
    problems: withShortMessages(shown.problems, detail.characters),
    unlisted: {
      streams: streams.length - shown.streams.length,
      problems: look.problems.length - shown.problems.length,
    },
    tables: listedTables(look.tables, detail),
  };
}

function listedTables(tables: readonly TableObservation[], { tables: most, onlyCopying }: Detail): TableObservation[] {
  const order = { copying: 0, waiting: 1, copied: 2 };
  const listed = onlyCopying && tables.length > most ? tables.filter(({ phase }) => phase === 'copying') : tables;
  return [...listed].sort((a, b) => order[a.phase] - order[b.phase]).slice(0, most);
}

function listedStreams(streams: readonly StreamObservation[], { streams: most }: Detail): StreamObservation[] {
  if (streams.length <= most) return [...streams];
  const isQuiet = ({ state, message, throttledBy }: StreamObservation) =>
    (state === 'Running' || state === 'Copying') && message === '' && throttledBy === '';
  return [...streams].sort((a, b) => Number(isQuiet(a)) - Number(isQuiet(b))).slice(0, most);
}

function listedProblems(problems: readonly WatchProblem[], { problems: most }: Detail): WatchProblem[] {
  if (problems.length <= most) return [...problems];
  const first = problemToHeal(problems);
  const others = problems.filter((problem) => problem !== first);
  return [...(first === undefined ? [] : [first]), ...others].slice(0, most);
}

/** Counts and sums. */
export function totalsOf(tables: readonly TableObservation[]): CopyTotals {
  const count = (phase: TableObservation['phase']) => tables.filter((table) => table.phase === phase).length;
  const sum = (field: 'rows' | 'rowsTotal' | 'bytes' | 'bytesTotal') =>
    tables.reduce((total, table) => total + BigInt(table[field]), 0n).toString();
  return {
    tables: tables.length,
    copied: count('copied'),
    copying: count('copying'),
    waiting: count('waiting'),
    rows: sum('rows'),
    rowsTotal: sum('rowsTotal'),
    bytes: sum('bytes'),
    bytesTotal: sum('bytesTotal'),
  };
}

/** The message of a stream that Pause has stopped; one that something else has stopped has another. */
export const pausedMessage = 'paused by vtmigrate';
/** The message of a stream that a repair of FLOAT columns has stopped; it stays when the repair is cut off. */
export const repairMessage = 'for repair';

/** True when this stream has copied every table and has a position to go on from. */
export function isCopied(stream: StreamLook, stopAfterCopy: boolean): boolean {
  if (stream.position === '' || stream.copying.length > 0) return false;
  return stream.state === 'Running' || stream.state === 'Lagging' || (stopAfterCopy && stream.state === 'Stopped');
}

/** True when every one of the expected streams has finished its copy. */
export function isCopyFinished(
  streams: readonly StreamLook[],
  expectedStreams: number,
  stopAfterCopy: boolean,
): boolean {
  return streams.length === expectedStreams && streams.every((stream) => isCopied(stream, stopAfterCopy));
}

/**
 * What makes an observation worth an event in the history, as a hash: the states, the messages, the number of
 * tables that are still being copied, and each tenth of the copy.
 */
export function fingerprint(observation: Observation): string {
  const streams = observation.streams.map(
    (s) => `${s.shard}/${s.id}:${s.state}:${s.begun ? 1 : 0}:${s.copying.count}:${s.message}`,
  );
  const healer = (problem: WatchProblem) => ('healer' in problem ? `:${problem.healer}` : '');
  const problems = observation.problems.map(
    (p) => `${p.code}:${p.place.shard ?? ''}:${p.place.tablet ?? ''}${healer(p)}`,
  );
  return hash([...streams.sort(), ...problems.sort(), `${Math.floor(observation.copiedFraction * 10)}`].join('|'));
}

/** How long to watch. */
export interface Wait {
  minSeconds: number;
  maxSeconds: number;
  /** ISO 8601; null once the copy has finished. */
  copyingSince: string | null;
}

/**
 * Whether watching ends with this observation: the copy has just finished, the time is over, or the
 * fingerprint differs from `since` and the shortest time is over.
 * @param seconds since watching began
 */
export function endsWatching(seen: Observation, since: string, wait: Wait, seconds: number): boolean {
  if (wait.copyingSince !== null && seen.copyFinished) return true;
  return seconds >= wait.maxSeconds || (seconds >= wait.minSeconds && seen.fingerprint !== since);
}

/** How much of the bytes (of the rows, where no bytes are known) has been copied, from 0 to 1. */
export function copiedFraction(tables: readonly TableObservation[]): number {
  let done = 0;
  let total = 0;
  for (const table of tables) {
    const weight = Math.max(Number(table.bytesTotal), 1);
    total += weight;
    done += weight * tableFraction(table);
  }
  return total === 0 ? 0 : done / total;
}

/** How much of one table has been copied, from 0 to 1. Estimates never claim the last percent. */
export function tableFraction(table: TableObservation): number {
  if (table.phase === 'copied') return 1;
  if (table.phase === 'waiting') return 0;
  const [rows, total] = [Number(table.rows), Number(table.rowsTotal)];
  return total === 0 ? 0 : Math.min(rows / total, 0.99);
}

/** Seconds until the copy finishes, by the oldest and the newest of the samples; `null` while nothing has moved. */
export function remainingSeconds(samples: readonly { atMs: number; fraction: number }[]): number | null {
  const first = samples[0];
  const last = samples.at(-1);
  if (first === undefined || last === undefined) return null;
  if (last.fraction >= 1) return 0;
  const gained = last.fraction - first.fraction;
  const seconds = (last.atMs - first.atMs) / 1000;
  if (gained <= 0 || seconds <= 0) return null;
  return Math.round(((1 - last.fraction) / gained) * seconds);
}

/** The greatest lag of all streams in seconds; `null` when a stream has none yet. */
export function maxLagSeconds({ lagSeconds, streams }: Observation): number | null {
  return lagSeconds === undefined ? maxLag(streams) : lagSeconds;
}

function maxLag(streams: readonly StreamObservation[]): number | null {
  const lags = streams.map((stream) => stream.lagSeconds);
  if (lags.length === 0 || lags.includes(null)) return null;
  return Math.max(...lags.filter((lag) => lag !== null));
}
