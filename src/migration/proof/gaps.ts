import type { Place } from '../problem/errors.js';
import { isCopied, isCopyFinished, type Observation } from '../watch/observation.js';
import { expectedStreams, type Plan } from '../plan/plan.js';
import { isClean, type VDiffReport } from './vdiff.js';

/** Something Complete's proof lacks. */
export interface Gap {
  code:
    | 'COPY_NOT_FINISHED'
    | 'STREAM_NOT_RUNNING'
    | 'NOT_READABLE'
    | 'NOT_CAUGHT_UP'
    | 'NO_VDIFF'
    | 'VDIFF_NOT_CLEAN'
    | 'SCHEMA_DRIFT'
    | 'OTHER_WORKFLOW'
    | 'FENCE_DOWN';
  message: string;
  place: Place;
}

/** What the streams lack: every one there, copied to the end, and running. */
export function streamGaps(plan: Plan, observation: Observation): Gap[] {
  if (isCopyFinished(observation.streams, expectedStreams(plan), plan.stream.stopAfterCopy)) return [];
  const unreadable = observation.problems.filter((problem) => problem.code !== 'STREAM_IN_TROUBLE');
  const gaps: Gap[] = unreadable.map(({ message, place }) => ({ code: 'NOT_READABLE', message, place }));
  for (const stream of observation.streams.filter((each) => !isCopied(each, plan.stream.stopAfterCopy))) {
    const place = { cluster: 'target', keyspace: plan.target.keyspace, shard: stream.shard, tablet: stream.tablet };
    if (stream.copying.length > 0)
      gaps.push({
        code: 'COPY_NOT_FINISHED',
        message: `tables still being copied: ${stream.copying.slice(0, 5).join(', ')}${stream.copying.length > 5 ? ` and ${stream.copying.length - 5} more` : ''}`,
        place,
      });
    else if (stream.position === '')
      gaps.push({ code: 'COPY_NOT_FINISHED', message: 'the stream has not begun to copy', place });
    else
      gaps.push({
        code: 'STREAM_NOT_RUNNING',
        message: `the stream is ${stream.state}${stream.message === '' ? '' : ` (${stream.message})`}`,
        place,
      });
  }
  return gaps.length > 0
    ? gaps
    : [
        {
          code: 'NOT_READABLE',
          message: 'not every stream is there',
          place: { cluster: 'target', keyspace: plan.target.keyspace },
        },
      ];
}

/** What the last VDiff lacks; `force` takes the word of the person who gave it. */
export function vdiffGaps(vdiff: VDiffReport | null, force: boolean): Gap[] {
  if (force || (vdiff !== null && isClean(vdiff))) return [];
  if (vdiff === null) return [{ code: 'NO_VDIFF', message: 'no VDiff has finished yet', place: {} }];
  if (vdiff.state !== 'completed')
    return [
      { code: 'VDIFF_NOT_CLEAN', message: `the last VDiff ended as ${vdiff.state}${describeErrors(vdiff)}`, place: {} },
    ];
  const dirty = vdiff.tables.filter(
    (table) => table.mismatched !== '0' || table.extraSource !== '0' || table.extraTarget !== '0',
  );
  return dirty.map((table) => ({
    code: 'VDIFF_NOT_CLEAN',
    message: `the last VDiff found differences (rows that differ: ${table.mismatched}, only in the source: ${table.extraSource}, only in the target: ${table.extraTarget})`,
    place: { table: table.name },
  }));
}

function describeErrors(vdiff: VDiffReport): string {
  const errors = Object.entries(vdiff.errors).map(([shard, text]) => `${shard}: ${text}`);
  return errors.length === 0 ? '' : ` (${errors.join('; ')})`;
}
