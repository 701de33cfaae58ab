import { isCancellation, sleep, uuid4 } from '@temporalio/workflow';
import { readiness, repairIsDue } from '../migration/lifecycle/next-step.js';
import { leaveEnds, leaveRefusals } from '../migration/plan/leaving.js';
import { optionsRefusals } from '../migration/plan/reading.js';
import { repairsWith, tablesToRepair } from '../migration/lifecycle/state.js';
import { failedReport, isClean, type VDiffReport } from '../migration/proof/vdiff.js';
import { comparing, locked, repairing } from './activities.js';
import { tooLate, type LifecycleContext } from './context.js';
import { problemOf } from './failures.js';
import { retryForever } from './retry.js';

/** How often a VDiff is tried before its failure counts. */
const vdiffTries = 3;
/** Seconds until a repair that has failed is tried again. */
const repairPause = 60;

/** Watches the copy. */
export async function copy(context: LifecycleContext): Promise<void> {
  const { intents } = context.migration;
  context.enter('copying');
  await context.observe(() => intents.streams.want === 'resume');
}

/** Waits for a person. A Complete that was asked for is answered with what is lacking. */
export async function wait(context: LifecycleContext): Promise<void> {
  const { migration } = context;
  if (migration.intents.complete !== null) migration.facts.missing = readiness(migration).gaps;
  migration.finishCompleteTry();
  context.enter('replicating');
  await context.observe(() => context.somethingAsked() || repairIsDue(migration.facts, migration.intents));
}

/**
 * Stops the streams. What Complete has begun is taken back first.
 * @returns `tooLate` when Complete has passed the point of no return
 */
export async function pause(context: LifecycleContext): Promise<undefined | typeof tooLate> {
  const { facts, phase, progress, ref } = context.migration;
  if (phase === 'completing' && (await context.takeBack()) === tooLate) return tooLate;
  await retryForever(progress, () => locked.pause(ref));
  facts.streamsPaused = true;
  context.enter('paused');
  return undefined;
}

/**
 * Lets the first of the tables that were asked for leave. What Complete has begun is taken back first. It is repeated
 * until it succeeds, unless it is refused.
 * @returns `tooLate` when Complete has passed the point of no return
 */
export async function leave(context: LifecycleContext): Promise<undefined | typeof tooLate> {
  const { migration } = context;
  const { facts, intents, phase, progress, ref } = migration;
  const [intent] = intents.leave;
  if (intent === undefined) return undefined;
  if (phase === 'completing' && (await context.takeBack()) === tooLate) return tooLate;
  try {
    const work = () => locked.leave(ref, intent.tables, facts.streamsPaused);
    migration.finishLeave(intent, await retryForever(progress, work, (code) => leaveEnds.has(code)));
  } catch (error) {
    const problem = problemOf(error);
    if (problem.code === 'PAST_NO_RETURN') return tooLate;
    if (!leaveRefusals.has(problem.code)) throw error;
    migration.refuseLeave(intent, problem);
  }
  context.show();
  return undefined;
}

/**
 * Changes options. It is repeated until it succeeds, unless it is refused.
 * @returns `tooLate` when Complete has passed the point of no return
 */
export async function update(context: LifecycleContext): Promise<undefined | typeof tooLate> {
  const { migration } = context;
  const { intents, progress, ref } = migration;
  const request = intents.options;
  if (request === null) return undefined;
  try {
    const work = () => locked.updateOptions(ref, request);
    const ends = (code: string) => optionsRefusals.has(code) || code === 'PAST_NO_RETURN';
    migration.finishOptions(request, await retryForever(progress, work, ends));
  } catch (error) {
    const problem = problemOf(error);
    if (problem.code === 'PAST_NO_RETURN') return tooLate;
    if (!optionsRefusals.has(problem.code)) throw error;
    migration.refuseOptions(request, problem);
  }
  context.show();
  return undefined;
}

/** Watches the stopped streams until they are to run again. */
export async function hold(context: LifecycleContext): Promise<void> {
  const { intents } = context.migration;
  await context.observe(() => intents.streams.want !== 'pause');
}

/** Starts the streams. */
export async function resume(context: LifecycleContext): Promise<void> {
  const { facts, intents, progress, ref } = context.migration;
  facts.streamsPaused = false;
  await retryForever(progress, () => locked.resume(ref));
  if (intents.streams.want === 'resume') intents.streams = { want: 'nothing' };
  // The last observation is of the streams as they were.
  facts.observation = null;
}

/**
 * Sets FLOAT columns from the source. One that cannot be done now is tried again after a while, in which the streams
 * are watched.
 */
export async function repair(context: LifecycleContext): Promise<void> {
  const { migration } = context;
  const { facts, intents, progress, ref } = migration;
  context.enter('repairing');
  try {
    facts.repair = repairsWith(facts.repair, await repairing.repair(ref, tablesToRepair(migration)));
    // What they said of these tables was true before.
    facts.proof = null;
    if (facts.repair.lastRows > 0 && facts.vdiff !== null && !isClean(facts.vdiff)) intents.vdiff = true;
    progress.lastError = null;
  } catch (error) {
    if (isCancellation(error)) throw error;
    progress.lastError = problemOf(error);
    context.enter('replicating');
    await context.observe(() => intents.streams.want === 'resume' || !repairIsDue(facts, intents), repairPause);
  }
}

/**
 * Compares the rows. A VDiff that ends without a verdict is tried again; one that waits for a stream that has ended is
 * wanted until a person has mended that.
 */
export async function verify(context: LifecycleContext): Promise<void> {
  const { migration } = context;
  context.enter('verifying');
  for (let count = 1; ; count++) {
    // In turns: what keeps replicas from being read need not be what keeps primaries from it.
    const report = await vdiff(context, count % 2 === 0);
    if (report.trouble !== undefined) {
      for (let delay = await context.heal(report.trouble); delay > 0; delay = await context.heal(report.trouble))
        await sleep(delay);
      return;
    }
    if (report.state === 'completed' || report.state === 'differs' || count === vdiffTries) {
      migration.finishVDiff(report);
      return;
    }
    migration.facts.vdiff = report;
    context.show();
    await sleep(count * 10_000);
  }
}

/** @param again another one has ended without a verdict */
async function vdiff({ migration }: LifecycleContext, again: boolean): Promise<VDiffReport> {
  const uuid = uuid4();
  try {
    return await comparing.vdiff(migration.ref, uuid, { again });
  } catch (error) {
    if (isCancellation(error)) throw error;
    return failedReport(uuid, problemOf(error).message);
  }
}
