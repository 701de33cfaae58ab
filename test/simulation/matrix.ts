import type { WorkflowCreator } from '@temporalio/worker/lib/workflow/interface.js';
import type { AttemptId } from './activity-task.js';
import type { Kind } from './faults.js';
import { Simulation, type Course, type Verdict } from './run.js';
import { endOf, uneventful, type Scenario } from './scenarios.js';

/** Milliseconds, of skipped time: a run that needs longer needs a person, and no single fault may need one. */
const patience = 6 * 3_600_000;
/** Milliseconds that a worker stands still: longer than its locks and heartbeats last. */
const standsStill = 25_000;

/** One external call of a scenario. */
export interface ExternalCall extends AttemptId {
  /** Its number among all of its attempt, from 1. */
  call: number;
  what: string;
}

/** What happens to one call. */
export interface Fault extends ExternalCall {
  kind: Kind;
}

const kinds: Kind[] = ['dies before', 'dies after', 'fails before', 'answer lost', 'time runs out', 'frozen'];
/** Of a call that checks whether a lock is held: nothing comes between it and what follows (`worker.ts`). */
const kindsOfCheck: Kind[] = ['dies before', 'fails before', 'answer lost'];

/** Runs a scenario in which nothing goes wrong, and answers with its external calls as well. */
export async function calm(
  scenario: Scenario,
  creator: WorkflowCreator,
): Promise<{ verdict: Verdict; calls: ExternalCall[] }> {
  const calls: ExternalCall[] = [];
  const onCall: Course['onCall'] = ({ step, nth, attempt }, { what, numbers }) =>
    void calls.push({ step, nth, attempt, call: numbers.calls, what });
  const verdict = await run(scenario, creator, undefined, onCall);
  return { verdict, calls };
}

/** Every fault of every call, by their kinds: every nth of them has all kinds. */
export function faultsOf(calls: readonly ExternalCall[]): Fault[] {
  const hits = (kind: Kind, what: string) => !what.startsWith('etcd check ') || kindsOfCheck.includes(kind);
  return kinds.flatMap((kind) => calls.filter(({ what }) => hits(kind, what)).map((call) => ({ ...call, kind })));
}

/** Runs a scenario with a fault. What is wrong with its end is in the verdict. */
export function struckBy(scenario: Scenario, fault: Fault, creator: WorkflowCreator): Promise<Verdict> {
  return run(scenario, creator, fault);
}

/** Makes a dry run of a scenario, in which nobody does anything. */
export function dryRun({ plan }: Scenario, creator: WorkflowCreator): Promise<Verdict> {
  const { keyspace, mounted, there, input } = { ...uneventful, ...plan };
  const dry = { ...uneventful, keyspace, mounted, there, input: { ...input, dryRun: true } };
  return Simulation.whole(dry, creator, { watch: byNobody });
}

async function run(
  { plan, onStep, end }: Scenario,
  creator: WorkflowCreator,
  fault?: Fault,
  onCall?: Course['onCall'],
): Promise<Verdict> {
  const aimed = fault === undefined ? [] : [{ ...fault, of: 'calls' as const, ms: standsStill }];
  const course = { watch: byNobody, ...(onStep && { onStep }), ...(onCall && { onCall }) };
  const verdict = await Simulation.whole({ ...uneventful, ...plan, aimed }, creator, course);
  const is = JSON.stringify(endOf(verdict.result));
  const struck = JSON.stringify(verdict.struck);
  const wanted = JSON.stringify(fault === undefined ? {} : { [fault.kind]: 1 });
  return {
    ...verdict,
    wrong: [
      ...verdict.wrong,
      ...(is === JSON.stringify(end) ? [] : [`the end is ${is} instead of ${JSON.stringify(end)}`]),
      ...(struck === wanted ? [] : [`struck by ${struck} instead of ${wanted}`]),
    ],
  };
}

/** It has to end by itself. */
async function byNobody(simulation: Simulation): Promise<void> {
  const hasEnded = () => simulation.over || simulation.outcome === 'failed';
  if (!(await simulation.clock.run(hasEnded, patience))) {
    const status = JSON.stringify(await simulation.execution.query('status'));
    simulation.wrong.push(`has not ended after ${patience / 3_600_000} hours: ${status}`);
  } else if (simulation.outcome === 'failed') simulation.wrong.push('the workflow has failed');
}
