import { writesTo } from './writes-to.js';

/**
 * The holder of a table of a target shard, in words: another migration by its journal, or another program by its
 * streams. Undefined when none is known.
 */
export function holderOf(
  table: string,
  keyspace: string,
  journals: readonly { workflow: string; source: string; runId: string; denied: readonly string[] }[],
  workflows: readonly { workflow: string; rules: readonly string[] }[],
): string | undefined {
  const ours = journals.find(({ denied }) => denied.includes(table));
  if (ours !== undefined) return `by ${keyspace}.${ours.workflow} from ${ours.source}, run ID ${ours.runId}`;
  const theirs = workflows.find(({ rules }) => rules.some((rule) => writesTo(rule, table)));
  return theirs === undefined ? undefined : `by ${keyspace}.${theirs.workflow}, a workflow that vtmigrate did not make`;
}
