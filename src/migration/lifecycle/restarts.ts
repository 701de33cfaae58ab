import type { DiagnosisKind } from '../watch/diagnosis.js';
import type { Progress } from './state.js';

/** Milliseconds from one restart to the next: at once, then growing. */
const firstPause = 10_000;
const longestPause = 600_000;
/** Milliseconds without trouble after which the pauses begin anew. */
const quiet = 300_000;
/** A failure of Vitess that should not come again: a person is to look if it does. */
const most: Partial<Record<DiagnosisKind, number>> = { 'schema-read-failed': 5 };

/** Milliseconds until the streams may be started again; undefined when a person is to look. */
export function restartDelay(
  { count, at }: Progress['restarts'],
  kind: DiagnosisKind,
  nowMs: number,
): number | undefined {
  if (count >= (most[kind] ?? Infinity)) return undefined;
  const pause = count === 0 ? 0 : Math.min(longestPause, firstPause * 2 ** (count - 1));
  return Math.max(0, at + pause - nowMs);
}

/** How restarts count when the streams are seen without trouble. */
export function restartsInPeace(restarts: Progress['restarts'], nowMs: number): Progress['restarts'] {
  return nowMs - restarts.at > quiet ? { ...restarts, count: 0 } : restarts;
}
