import type { Fact, ReadFactName } from '../fact.js';
import { candidates } from './candidates.js';
import { cellsAway } from './cells-away.js';
import { fenceHook } from './fence-hook.js';
import { filledTables } from './filled-tables.js';
import { journals } from './journals.js';
import { locks } from './locks.js';
import { mount } from './mount.js';
import { otherTables } from './other-tables.js';
import { plan } from './plan.js';
import { routingRules } from './routing-rules.js';
import { sequences } from './sequences.js';
import { sourceCells } from './source-cells.js';
import { sourceDetails } from './source-details.js';
import { sourceReplicas } from './source-replicas.js';
import { sourceSchemas } from './source-schemas.js';
import { sourceServers } from './source-servers.js';
import { sourceShards } from './source-shards.js';
import { sourceTablets } from './source-tablets.js';
import { sourceTransactions } from './source-transactions.js';
import { sourceVersions } from './source-versions.js';
import { sourceViews } from './source-views.js';
import { sourceVSchema } from './source-vschema.js';
import { streamAccounts } from './stream-accounts.js';
import { targetCells } from './target-cells.js';
import { targetCollations } from './target-collations.js';
import { targetConstraints } from './target-constraints.js';
import { targetDetails } from './target-details.js';
import { targetDisks } from './target-disks.js';
import { targetHealth } from './target-health.js';
import { targetPermissions } from './target-permissions.js';
import { targetPrimaries } from './target-primaries.js';
import { targetServers } from './target-servers.js';
import { targetShards } from './target-shards.js';
import { targetStreams } from './target-streams.js';
import { targetTables } from './target-tables.js';
import { targetTablets } from './target-tablets.js';
import { targetTransactions } from './target-transactions.js';
import { targetVersions } from './target-versions.js';
import { targetVSchema } from './target-vschema.js';
import { throttledApps } from './throttled-apps.js';
import { timeZones } from './time-zones.js';
import { vindexValues } from './vindex-values.js';
import { vtgate } from './vtgate.js';

/** How each fact is read. A fact is a line in the map of its types (facts.ts), a file of its own and a line here. */
export const facts: { readonly [N in ReadFactName]: Fact<N> } = {
  mount,
  vtgate,
  journals,
  sourceShards,
  sourceCells,
  sourceVSchema,
  sourceTablets,
  sourceSchemas,
  targetShards,
  targetCells,
  targetVSchema,
  targetPrimaries,
  targetTables,
  targetStreams,
  plan,
  filledTables,
  sourceDetails,
  sourceViews,
  candidates,
  sourceServers,
  sourceVersions,
  sourceTransactions,
  sourceReplicas,
  vindexValues,
  streamAccounts,
  cellsAway,
  targetTablets,
  targetHealth,
  targetPermissions,
  targetServers,
  targetVersions,
  targetTransactions,
  targetCollations,
  targetDetails,
  targetConstraints,
  targetDisks,
  throttledApps,
  timeZones,
  routingRules,
  sequences,
  locks,
  otherTables,
  fenceHook,
};
