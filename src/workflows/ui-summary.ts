import { isProven, type ProofReport } from '../migration/checksum/report.js';
import { describeProblem } from '../migration/problem/errors.js';
import { tableFraction } from '../migration/watch/observation.js';
import type { Status } from '../migration/lifecycle/status.js';
import { isClean } from '../migration/proof/vdiff.js';

/** A status as markdown: what the Temporal UI shows as the workflow's current details. */
export function describeStatus(status: Status): string {
  const lines = [`### ${status.phase}`, '', `${status.source} → ${status.workflow}`];
  const lag = status.lagSeconds === null ? '' : `, lag ${status.lagSeconds} s`;
  if (status.observedAt !== null) lines.push('', `${status.copiedPercent} % copied${lag} (as of ${status.observedAt})`);
  if (status.waitingFor.length > 0) lines.push('', `**Waiting for** ${status.waitingFor.join('; ')}`);
  if (status.vdiff !== null)
    lines.push(
      '',
      `Last VDiff: ${isClean(status.vdiff) ? 'clean' : `${status.vdiff.state}, **not clean**`}, ` +
        `${status.vdiff.rowsCompared} rows compared`,
    );
  if (status.proof !== null) lines.push('', proofLine(status.proof));
  const problems = [...(status.lastError === null ? [] : [status.lastError]), ...status.problems];
  if (problems.length > 0)
    lines.push('', '**Problems**', ...problems.map((problem) => `- ${describeProblem(problem)}`));
  if (status.phase === 'replicating' && status.missing.length > 0)
    lines.push('', '**Complete still lacks**', ...status.missing.map((gap) => `- ${describeProblem(gap)}`));
  if (status.warnings.length > 0)
    lines.push('', '**Warnings**', ...status.warnings.map((problem) => `- ${describeProblem(problem)}`));
  return [...lines, ...tableLines(status)].join('\n');
}

function tableLines({ left, tables, totals }: Status): string[] {
  const more = left.count - left.names.length;
  return [
    ...(left.count === 0 ? [] : ['', `**Left** ${left.names.join(', ')}${more === 0 ? '' : ` and ${more} more`}`]),
    ...(tables.length === 0 ? [] : ['']),
    ...tables.map((table) => `- ${table.name}: ${table.phase}, ${Math.floor(tableFraction(table) * 100)} %`),
    ...(totals.tables > tables.length ? [`- and ${totals.tables - tables.length} more`] : []),
  ];
}

function proofLine(proof: ProofReport): string {
  const { proven, tables, at, differing, voided } = proof;
  const verdict = isProven(proof) ? 'equal' : `${proven} of ${tables} tables equal`;
  const troubled = [
    ...differing.map(({ table }) => `${table} **differs**`),
    ...voided.map(({ table }) => `${table} is compared anew`),
  ];
  return `Checksums: ${[verdict, ...troubled].join(', ')} (as of ${at})`;
}
