import type { Place } from '../problem/errors.js';
import { quoteName } from '../sql/quote.js';
import type { LockFacts, RoutingFacts, WorkflowFacts } from './facts.js';
import { finding, type Finding } from '../problem/finding.js';

/** Rules by which vtgate would read other tables than those that were moved. */
export function judgeRouting(
  rules: RoutingFacts,
  tables: readonly string[],
  keyspace: string,
  place: Place,
): Finding[] {
  const moved = new Set(tables);
  const remedy =
    'see which workflow made it and finish that one, or take the rule out (vtctldclient ApplyRoutingRules, ApplyKeyspaceRoutingRules)';
  const ofTables = rules.tables.flatMap(({ from, to }) => {
    const [, table = ''] = new RegExp(`^${keyspace}\\.(.*?)(?:@\\w+)?$`, 's').exec(from) ?? [];
    if (!moved.has(table) || (to.length === 1 && to[0] === `${keyspace}.${table}`)) return [];
    return [
      finding(
        'routing-rule',
        `a routing rule sends ${from} to ${to.join(', ') || 'nowhere'}`,
        { ...place, table },
        remedy,
      ),
    ];
  });
  const ofKeyspaces = rules.keyspaces
    .filter(({ from, to }) => from.replace(/@\w+$/, '') === keyspace && to !== keyspace)
    .map(({ from, to }) => finding('routing-rule', `a keyspace routing rule sends ${from} to ${to}`, place, remedy));
  return [...ofTables, ...ofKeyspaces];
}

/** Workflows, of whatever program, that write to the same target tables. */
export function judgeWorkflows(workflows: readonly WorkflowFacts[], tables: readonly string[]): Finding[] {
  return workflows.flatMap(({ place, workflow, tables: theirs }) => {
    // A rule of the form /…/ stands for every table it matches; which, is for Vitess to say.
    const shared = theirs.some((name) => name.startsWith('/'))
      ? ['all of them']
      : tables.filter((table) => theirs.includes(table)).map(quoteName);
    if (shared.length === 0) return [];
    return [
      finding(
        'other-workflow',
        `the workflow ${workflow} has the same tables: ${shared.join(', ')}`,
        place,
        'complete or cancel that one first, or leave the tables out with -exclude',
      ),
    ];
  });
}

/** Who holds a lock that Create will wait for. */
export function judgeLocks(locks: readonly LockFacts[]): Finding[] {
  return locks.map(({ place, path, holder }) =>
    finding(
      'lock-held',
      `${path} is locked by ${holder}`,
      place,
      'Create waits for it, and tries again; a dead holder of a named lock lets go after 24 hours, or when "vtctldclient VDiff delete" ends its VDiff',
    ),
  );
}

/** Tables whose name alone will no longer say which keyspace is meant, once both are in the VSchema. */
export function judgeNames(
  tables: readonly string[],
  others: Record<string, readonly string[]>,
  place: Place,
): Finding[] {
  return Object.entries(others).flatMap(([keyspace, names]) => {
    const shared = tables.filter((table) => names.includes(table));
    if (shared.length === 0) return [];
    return [
      finding(
        'ambiguous-name',
        `keyspace ${keyspace} has tables of the same names: ${shared.map(quoteName).join(', ')}`,
        place,
        'after Complete, name the keyspace in queries: vtgate refuses a name that two keyspaces have',
      ),
    ];
  });
}
