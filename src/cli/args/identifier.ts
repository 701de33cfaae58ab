import { formatIdentifier, parseWorkflowIdentifier } from '../../migration/input/identifier.js';
import { UsageError } from '../errors.js';
import type { Arguments } from './parse.js';

/** The migration a command line names, and whether it does so in the modern spelling. */
export interface Named {
  id: string;
  modern: boolean;
}

/**
 * The workflow identifier: the word after the action, or the two options of vtctldclient's spelling.
 * @throws UsageError when there is none, or more than one
 * @throws MigrationError INVALID_INPUT when it is malformed
 */
export function identifierOf(args: Arguments, words: readonly string[], keyspaceFlag: string, example: string): Named {
  const [word, ...more] = words;
  if (more.length > 0) throw new UsageError(`too many words: ${more.join(' ')}`);
  const [keyspace, workflow] = [args.text(keyspaceFlag), args.text('workflow')];
  if (word !== undefined) {
    if ((keyspace ?? workflow) !== undefined)
      throw new UsageError(
        `${word} and the options -workflow and -${keyspaceFlag} both name the migration: give one of them`,
      );
    return { id: formatIdentifier(parseWorkflowIdentifier(word)), modern: false };
  }
  if (keyspace === undefined && workflow === undefined)
    throw new UsageError(`which migration? Give its identifier, <target keyspace>.<workflow>: ${example}`);
  if (keyspace === undefined) throw new UsageError(`-${keyspaceFlag} is needed with -workflow`);
  if (workflow === undefined) throw new UsageError(`-workflow is needed with -${keyspaceFlag}`);
  return { id: formatIdentifier(parseWorkflowIdentifier(`${keyspace}.${workflow}`)), modern: true };
}
