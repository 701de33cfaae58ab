import { readFile } from 'node:fs/promises';
import { Script } from 'node:vm';
import { parseWorkflowCode } from '@temporalio/worker/lib/worker.js';
import type { WorkflowCreator } from '@temporalio/worker/lib/workflow/interface.js';
import { ReusableVMWorkflowCreator } from '@temporalio/worker/lib/workflow/reusable-vm.js';
import { allActivities } from '../../src/activities/index.js';
import { buildClients } from '../../src/worker.js';
import { fakeConfig, World } from '../support/fakes/world.js';
import { bundle } from '../support/workflow/bundle.js';

/** Milliseconds, of real time: a workflow task that takes longer hangs. */
const taskTimeout = 60_000;

/**
 * The SDK's own runtime for the bundled workflow code. It is made without `create`, whose hooks on every promise are for
 * stack traces of stuck workflows, and cost most of the time here.
 */
export async function workflowCreator(): Promise<WorkflowCreator> {
  const { codePath } = await bundle();
  const parsed = parseWorkflowCode(await readFile(codePath, 'utf8'), codePath);
  const script = new Script(parsed.code, { filename: parsed.filename });
  const { clients } = buildClients(fakeConfig, new World().connectors());
  return new ReusableVMWorkflowCreator(script, parsed, taskTimeout, new Set(Object.keys(allActivities(clients))));
}
