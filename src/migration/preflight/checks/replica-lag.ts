import { defineCheck, type Found } from '../check.js';
import type { ReplicaFacts } from '../facts.js';

/** Seconds. */
const long = 120;

/** No replica that streams may read from is minutes behind: streams that read from it are as late. */
export const replicaLag = defineCheck({
  name: 'replica-lag',
  severity: 'warning',
  needs: ['sourceReplicas'],
  judge: ({ sourceReplicas }) => sourceReplicas.flatMap(judgeReplica),
});

function judgeReplica({ place, type, lag, delay }: ReplicaFacts): Found[] {
  const waits = 'streams that read from it are as late, Complete waits for them, and rows are compared on the primary';
  const other = 'or choose other tablets with -tablet_types and -cells';
  const tablet = `tablet ${place.tablet ?? ''} (${type})`;
  if (delay >= long)
    return [
      {
        message: `${tablet} is kept ${delay} s behind its primary on purpose (SQL_Delay): ${waits}`,
        place,
        remedy: `set SOURCE_DELAY = 0 with CHANGE REPLICATION SOURCE TO; ${other}`,
      },
    ];
  if (lag === undefined)
    return [
      {
        message: `${tablet} does not replicate: ${waits}`,
        place,
        remedy: `look at SHOW REPLICA STATUS and start its replication; ${other}`,
      },
    ];
  if (lag < long) return [];
  return [
    {
      message: `${tablet} is ${lag} s behind its primary: ${waits}`,
      place,
      remedy: `wait until it has caught up; ${other}`,
    },
  ];
}
