import { leftBehind, type Judgement } from '../../migration/audit/judge.js';
import type { Owner } from '../../migration/audit/owners.js';
import type { Found } from '../../migration/audit/residue.js';
import { count, padded, widthOf } from './format.js';

/** What a person reads after an `Audit`, by the migration that things belong to. */
export function renderAudit(judgement: Judgement): string[] {
  const { keyspace, owners, found, unread, unlisted = { residue: 0, live: 0 } } = judgement;
  const unowned = found.filter(({ owner }) => owner === null);
  const left = leftBehind(judgement);
  return [
    ...owners.flatMap((owner) => [...renderOwner(keyspace, owner, found), '']),
    ...(unowned.length === 0 ? [] : ['Unowned:', ...list(unowned), '']),
    ...unread.map((line) => `Could not be read: ${line}`),
    ...(unlisted.live + unlisted.residue === 0
      ? []
      : [`Not listed: ${count(unlisted.residue, 'more thing')} left behind, and ${unlisted.live} of live migrations.`]),
    left.length === 0
      ? `${keyspace}: no residue.`
      : `${keyspace}: ${count(left.length + unlisted.residue, 'thing')} left behind by no live migration.`,
    ...howToRemove(keyspace, left),
  ];
}

/** One migration with everything that belongs to it. */
export function renderOwner(keyspace: string, owner: Owner, found: readonly Found[]): string[] {
  const id = `${keyspace}.${owner.workflow}`;
  const state = { running: 'live; ', orphaned: 'no workflow runs it; ', foreign: '' }[owner.state];
  return [
    `${id} from ${owner.source}: ${state}${owner.what}`,
    ...list(found.filter((thing) => thing.owner === owner.workflow)),
    ...(owner.adoptable ? [`  to finish it: vtmigrate Migrate Complete ${id}, or Migrate Cancel ${id}`] : []),
  ];
}

function list(found: readonly Found[]): string[] {
  const width = Math.min(48, Math.max(0, ...found.map(({ name }) => widthOf(name))));
  return found.map((thing) => `  ${mark(thing)} ${padded(thing.name, width)}  ${thing.what}`);
}

/** `-` is residue that can be removed by name, `!` is residue that cannot, blank is live. */
function mark({ live, kept }: Found): string {
  if (live) return ' ';
  return kept === null ? '-' : '!';
}

/** Only for what is unowned: the residue of a migration goes when the migration is finished. */
function howToRemove(keyspace: string, left: readonly Found[]): string[] {
  const removable = left.filter(({ owner, kept }) => owner === null && kept === null);
  if (removable.length === 0) return [];
  const names = [...new Set(removable.map(({ name }) => name))];
  const plain = names.every((name) => /^[\w:/#.-]+$/.test(name));
  const argument = plain ? names.join(',') : `'${JSON.stringify(names)}'`;
  return [`To remove what is unowned: vtmigrate Audit ${keyspace} -remove ${argument}`];
}
