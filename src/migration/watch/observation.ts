import type { Problem } from '../problem/errors.js';

/** A stream as its row in `_vt.vreplication` and its copy state say. Positions and times as Vitess has them. */
export interface StreamObservation {
  shard: string;
  tablet: string;
  id: number;
  sourceShard: string;
  /** Vitess's own state: Stopped, Copying, Running, Error … */
  state: string;
  message: string;
  position: string;
  /** Tables with rows in `_vt.copy_state`. */
  copying: string[];
  /** Seconds; `null` while copying or before the first transaction. */
  lagSeconds: number | null;
  throttledBy: string;
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

/** What one look at both clusters showed. */
export interface Observation {
  /** ISO 8601 */
  at: string;
  /** True when every expected stream has finished its copy. */
  copyFinished: boolean;
  streams: StreamObservation[];
  tables: TableObservation[];
  /** Until the copy has finished, from the speed of late; `null` when it cannot be told. */
  remainingSeconds: number | null;
  /** What could not be read, and streams in trouble, each with its next step. */
  problems: Problem[];
}

/** The message of a stream that Pause has stopped: what tells it from one that something else has stopped. */
export const pausedMessage = 'paused by vtmigrate';

/** Characters of a stream's message that are kept. */
const longestMessage = 400;

/**
 * A stream's message without the statement Vitess appends to it: that has rows of the application's
 * in it, which belong in no history and on no screen.
 */
export function withoutRows(message: string): string {
  const bare = message.replace(/\s+during query: [^]*$/i, '');
  return bare.length <= longestMessage ? bare : `${bare.slice(0, longestMessage)}…`;
}

/** True when this stream has copied every table and has a position to go on from. */
export function isCopied(stream: StreamObservation, stopAfterCopy: boolean): boolean {
  if (stream.position === '' || stream.copying.length > 0) return false;
  return stream.state === 'Running' || stream.state === 'Lagging' || (stopAfterCopy && stream.state === 'Stopped');
}

/** True when every one of the expected streams has finished its copy. */
export function isCopyFinished(
  streams: readonly StreamObservation[],
  expectedStreams: number,
  stopAfterCopy: boolean,
): boolean {
  return streams.length === expectedStreams && streams.every((stream) => isCopied(stream, stopAfterCopy));
}

/**
 * What makes an observation worth a place in the workflow's history: the states, the
 * messages, the tables that are done, and the tenth of the copy that has been reached.
 */
export function fingerprint(observation: Observation): string {
  const streams = observation.streams.map(
    (s) => `${s.shard}/${s.id}:${s.state}:${s.position === '' ? 0 : 1}:${s.copying.length}:${s.message}`,
  );
  const problems = observation.problems.map((p) => `${p.code}:${p.place.shard ?? ''}:${p.place.tablet ?? ''}`);
  return [...streams.sort(), ...problems.sort(), `${Math.floor(copiedFraction(observation) * 10)}`].join('|');
}

/** How much of the bytes (of the rows, where no bytes are known) has been copied, from 0 to 1. */
export function copiedFraction(observation: Observation): number {
  let done = 0;
  let total = 0;
  for (const table of observation.tables) {
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

/**
 * Seconds until the copy has finished, from the oldest and the newest of the samples given.
 * `null` while nothing has moved.
 */
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
export function maxLagSeconds(observation: Observation): number | null {
  const lags = observation.streams.map((stream) => stream.lagSeconds);
  if (lags.length === 0 || lags.includes(null)) return null;
  return Math.max(...lags.filter((lag) => lag !== null));
}
