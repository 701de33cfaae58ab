import type { Context } from '@temporalio/activity';
import { ActivityNotFoundError } from '@temporalio/client';
import type { ActivityInterceptors } from '@temporalio/worker';
import { claimLost } from '../../vitess/claims.js';
import { toFailure } from './failure.js';

/** Milliseconds. */
const callTimeout = 5_000;

/**
 * Asks Temporal before each activity whether it is still this worker's. Temporal answers an open poll of a worker that
 * stands still, and gives the activity to another one when it hears nothing; the first would begin it when it goes on.
 */
export function currentOnly(context: Context): ActivityInterceptors {
  return {
    inbound: {
      async execute(input, next) {
        await assertCurrent(context);
        return next(input);
      },
    },
  };
}

/** No answer is not a reason to stop: the claims of heartbeats and locks hold besides. */
async function assertCurrent({ client, info }: Context): Promise<void> {
  const ask = () => client.activity.heartbeat(info.taskToken, info.heartbeatDetails);
  try {
    await client.withDeadline(Date.now() + callTimeout, ask);
  } catch (error) {
    if (error instanceof ActivityNotFoundError)
      throw toFailure(claimLost(`${info.activityType} came too late: another worker has it`, {}));
  }
}
