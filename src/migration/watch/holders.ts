import { writing } from './writes-to.js';

/**
 * Tells of a table of a target shard what holds it, in words: another migration by its journal, or another program by
 * its streams. Undefined when none is known.
 */
export function holdersOf(
  keyspace: string,
  journals: readonly { workflow: string; source: string; runId: string; denied: readonly string[] }[],
  workflows: readonly { workflow: string; rules: readonly string[] }[],
): (table: string) => string | undefined {
  const ours = journals.map(({ denied, ...journal }) => ({ ...journal, denied: new Set(denied) }));
  const theirs = workflows.map(({ workflow, rules }) => ({ workflow, writes: writing(rules) }));
  return (table) => {
    const journal = ours.find(({ denied }) => denied.has(table));
    if (journal !== undefined)
      return `by ${keyspace}.${journal.workflow} from ${journal.source}, run ID ${journal.runId}`;
    const other = theirs.find(({ writes }) => writes(table));
    return other === undefined ? undefined : `by ${keyspace}.${other.workflow}, a workflow that vtmigrate did not make`;
  };
}
