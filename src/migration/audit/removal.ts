import { MigrationError } from '../problem/errors.js';
import { firstOf } from '../problem/bounded.js';
import type { Judgement } from './judge.js';
import type { Found } from './residue.js';

/** The residue that has these names. A name can mean several locks: live ones are left out. */
export function named({ found }: Judgement, names: readonly string[]): Found[] {
  return found.filter(({ name, live }) => !live && names.includes(name));
}

/**
 * Why the named things cannot be removed, one line each; empty when all of them can. A journal goes last: it is the
 * only record of what its migration has made.
 */
export function refusals({ found }: Judgement, names: readonly string[]): string[] {
  return names.flatMap((name) => {
    const things = found.filter((thing) => thing.name === name);
    const [first] = things;
    if (first === undefined) return [`${name} is not there`];
    const thing = things.find(({ live }) => !live);
    if (thing === undefined) return [`${name} is not residue: ${first.what}`];
    if (thing.kept !== null) return [`${name} cannot be removed: ${thing.kept}`];
    const left = thing.kind === 'journal' ? madeBy(thing.workflow, found).filter((each) => !names.includes(each)) : [];
    if (left.length === 0) return [];
    const are = left.length === 1 ? 'is' : 'are';
    return [`${name} goes last: it records what its migration has made, and ${firstOf(left)} ${are} still there`];
  });
}

/** Names of what a journal must outlast. Its locks are not among it: one of them is that of the removal itself. */
function madeBy(workflow: string, found: readonly Found[]): string[] {
  return found
    .filter(({ owner, kind, kept }) => owner === workflow && kept === null && kind !== 'journal' && kind !== 'lock')
    .map(({ name }) => name);
}

/** The error for something that cannot be removed. */
export function notRemovable(keyspace: string, reason: string): MigrationError {
  return new MigrationError(
    'NOT_REMOVABLE',
    reason,
    { cluster: 'target', keyspace },
    `look again with vtmigrate Audit ${keyspace}, and name only what it lists as residue`,
  );
}
