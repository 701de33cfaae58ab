import { parseDuration } from '../input/duration.js';
import { firstOf, withShortMessages } from '../problem/bounded.js';
import type { ErrorCode, Problem } from '../problem/errors.js';
import type { GapCode } from '../problem/shown-codes.js';
import { isCopied, isCopyFinished, type StreamLook, type StreamsLook } from '../watch/observation.js';
import { expectedStreams, targetPlace, type Plan } from '../plan/plan.js';
import { differs, isClean, type VDiffReport } from './vdiff.js';

/** Something that Complete's proof lacks; where a read failed, the error itself. */
export type Gap = Problem<GapCode | ErrorCode>;

/** Gaps that an answer holds at most, and characters of their messages. */
const mostGaps = 50;
const mostCharacters = 8_000;

/** The first gaps, and one that counts the rest: a history must not grow with the number of tables. */
export function cappedGaps(gaps: readonly Gap[]): Gap[] {
  const rest = gaps.length - mostGaps;
  const first = withShortMessages(gaps.slice(0, mostGaps), mostCharacters);
  return rest <= 0 ? first : [...first, moreGaps(rest)];
}

function moreGaps(rest: number): Gap {
  return {
    code: 'MORE_GAPS',
    message: `${rest} more`,
    place: {},
    remedy: 'they are shown when the ones before them have been closed',
  };
}

/** What the streams lack: each must be there, have copied every table, and run. */
export function streamGaps(plan: Plan, look: StreamsLook): Gap[] {
  const { stopAfterCopy } = plan.stream;
  const redirected = look.problems
    .filter((problem) => 'kind' in problem && problem.kind === 'resharded')
    .map(({ message, place, remedy }): Gap => ({ code: 'STREAMS_MISSING', message, place, remedy }));
  if (redirected.length > 0) return redirected;
  if (isCopyFinished(look.streams, expectedStreams(plan), stopAfterCopy)) return [];
  const gaps: Gap[] = look.problems.flatMap((problem) => (problem.code === 'STREAM_IN_TROUBLE' ? [] : [problem]));
  for (const stream of look.streams) if (!isCopied(stream, stopAfterCopy)) gaps.push(gapOf(plan, stream));
  return gaps.length > 0 ? gaps : [notEveryStream(plan)];
}

/** Streams that are further behind than is allowed, as Vitess's `canSwitch` counts it. @param allowed a duration */
export function lagGaps(plan: Plan, { streams }: StreamsLook, allowed: string): Gap[] {
  const most = parseDuration(allowed) / 1000;
  return streams.flatMap(({ id, lagSeconds, shard, tablet }): Gap[] => {
    if (lagSeconds === null || lagSeconds <= most) return [];
    return [
      {
        code: 'NOT_CAUGHT_UP',
        message: `stream ${id} is ${lagSeconds} s behind the source, and ${allowed} are allowed`,
        place: targetPlace(plan, { shard, tablet }),
        remedy: 'wait until it comes nearer, or allow more (-max_replication_lag_allowed); Complete is tried again',
      },
    ];
  });
}

function gapOf(plan: Plan, stream: StreamLook): Gap {
  const place = targetPlace(plan, { shard: stream.shard, tablet: stream.tablet });
  const { copying, position, state, message } = stream;
  if (copying.length > 0 || position === '')
    return {
      code: 'COPY_NOT_FINISHED',
      message:
        copying.length > 0 ? `tables still being copied: ${firstOf(copying, 5)}` : 'the stream has not begun to copy',
      place,
      remedy: 'wait for the copy to finish',
    };
  return {
    code: 'STREAM_NOT_RUNNING',
    message: `the stream is ${state}${message === '' ? '' : ` (${message})`}`,
    place,
    remedy: 'remove the cause, then start it: vtmigrate Workflow Start',
  };
}

function notEveryStream(plan: Plan): Gap {
  return {
    code: 'NOT_READABLE',
    message: 'not every stream is there',
    place: targetPlace(plan),
    remedy: 'check that every primary of the target answers; Complete is tried again',
  };
}

/** What a person has said with Complete. */
export interface Acceptance {
  /** The rows of every table are accepted as they are. */
  force: boolean;
  /** Tables whose rows are. */
  acceptRows: readonly string[];
}

const ofRows: ReadonlySet<string> = new Set<GapCode>(['NO_VDIFF', 'VDIFF_NOT_CLEAN', 'ROWS_DIFFER', 'NOT_PROVEN']);
const ofTable: ReadonlySet<string> = new Set<GapCode>([
  'VDIFF_NOT_CLEAN',
  'ROWS_DIFFER',
  'NOT_PROVEN',
  'PARTITIONS_DIFFER',
]);

/** True for a gap that does not hold up a Complete by which it was accepted. */
export function isAccepted({ code, place }: Gap, { force, acceptRows }: Acceptance): boolean {
  if (force && ofRows.has(code)) return true;
  return place.table !== undefined && acceptRows.includes(place.table) && ofTable.has(code);
}

/** For a VDiff that has said nothing of the rows. */
const vdiffRemedies: Partial<Record<VDiffReport['state'], string>> = {
  stalled:
    'allow it more time (vtmigrate Workflow Update -vdiff_stall_timeout) and run VDiff once more, complete with ' +
    'force, or cancel',
  error:
    'see the reason; where tablets are the cause, choose others or allow more time (vtmigrate Workflow Update ' +
    '-vdiff_tablet_types, -vdiff_wait_time); run VDiff once more, complete with force, or cancel',
};

/** What the last VDiff lacks. */
export function vdiffGaps(vdiff: VDiffReport | null): Gap[] {
  if (vdiff !== null && isClean(vdiff)) return [];
  if (vdiff === null)
    return [{ code: 'NO_VDIFF', message: 'no VDiff has finished yet', place: {}, remedy: 'wait for it to finish' }];
  const gap = (message: string, place: Gap['place'] = {}): Gap => ({
    code: 'VDIFF_NOT_CLEAN',
    message,
    place,
    remedy:
      vdiffRemedies[vdiff.state] ??
      'mend the rows and run VDiff once more, complete with acceptRows or force, or cancel',
  });
  if (vdiff.state !== 'completed') {
    const message = `the last VDiff ended as ${vdiff.state}${describeErrors(vdiff)}`;
    const brokenOff = vdiff.state === 'differs' ? vdiff.tables.filter(({ state }) => state === 'error') : [];
    return brokenOff.length === 0 ? [gap(message)] : brokenOff.map(({ name }) => gap(message, { table: name }));
  }
  const listed = vdiff.tables.filter(differs);
  const rest = vdiff.totals.differing - listed.length;
  return [
    ...listed.map((table) =>
      gap(
        `the last VDiff found differences (rows that differ: ${table.mismatched}, ` +
          `only in the source: ${table.extraSource}, only in the target: ${table.extraTarget})`,
        { table: table.name },
      ),
    ),
    ...(rest > 0 ? [gap(`the last VDiff found differences in ${rest} more tables`)] : []),
  ];
}

function describeErrors(vdiff: VDiffReport): string {
  const errors = Object.entries(vdiff.errors).map(([shard, text]) => `${shard}: ${text}`);
  return errors.length === 0 ? '' : ` (${errors.join('; ')})`;
}
