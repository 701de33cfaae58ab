import { isProven, type ProofReport } from '../../migration/checksum/report.js';
import type { NameList } from '../../migration/plan/reference.js';
import { describeProblem } from '../../migration/problem/errors.js';
import type { Cutover } from '../../migration/proof/cutover.js';
import type { Gap } from '../../migration/proof/gaps.js';
import { count, grouped, moment, nameListLine, oneLine } from './format.js';

// A worker of an earlier version says nothing of what these show.

/** How far the rows have been compared: a line, and one for each table in trouble. */
export function proofLines(proof: ProofReport | null | undefined): string[] {
  if (proof === null || proof === undefined) return [];
  const { proven, tables, rows, changing, at, held, slowed = null } = proof;
  const verdict = isProven(proof)
    ? `all ${count(tables, 'table')} equal`
    : `${proven} of ${count(tables, 'table')} equal${changing === 0 ? '' : `, ${count(changing, 'row')} changing`}`;
  return [
    `Checksums: ${verdict}, ${grouped(rows)} rows read, ${moment(at)}`,
    ...(held === null ? [] : [`  held up: ${oneLine(held)}`]),
    ...(slowed === null ? [] : [`  goes slowly: ${oneLine(slowed)}`]),
    ...proof.differing.map(
      ({ table, keys }) => `  - ${table} DIFFERS${keys.length === 0 ? '' : `: ${oneLine(keys.join('; '))}`}`,
    ),
    ...proof.voided.map(({ table, statement }) => `  - ${table} is compared anew after: ${oneLine(statement)}`),
    ...proof.unprovable.map(({ table, reason }) => `  - ${table} cannot be compared: ${oneLine(reason)}`),
  ];
}

/** What a repair of FLOAT columns has set. */
export function repairLines(repair: { tables: NameList; rows: number } | null | undefined): string[] {
  if (repair === null || repair === undefined) return [];
  return [`FLOAT columns of ${nameListLine(repair.tables)}: ${count(repair.rows, 'row')} set from the source`];
}

/** How long nobody could write to the tables. */
export function cutoverLines(cutover: Cutover | null | undefined): string[] {
  if (cutover === null || cutover === undefined) return [];
  const { refusedMs, refusedFrom, takenAt, hookMs = null } = cutover;
  const hook = hookMs === null ? '' : ` (the call inside the fence: ${grouped(hookMs)} ms)`;
  return [`Cutover: writes were refused for ${grouped(refusedMs)} ms${hook}, ${refusedFrom} to ${takenAt}`];
}

/** What a person has accepted with Complete. */
export function overriddenLines(overridden: readonly Gap[] | undefined): string[] {
  return (overridden ?? []).map((gap) => `Accepted: ${describeProblem(gap)}`);
}
