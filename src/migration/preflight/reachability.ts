import { parseAddresses } from '../input/address.js';
import type { Place } from '../problem/errors.js';
import type { CandidateFacts } from './facts.js';
import { finding, type Finding } from '../problem/finding.js';

/**
 * Source tablets of the chosen types in the chosen cells, as Vitess's tablet picker would look at
 * them: one healthy tablet for each shard is enough, and a stream must open on what is healthy.
 * Shards without any candidate are the plan's own finding.
 */
export function judgeCandidates(candidates: readonly CandidateFacts[]): Finding[] {
  const shards = new Set(candidates.map(({ place }) => place.shard));
  return [...shards].flatMap((shard) => {
    const ofShard = candidates.filter(({ place }) => place.shard === shard);
    const [first] = ofShard;
    const healthy = ofShard.filter(({ unhealthy }) => unhealthy === '');
    const unwell = ofShard.filter(({ unhealthy }) => unhealthy !== '');
    const place: Place = { ...first?.place };
    delete place.tablet;
    if (healthy.length === 0) {
      const why = unwell
        .map(({ place: { tablet }, type, unhealthy }) => `${tablet ?? ''} (${type}): ${unhealthy}`)
        .join('; ');
      return [
        finding(
          'source-tablet',
          `no tablet of the chosen types in the chosen cells is healthy: ${why}`,
          place,
          'start one, or choose others with -tablet_types and -cells',
          'NO_SOURCE_TABLET',
        ),
      ];
    }
    return [
      ...unwell.map((each) =>
        finding('unhealthy-tablet', `tablet is not healthy: ${each.unhealthy}`, each.place, 'streams take another one'),
      ),
      ...healthy
        .filter(({ streamError }) => streamError !== '')
        .map(({ place: at, streamError }) =>
          finding(
            'source-stream',
            `no stream can be opened on this tablet (${streamError})`,
            at,
            "see to the reason given; the tablet's MySQL account for streams (--db-filtered-user) needs REPLICATION SLAVE",
          ),
        ),
    ];
  });
}

/**
 * Addresses of the source that mean another machine to a target primary than to whoever wrote them
 * down. Whether the target's tablets really reach the source, only a stream shows: see docs/preflight.md.
 */
export function judgeAddresses(
  targets: readonly { place: Place; hostname: string }[],
  source: { topoServer: string; tablets: readonly { hostname: string; place: Place }[] },
): Finding[] {
  const topoHosts = parseAddresses(source.topoServer)?.map(({ host }) => host) ?? [];
  const local = source.tablets.filter(({ hostname }) => isLocal(hostname));
  return targets
    .filter(({ hostname }) => !isLocal(hostname))
    .flatMap(({ place, hostname }) => [
      ...(topoHosts.some(isLocal)
        ? [
            finding(
              'source-address',
              `the mount's topology server is ${source.topoServer}, which to this primary on ${hostname} is its own machine`,
              place,
              'mount the source again with an address that the target tablets can reach, unless all of it runs on one machine',
            ),
          ]
        : []),
      ...local
        .slice(0, 1)
        .map((tablet) =>
          finding(
            'source-address',
            `source tablet ${tablet.place.tablet ?? ''} is registered on ${tablet.hostname}, which to this primary on ${hostname} is its own machine`,
            place,
            'start the source tablets with a --tablet-hostname that the target tablets can reach, unless all of it runs on one machine',
          ),
        ),
    ]);
}

function isLocal(host: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/i.test(host);
}
