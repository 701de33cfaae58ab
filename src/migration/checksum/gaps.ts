import type { Gap } from '../proof/gaps.js';
import { shortened } from '../problem/bounded.js';
import type { Place } from '../problem/errors.js';
import { isProven, type ProofReport, type TableDifference } from './report.js';

/**
 * What the checksums lack for Complete.
 * @param report null before anything has been compared
 * @param place the source
 */
export function proofGaps(report: ProofReport | null, place: Place): Gap[] {
  if (report === null) return [notBegun(place)];
  if (isProven(report)) return [];
  const gaps: Gap[] = [
    ...report.differing.map((difference) => differs(difference, report, place)),
    ...report.unprovable.map(({ table, reason }): Gap => ({
      code: 'NOT_PROVEN',
      message: `the rows cannot be compared: ${reason}`,
      place: { ...place, table },
      remedy: 'make the definitions alike, or complete with acceptRows: nothing is then known of these rows but VDiff',
    })),
    ...unlistedGaps(report, place),
  ];
  return gaps.length > 0 ? gaps : [unfinished(report, place)];
}

/** Nobody can accept by name what a report does not name. */
function unlistedGaps({ unlisted = 0 }: ProofReport, place: Place): Gap[] {
  if (unlisted === 0) return [];
  const message = `the rows of ${unlisted} more tables differ, or cannot be compared`;
  const remedy = 'they are named once those that are named now have been mended; or complete with force';
  return [{ code: 'NOT_PROVEN', message, place, remedy }];
}

function differs({ table, source, target, keys, floats }: TableDifference, { voided }: ProofReport, place: Place): Gap {
  const statement = voided.find((each) => each.table === table)?.statement;
  return {
    code: 'ROWS_DIFFER',
    message:
      `the rows are not the same on both sides: ${source} were read in the source and ${target} in the target` +
      (keys.length === 0 ? '' : `, among those that differ are ${keys.join('; ')}`) +
      (statement === undefined
        ? ''
        : `. Since the last proof the source has executed: ${shortened(line(statement), longestStatement)}`),
    place: { ...place, table },
    remedy:
      (floats === true ? 'the copy rounds its FLOAT columns: complete with repairFloats to have them set; or ' : '') +
      'make the same change on the target by hand, or mend the rows there; the table is compared again by itself. ' +
      'Complete with acceptRows accepts the rows of the table as they are',
  };
}

function notBegun(place: Place): Gap {
  return {
    code: 'NOT_PROVEN',
    message: 'no rows have been compared yet',
    place,
    remedy: 'wait for the copy to finish',
  };
}

function unfinished({ proven, tables, changing, voided, held }: ProofReport, place: Place): Gap {
  const reasons = [
    ...(changing === 0 ? [] : [`${changing} rows are changing`]),
    ...voided.map(
      ({ table, statement }) => `${table} is compared anew after ${shortened(line(statement), longestStatement)}`,
    ),
    ...(held === null ? [] : [held]),
  ];
  return {
    code: 'NOT_PROVEN',
    message:
      `${proven} of ${tables} tables are proven to be equal by their checksums` +
      (reasons.length === 0 ? '' : ` (${reasons.join('; ')})`),
    place,
    remedy: 'wait: the comparison goes on, and Complete is tried again',
  };
}

/** Characters of a statement that are shown. */
const longestStatement = 200;

function line(statement: string): string {
  return statement.replace(/\s+/g, ' ').trim();
}

/** True for a gap that the comparison of rows can close. */
export function isOfProof({ code }: Gap): boolean {
  return code === 'ROWS_DIFFER' || code === 'NOT_PROVEN';
}
