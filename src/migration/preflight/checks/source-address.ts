import { defineCheck, type Found } from '../check.js';

/**
 * Addresses of the source that mean another machine to a target primary. Whether the target's tablets reach the
 * source only a stream shows: see docs/preflight.md.
 */
export const sourceAddress = defineCheck({
  name: 'source-address',
  severity: 'warning',
  needs: ['mount', 'candidates', 'targetPrimaries'],
  judge: ({ mount, candidates, targetPrimaries }) => {
    const topologyIsLocal = mount.topoServer.split(',').some((server) => isLocal(server.replace(/:\d+$/, '')));
    const local = candidates.find(({ hostname }) => isLocal(hostname));
    return targetPrimaries
      .filter(({ hostname }) => !isLocal(hostname))
      .flatMap(({ place, hostname }) => {
        const own = `which means its own machine to this primary on ${hostname}`;
        const unless = 'that the target tablets can reach, unless everything runs on one machine';
        const found: Found[] = [];
        if (topologyIsLocal)
          found.push({
            message: `the mount's topology server is ${mount.topoServer}, ${own}`,
            place,
            remedy: `mount the source again with an address ${unless}`,
          });
        if (local !== undefined)
          found.push({
            message: `source tablet ${local.place.tablet ?? ''} is registered on ${local.hostname}, ${own}`,
            place,
            remedy: `start the source tablets with a --tablet-hostname ${unless}`,
          });
        return found;
      });
  },
});

function isLocal(host: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/i.test(host);
}
