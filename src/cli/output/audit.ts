import { residue, type Finding, type Judgement, type Owner } from '../../migration/audit/judge.js';
import { count, padded, widthOf } from './format.js';

/** The result of an `Audit` for a person, by migration. */
export function renderAudit(judgement: Judgement): string[] {
  const { keyspace, owners, findings, unread } = judgement;
  const unowned = findings.filter((finding) => finding.workflow === null);
  const left = residue(judgement);
  return [
    ...owners.flatMap((owner) => [...renderOwner(keyspace, owner, findings), '']),
    ...(unowned.length === 0 ? [] : ['Unowned:', ...list(unowned), '']),
    ...unread.map((line) => `Not looked at: ${line}`),
    left.length === 0
      ? `${keyspace}: no residue.`
      : `${keyspace}: ${count(left.length, 'thing')} left behind by no live migration.`,
    ...howToRemove(keyspace, left),
  ];
}

/** One migration with everything that belongs to it. */
export function renderOwner(keyspace: string, owner: Owner, findings: readonly Finding[]): string[] {
  const id = `${keyspace}.${owner.workflow}`;
  const whose = { ours: 'live', orphan: 'no workflow runs for it', theirs: 'not ours' }[owner.whose];
  return [
    `${id} from ${owner.source}: ${whose}; ${owner.what}`,
    ...list(findings.filter((finding) => finding.workflow === owner.workflow)),
    ...(owner.adoptable ? [`  to finish it: vtmigrate Migrate Complete ${id}, or Migrate Cancel ${id}`] : []),
  ];
}

function list(findings: readonly Finding[]): string[] {
  const width = Math.min(48, Math.max(0, ...findings.map((finding) => widthOf(finding.name))));
  return findings.map((finding) => `  ${mark(finding)} ${padded(finding.name, width)}  ${finding.what}`);
}

/** `-` can be removed by name; `!` belongs to no live migration but cannot be removed; blank is live. */
function mark(finding: Finding): string {
  if (finding.live) return ' ';
  return finding.kept === null ? '-' : '!';
}

/** Only what has no owner needs to be removed by hand: a migration that can be finished cleans up after itself. */
function howToRemove(keyspace: string, left: readonly Finding[]): string[] {
  const unowned = left.filter((finding) => finding.workflow === null && finding.kept === null);
  if (unowned.length === 0) return [];
  const names = unowned.map((finding) => finding.name);
  const plain = names.every((name) => /^[\w:/#.-]+$/.test(name));
  const argument = plain ? names.join(',') : `'${JSON.stringify(names)}'`;
  return [`To remove what is unowned: vtmigrate Audit ${keyspace} -remove ${argument}`];
}
