import { UsageError } from '../errors.js';
import type { Arguments, Flag } from './parse.js';

/** The options that several commands share. */
export const workflowFlag: Flag = {
  name: 'workflow',
  aliases: ['w'],
  takes: '<name>',
  about: 'the name of the workflow, instead of the identifier',
};
export const targetKeyspaceFlag: Flag = {
  name: 'target-keyspace',
  takes: '<keyspace>',
  about: 'the target keyspace, instead of the identifier',
};
export const formatFlag: Flag = {
  name: 'format',
  takes: 'text|json',
  default: 'text',
  about: 'json is the same as -json',
};

/** Whether the answer is to be JSON, by -json or by -format. @throws UsageError */
export function asksForJson(args: Arguments): boolean {
  const format = args.text('format')?.toLowerCase();
  const json = args.bool('json');
  if (format === undefined) return json ?? false;
  const typed = args.typed('format');
  if (format !== 'text' && format !== 'json') throw new UsageError(`${typed} must be text or json, not ${format}`);
  if (json !== undefined && json !== (format === 'json'))
    throw new UsageError(`${typed} ${format} and ${args.typed('json')}=${json} contradict each other`);
  return format === 'json';
}
