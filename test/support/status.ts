import { ServiceError, type WorkflowHandle } from '@temporalio/client';
import type { Status } from '../../src/migration/lifecycle/status.js';

/**
 * The status of a migration. On a busy machine the service may give up on a query, or the worker may miss it, so it is
 * asked again.
 *
 * @param seconds after which the last error is thrown
 * @param patience seconds for one query
 */
export async function statusOf(handle: WorkflowHandle, seconds = 120, patience = 30): Promise<Status> {
  for (const deadline = Date.now() + seconds * 1000; ;) {
    try {
      return await handle.client.withDeadline(Date.now() + patience * 1000, () => handle.query<Status>('status'));
    } catch (error) {
      // What the workflow itself answers is another error; this one is the service's, and its cause says more.
      if (!(error instanceof ServiceError)) throw error;
      if (Date.now() > deadline)
        throw new Error(`no status after ${seconds} s: ${String(error.cause)}`, { cause: error });
    }
  }
}
