import type { Flag } from './parse.js';

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
