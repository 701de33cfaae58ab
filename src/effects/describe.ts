import type { Description, TopologyWrite } from '../migration/plan/topology-write.js';
import { deniedTables } from './denied-tables.js';
import { fence } from './fence.js';
import { journal } from './journal.js';
import { locks } from './locks.js';
import { mountRecord } from './mount-record.js';
import { sourceTables } from './source-tables.js';
import { vschemaEntries } from './vschema-entries.js';

/** The effects that write to a topology, in the order of a migration. The others are in MySQL. */
const effects = [mountRecord, locks, journal, deniedTables, vschemaEntries, fence, sourceTables];

/** Every key of either topology that a migration writes: the sum of what its effects describe. */
export function describeTopologyWrites(description: Description): TopologyWrite[] {
  return effects.flatMap((effect) => effect.describe(description));
}
