import { residue, type Finding, type Judgement, type Owner } from '../../migration/audit/judge.js';
import { count } from './format.js';

/** What a person reads after an `Audit`, by the migration that things belong to. */
export function renderAudit(judgement: Judgement): string[] {
  const { keyspace, owners, findings, unread } = judgement;
  const nobodys = findings.filter((finding) => finding.workflow === null);
  const left = residue(judgement);
  return [
    ...owners.flatMap((owner) => [...renderOwner(keyspace, owner, findings), '']),
    ...(nobodys.length === 0 ? [] : ["Nobody's:", ...list(nobodys), '']),
    ...unread.map((line) => `Not looked at: ${line}`),
    left.length === 0
      ? `${keyspace}: no residue.`
      : `${keyspace}: ${count(left.length, 'thing')} left behind by no live migration.`,
    ...howToRemove(keyspace, left),
  ];
}

/** One migration with everything of it. */
export function renderOwner(keyspace: string, owner: Owner, findings: readonly Finding[]): string[] {
  const id = `${keyspace}.${owner.workflow}`;
  const whose = { ours: 'live', orphan: 'nobody looks after it', theirs: 'not ours' }[owner.whose];
  return [
    `${id} from ${owner.source}: ${whose}; ${owner.what}`,
    ...list(findings.filter((finding) => finding.workflow === owner.workflow)),
    ...(owner.adoptable ? [`  to finish it: vtmigrate Migrate Complete ${id}, or Migrate Cancel ${id}`] : []),
  ];
}

function list(findings: readonly Finding[]): string[] {
  const width = Math.min(48, Math.max(0, ...findings.map((finding) => finding.name.length)));
  return findings.map((finding) => `  ${mark(finding)} ${finding.name.padEnd(width)}  ${finding.what}`);
}

/** `-` can be removed by name, `!` belongs to no live migration and stays all the same, blank is live. */
function mark(finding: Finding): string {
  if (finding.live) return ' ';
  return finding.kept === null ? '-' : '!';
}

/** Of migrations that can be finished, nothing need be removed by hand. */
function howToRemove(keyspace: string, left: readonly Finding[]): string[] {
  const nobodys = left.filter((finding) => finding.workflow === null && finding.kept === null);
  if (nobodys.length === 0) return [];
  const names = nobodys.map((finding) => finding.name);
  const plain = names.every((name) => /^[\w:/#.-]+$/.test(name));
  return [
    `To remove what is nobody's: vtmigrate Audit ${keyspace} -remove ${plain ? names.join(',') : `'${JSON.stringify(names)}'`}`,
  ];
}
