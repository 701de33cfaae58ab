import { CancellationScope, type WorkflowInterceptors } from '@temporalio/workflow';

/**
 * A workflow interceptor for tests in which time is skipped: the comparison that runs beside the other steps says
 * nothing until it is cancelled, and is no activity. The time-skipping server skips nothing while an activity runs, and
 * hangs when a workflow cancels one that has just completed.
 */
export function interceptors(): WorkflowInterceptors {
  return {
    outbound: [
      {
        scheduleActivity: (input, next) =>
          input.activityType === 'checksum' ? CancellationScope.current().cancelRequested : next(input),
      },
    ],
  };
}
