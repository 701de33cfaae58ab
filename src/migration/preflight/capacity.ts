import type { Place } from '../problem/errors.js';
import { finding, type Finding } from '../problem/finding.js';

/** Share of a disk above which a copy is not begun unasked. */
const fullDisk = 0.8;

/** Apps of Vitess's throttler by whose rules a stream is held back, on either side. */
const streamApps = ['vreplication', 'vstreamer', 'rowstreamer', 'resultstreamer', 'vcopier', 'vplayer', 'all'];

/** The disk of a target shard. `used` is undefined where its tablet does not know. */
export function judgeDisk(place: Place, used: number | undefined, bytes: number): Finding[] {
  const size = `the copy adds about ${Math.ceil(bytes / 1024 / 1024)} MiB to this shard, keys and binary logs not counted`;
  if (used === undefined)
    return [
      finding(
        'disk-unknown',
        `the tablet does not know how full MySQL's disk is; ${size}`,
        place,
        'look at it yourself: vttablet knows it only of a MySQL that it manages',
      ),
    ];
  if (used < fullDisk) return [];
  return [
    finding(
      'disk-full',
      `MySQL's disk is ${Math.round(used * 100)} % full; ${size}`,
      place,
      'make room, or accept it if what is free is enough',
    ),
  ];
}

/** Rules of a tablet's throttler that hold the migration's streams back. */
export function judgeThrottler(place: Place, apps: Record<string, number>, workflow: string): Finding[] {
  return Object.entries(apps)
    .filter(([name]) => streamApps.includes(name) || name.split(':').includes(workflow))
    .map(([name, ratio]) =>
      finding(
        'throttler',
        `the throttler holds back ${name} for ${Math.round(ratio * 100)} % of the time`,
        place,
        'the copy is slower, or stands still, until the rule ends: vtctldclient UpdateThrottlerConfig --unthrottle-app',
      ),
    );
}

/** What the account of the source's streams lacks, from its grants; accounts with roles are left to the stream that was tried. */
export function judgePrivileges(place: Place, user: string, grants: readonly string[] | undefined): Finding[] {
  if (grants === undefined) return [];
  const missing = ['SELECT', 'LOCK TABLES', 'REPLICATION SLAVE'].filter((privilege) => !grants.includes(privilege));
  if (missing.length === 0) return [];
  return [
    finding(
      'source-privileges',
      `the account ${user}, with which the source's tablets read for streams, lacks ${missing.join(', ')}`,
      place,
      `grant ${missing.join(', ')} on *.* to it`,
    ),
  ];
}
