import type { WorkflowInterceptors } from '@temporalio/workflow';

/**
 * A workflow interceptor for tests that want to be through with retries, not to see how long they
 * wait: timers and the pauses between attempts are five hundred times shorter.
 */
export function interceptors(): WorkflowInterceptors {
  return {
    outbound: [
      {
        startTimer: (input, next) => next({ ...input, durationMs: Math.max(1, Math.ceil(input.durationMs / 500)) }),
        scheduleActivity: (input, next) =>
          next({
            ...input,
            options: { ...input.options, retry: { ...input.options.retry, initialInterval: 1, maximumInterval: 10 } },
          }),
      },
    ],
  };
}
