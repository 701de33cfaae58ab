import { parseWorkflowIdentifier } from '../../migration/input/identifier.js';
import type { Finding, Owner } from '../../migration/audit/judge.js';
import { renderOwner } from './audit.js';

/** What is in the cluster of a migration whose workflow does not run, and what happens to it now. */
export function takeoverLines(leftover: {
  id: string;
  ended: string | undefined;
  owner: Owner;
  findings: readonly Finding[];
  adopt: string;
}): string[] {
  const { id, ended, owner, findings, adopt } = leftover;
  const { keyspace } = parseWorkflowIdentifier(id);
  const workflow =
    ended === undefined ? `Temporal knows of no migration ${id}` : `The workflow of ${id} has ended (${ended})`;
  return [
    `${workflow}, and this is in the cluster:`,
    // Adopting it is what happens now: no need to suggest it.
    ...renderOwner(keyspace, { ...owner, adoptable: false }, findings),
    ...(owner.adoptable ? [`It is taken over, to ${adopt} it.`] : []),
  ];
}
