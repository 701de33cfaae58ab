import { parseWorkflowIdentifier } from '../../migration/input/identifier.js';
import type { Owner } from '../../migration/audit/owners.js';
import type { Found } from '../../migration/audit/residue.js';
import { renderOwner } from './audit.js';

/** What is in the cluster of a migration whose workflow does not run, and what happens to it now. */
export function takeoverLines(leftover: {
  id: string;
  ended: string | undefined;
  owner: Owner;
  found: readonly Found[];
  adopt: string;
}): string[] {
  const { id, ended, owner, found, adopt } = leftover;
  const { keyspace } = parseWorkflowIdentifier(id);
  const workflow =
    ended === undefined ? `Temporal knows of no migration ${id}` : `The workflow of ${id} has ended (${ended})`;
  return [
    `${workflow}, and this is in the cluster:`,
    // Adopting it is what happens now: no need to suggest it.
    ...renderOwner(keyspace, { ...owner, adoptable: false }, found),
    ...(owner.adoptable ? [`It is taken over, to ${adopt} it.`] : []),
  ];
}
