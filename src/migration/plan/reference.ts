import type { WorkflowIdentifier } from '../input/identifier.js';

/**
 * A migration as its activities are given it. What it is in detail (input, plan, definitions) they read from
 * the record beside the journal, so that no Temporal history grows with the number of tables.
 */
export interface MigrationRef {
  id: WorkflowIdentifier;
  /** The first run of the Temporal workflow: what the journal calls its owner. */
  runId: string;
}

/** Names for a history: how many there are, and the first of them. */
export interface NameList {
  count: number;
  names: string[];
}

/** Names that a {@link NameList} holds unless told otherwise. */
const mostNames = 100;

/** The list of these names, cut where a history would grow with it. */
export function nameList(names: readonly string[], most = mostNames): NameList {
  return { count: names.length, names: names.slice(0, most) };
}
