import { always, isWithin } from '../input/hours.js';

/** What a person allows the copy of a migration. Null where nothing was asked for. */
export interface CopyLimits {
  /** Seconds that a replica of either side may be behind, besides a delay on purpose. */
  lagSeconds: number | null;
  /** Threads that may be at work in the MySQL of a tablet of either side. */
  threads: number | null;
  /** As `isWithin` takes them. */
  hours: string;
}

/** How busy the MySQL of a tablet is. */
export interface Load {
  alias: string;
  /** Threads at work. */
  threads: number;
  /** Seconds that it is behind, besides a delay on purpose; 0 for a primary. */
  lagSeconds: number;
}

/** Threads at work that are many for a MySQL, and seconds that are much for a replica. */
export const usual = { threads: 25, lagSeconds: 10 };

/** Which of the servers is above a limit, in words; null when none is. */
export function busyServer(
  loads: readonly Load[],
  { threads, lagSeconds }: Pick<CopyLimits, 'threads' | 'lagSeconds'>,
): string | null {
  for (const load of loads) {
    if (threads !== null && load.threads > threads)
      return `${load.threads} threads are at work in the MySQL of ${load.alias}`;
    if (lagSeconds !== null && load.lagSeconds > lagSeconds)
      return `replica ${load.alias} is ${load.lagSeconds} s behind`;
  }
  return null;
}

/** Why lanes should be held back, and how many of them. */
export interface Reason {
  why: string;
  /** Lanes that may copy in spite of it, at the least. */
  least: 0 | 1;
}

/**
 * Why a copy should be held back now; null when it need not be. A limit that a person has set holds it back altogether.
 * Without one, the usual limits leave it a lane, as it has in Vitess.
 * @param throttled a stream that the tablet throttler holds back, in words
 */
export function reasonToHoldBack(
  limits: CopyLimits,
  loads: readonly Load[],
  throttled: string | null,
  at: Date,
): Reason | null {
  if (!isWithin(limits.hours, at)) return { why: outside(limits.hours), least: 0 };
  const asked = busyServer(loads, limits);
  if (asked !== null) return { why: asked, least: 0 };
  const { threads, lagSeconds } = limits;
  const why =
    throttled ?? busyServer(loads, { threads: threads ?? usual.threads, lagSeconds: lagSeconds ?? usual.lagSeconds });
  return why === null ? null : { why, least: 1 };
}

/** What a stream says that is held back outside its hours. */
export const outside = (hours: string): string => `the copy may run ${hours} only`;

/** Whether there can ever be a reason. @param lanes of the migration */
export function canBeHeldBack({ hours, lagSeconds, threads }: CopyLimits, lanes: number): boolean {
  return lanes > 1 || hours !== always || lagSeconds !== null || threads !== null;
}

/** Milliseconds without a reason until one more lane copies. */
const calm = 30_000;

/**
 * How many lanes should copy. While there is a reason to hold them back: half as many at each look, down to the least,
 * which also go on one after the other. Without one: one more for each half minute.
 * @param copying lanes that copy now
 * @param unfinished lanes that have something to copy
 * @param calmMs milliseconds for which there has been no reason, and nothing has changed
 */
export function lanesToCopy(
  { copying, unfinished }: { copying: number; unfinished: number },
  reason: Reason | null,
  calmMs: number,
): number {
  if (reason !== null) return Math.min(unfinished, Math.max(reason.least, Math.floor(copying / 2)));
  return copying < unfinished && calmMs >= calm ? copying + 1 : copying;
}

const heldBack = 'held back by vtmigrate: ';

/** The message of a stream that is held back. */
export const heldBackMessage = (why: string): string => `${heldBack}${why}`;

/** Whether a stream is held back. */
export function isHeldBack({ state, message }: { state: string; message: string }): boolean {
  return state === 'Stopped' && message.startsWith(heldBack);
}

/** Why a stream is held back. */
export function reasonOf({ message }: { message: string }): string {
  return message.slice(heldBack.length);
}
