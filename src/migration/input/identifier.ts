import { MigrationError } from '../problem/errors.js';

/** `targetKeyspace.workflow`: what the document calls the workflow identifier. */
export interface WorkflowIdentifier {
  keyspace: string;
  workflow: string;
}

/** `mount.keyspace`: the mounted external cluster and a keyspace in it. */
export interface SourceIdentifier {
  mount: string;
  keyspace: string;
}

/** Names become parts of topology paths and of file-like keys: no slash, no dot, no blank. */
export const namePattern = /^[A-Za-z0-9_][A-Za-z0-9_-]*$/;
export const nameHint = 'letters, digits, "_" and "-", not starting with "-"';

const maxNameLength = 63;

/** True for a mount, keyspace or workflow name that is safe in a topology path. */
export function isName(name: string): boolean {
  return name.length <= maxNameLength && namePattern.test(name);
}

/** Splits `a.b`; `undefined` unless it is exactly two well-formed names. */
export function splitIdentifier(text: string): [string, string] | undefined {
  const [first, second, ...rest] = text.split('.');
  if (first === undefined || second === undefined || rest.length > 0) return undefined;
  return isName(first) && isName(second) ? [first, second] : undefined;
}

/** Parses `commerce.wf`. @throws MigrationError INVALID_INPUT */
export function parseWorkflowIdentifier(text: string): WorkflowIdentifier {
  const parts = splitIdentifier(text);
  if (parts !== undefined) return { keyspace: parts[0], workflow: parts[1] };
  throw new MigrationError(
    'INVALID_INPUT',
    `invalid workflow identifier: ${JSON.stringify(text)}`,
    {},
    `write it as <target keyspace>.<workflow>, for example commerce.wf; each name consists of ${nameHint}`,
  );
}

/** Parses `ext1.load`. @throws MigrationError INVALID_INPUT */
export function parseSourceIdentifier(text: string): SourceIdentifier {
  const parts = splitIdentifier(text);
  if (parts !== undefined) return { mount: parts[0], keyspace: parts[1] };
  throw new MigrationError(
    'INVALID_INPUT',
    `invalid format for external source cluster: ${JSON.stringify(text)}`,
    {},
    `write it as <mount>.<keyspace>, for example ext1.load; each name consists of ${nameHint}`,
  );
}

/** `commerce.wf` */
export function formatIdentifier(id: WorkflowIdentifier): string {
  return `${id.keyspace}.${id.workflow}`;
}
