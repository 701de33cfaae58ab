import { lanesOf } from '../../plan/lanes.js';
import { defineCheck } from '../check.js';

/**
 * Connections that a stream may have open at its source at the same time: one that reads the binary log, and during
 * the copy one that reads rows and one that holds the lock for their snapshot (`snapshotConn` of vstreamer).
 */
const connectionsOfStream = 3;

/** The lanes leave the applications of the source connections enough. */
export const laneConnections = defineCheck({
  name: 'lane-connections',
  severity: 'warning',
  needs: ['plan', 'sourceServers'],
  variables: ['max_connections'],
  judge: ({ plan, sourceServers }) => {
    const lanes = lanesOf(plan).length;
    if (lanes === 1) return [];
    // A tablet may be read by the streams of every target shard.
    const needed = lanes * plan.target.shards.length * connectionsOfStream;
    return sourceServers.flatMap(({ place, variables }) => {
      const limit = Number(variables['max_connections'] ?? Infinity);
      if (needed <= limit / 2) return [];
      return [
        {
          message: `the streams of ${lanes} lanes may need ${needed} of the ${limit} connections that MySQL takes`,
          place,
          remedy: 'choose fewer lanes, or raise max_connections',
        },
      ];
    });
  },
});
