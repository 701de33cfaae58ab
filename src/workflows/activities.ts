import { ActivityCancellationType, proxyActivities, type ActivityOptions } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import type { Facts } from '../migration/lifecycle/state.js';

/**
 * Time-outs and retries of every activity, by what a failure means. Temporal retries an activity a few
 * times; then the workflow shows the error, and decides (`retry.ts`).
 */
const retry = { initialInterval: '500 ms', backoffCoefficient: 2, maximumInterval: '5 s', maximumAttempts: 3 } as const;

type LockedStep =
  | 'create'
  | 'adopt'
  | 'remove'
  | 'pause'
  | 'resume'
  | 'restart'
  | 'leave'
  | 'updateOptions'
  | 'watchSource'
  | 'checksumNow'
  | 'prove'
  | 'rehearse'
  | 'publish'
  | 'fence'
  | 'insideFence'
  | 'unpublish'
  | 'finish'
  | 'serve'
  | 'retire'
  | 'cancel'
  | 'forget';

/** Questions. */
export const quick = proxyActivities<
  Pick<Activities, 'showMount' | 'listMounts' | 'lookAround' | 'readiness' | 'tablePage'>
>({
  startToCloseTimeout: '2 minutes',
  retry,
});

/** Small changes without a lock. */
export const mounting = proxyActivities<Pick<Activities, 'mount' | 'unmount'>>({
  startToCloseTimeout: '2 minutes',
  heartbeatTimeout: '10 s',
  retry,
});

/**
 * Preflight: many questions, some of them slow on a keyspace of thousands of tables. When cancelled, the workflow
 * waits: a preflight that went on would begin a journal after Cancel has looked for one.
 */
export const reading = proxyActivities<Pick<Activities, 'preflight'>>({
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '10 s',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry,
});

/** Whether tables may leave: asked before anything that goes on is cut off for it. */
export const asking = proxyActivities<Pick<Activities, 'mayLeave'>>({
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '10 s',
  retry,
});

/** Steps under Vitess's locks. When cancelled, the workflow waits until they have released them. */
export const locked = proxyActivities<Pick<Activities, LockedStep>>({
  startToCloseTimeout: '1 hour',
  heartbeatTimeout: '10 s',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry,
});

/** Clears away what a failed preflight may have left. Bounded: the topology may be out of reach. */
export const clearing = proxyActivities<Pick<Activities, 'cancel'>>({
  scheduleToCloseTimeout: '2 minutes',
  heartbeatTimeout: '10 s',
  retry,
});

/** What goes on for as long as a migration does. A worker that has many of them needs longer between two heartbeats. */
const lasting = ({ observation }: Facts): ActivityOptions => ({
  heartbeatTimeout: `${observation?.heartbeatPatience ?? 10} s`,
  retry: { initialInterval: '500 ms', backoffCoefficient: 2, maximumInterval: '30 s' },
});

/** Watching: ends when something changes, and is abandoned when there is something else to do. */
export const watching = (facts: Facts) =>
  proxyActivities<Pick<Activities, 'observe'>>({
    ...lasting(facts),
    startToCloseTimeout: '2 days',
    cancellationType: ActivityCancellationType.TRY_CANCEL,
  });

/** Holding the copy back beside Monitor: when cancelled, the workflow waits until it changes nothing any more. */
export const holding = (facts: Facts) =>
  proxyActivities<Pick<Activities, 'holdBack'>>({
    ...lasting(facts),
    startToCloseTimeout: '30 days',
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  });

/** Comparing the rows beside the other steps: ends with news, and when cancelled the workflow waits for its record. */
export const checking = (facts: Facts) =>
  proxyActivities<Pick<Activities, 'checksum'>>({
    ...lasting(facts),
    startToCloseTimeout: '30 days',
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  });

/** Setting values from the source: long, and when cancelled the workflow waits until the streams run again. */
export const repairing = proxyActivities<Pick<Activities, 'repair'>>({
  startToCloseTimeout: '30 days',
  heartbeatTimeout: '20 s',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry,
});

/** VDiff: long, and when cancelled the workflow waits until the streams run again. */
export const comparing = proxyActivities<Pick<Activities, 'vdiff'>>({
  startToCloseTimeout: '30 days',
  heartbeatTimeout: '20 s',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry,
});
