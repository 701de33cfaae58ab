// What the types refuse. Compiled against the packed package, never run: tsc reports each line on which there is no error.
import type { Client, WorkflowHandle } from '@temporalio/client';
import type { CompleteRequest, ErrorCode, Migrate, MigrateInput, Phase, Status } from 'vtmigrate';
import { migrate } from 'vtmigrate/workflows';
import { runWorker } from 'vtmigrate/worker';

export const options = { taskQueue: 'vtmigrate', workflowId: 'commerce.wf' };

export async function misuse(client: Client, handle: WorkflowHandle<Migrate>): Promise<void> {
  // @ts-expect-error the target is missing
  await client.workflow.start<Migrate>('migrate', { ...options, args: [{ source: 'ext1.load' }] });
  // @ts-expect-error a number is no name
  await client.workflow.start<Migrate>('migrate', { ...options, args: [{ source: 'ext1.load', target: 1 }] });
  // @ts-expect-error there is no such option
  console.log({ source: 'ext1.load', target: 'commerce.wf', everything: true } satisfies MigrateInput);
  // @ts-expect-error the source's tables are kept, renamed or dropped
  await handle.signal<[CompleteRequest]>('complete', { sourceTables: 'burn' });
  // @ts-expect-error a status has no such field
  console.log((await handle.query<Status>('status')).percent);
  // @ts-expect-error there is no such phase
  console.log('flying' satisfies Phase);
  // @ts-expect-error there is no such code
  console.log('NO_CODE' satisfies ErrorCode);
  // @ts-expect-error a planned migration has no tables: the outcome must be looked at first
  console.log((await handle.result()).tables);
  // @ts-expect-error there is no bundle
  await runWorker(undefined, {});
  // @ts-expect-error a workflow has one input
  await migrate({}, {});
}
