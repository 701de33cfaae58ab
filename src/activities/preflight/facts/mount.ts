import { isSameMount, mountConflict } from '../../../effects/mount-record.js';
import type { MountFacts } from '../../../migration/preflight/facts.js';
import { requiredFact } from '../fact.js';
import type { Sides } from '../sides.js';

/** A dry run writes no mount record: it reads the source by the config of its input. */
export const mount = requiredFact({
  name: 'mount',
  needs: [],
  read: (sides) =>
    sides.one(sides.clients.target.place(), async () => {
      const config = await mountOf(sides);
      // Refuses a name that no mount may have.
      sides.source(config);
      return config;
    }),
});

async function mountOf({ clients, request: { input, source } }: Sides): Promise<MountFacts> {
  const wanted = input.mount;
  const recorded = await clients.mounts.get(source.mount);
  if (recorded === undefined) {
    if (input.dryRun && wanted !== undefined) return wanted;
    // The error names the mounts that exist.
    const { server, root } = await clients.source(source.mount);
    return { topoType: 'etcd2', topoServer: server, topoRoot: root };
  }
  if (wanted === undefined || isSameMount(recorded, wanted)) return recorded;
  throw mountConflict(clients, source.mount, recorded, wanted);
}
