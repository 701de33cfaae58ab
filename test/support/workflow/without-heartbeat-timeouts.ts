import type { WorkflowInterceptors } from '@temporalio/workflow';

/**
 * A workflow interceptor for tests in which days pass inside an activity: the time-skipping server
 * counts heartbeat time-outs in skipped time, and no activity can heartbeat that fast.
 */
export function interceptors(): WorkflowInterceptors {
  return {
    outbound: [
      {
        scheduleActivity(input, next) {
          const options = { ...input.options };
          delete options.heartbeatTimeout;
          return next({ ...input, options });
        },
      },
    ],
  };
}
