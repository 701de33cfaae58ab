import { setTimeout as sleep } from 'node:timers/promises';
import { formatIdentifier } from '../migration/input/identifier.js';
import { tableNames } from '../migration/plan/plan.js';
import { MigrationError, type Problem } from '../migration/problem/errors.js';
import type { HookEvent } from '../migration/proof/fence-hook.js';
import type { EffectContext } from './context.js';

/** How often a hook is told that Complete has been taken back, and milliseconds in between. */
const tries = 3;
const pause = 1_000;

/** What a person lets a migration call behind the fence (docs/adr/0017). */
export const fenceHook = {
  /**
   * Calls it. The journal says so beforehand: from then on it is told when Complete is taken back.
   * @param signal gives the call up
   * @throws MigrationError FENCE_HOOK_FAILED
   */
  async make(context: EffectContext, hook: string, timeoutMs: number, signal: AbortSignal): Promise<void> {
    await context.beforeEffect();
    const { fenceHook: called } = await context.journals.update(context.ref.runId, (record) => {
      record.fenceHook = { hook, timeoutMs, attempts: (record.fenceHook?.attempts ?? 0) + 1 };
    });
    await context.clients.hooks.call(hook, await eventOf(context, 'fenced', called?.attempts ?? 1), timeoutMs, signal);
  },

  /**
   * Tells a hook that has been called that the source takes writes again. One that does not hear it is a warning: it
   * must not hold up who waits for the migration to go on.
   */
  async undo(context: EffectContext): Promise<Problem[]> {
    const { fenceHook: called } = await context.journals.require(context.ref.runId);
    if (called === null) return [];
    const { hook, timeoutMs, attempts } = called;
    const event = await eventOf(context, 'taken-back', attempts);
    const problem = await insist(() => context.clients.hooks.call(hook, event, timeoutMs, never));
    await context.journals.update(context.ref.runId, (record) => {
      record.fenceHook = null;
    });
    return problem === null ? [] : [problem];
  },
};

const never = new AbortController().signal;

async function insist(call: () => Promise<void>): Promise<Problem | null> {
  for (let count = 1; ; count++) {
    try {
      await call();
      return null;
    } catch (error) {
      if (!(error instanceof MigrationError) || error.code !== 'FENCE_HOOK_FAILED') throw error;
      const remedy = 'the source takes writes: see to it yourself that the applications write there';
      if (count === tries) return { ...error.toProblem(), remedy };
      await sleep(pause);
    }
  }
}

async function eventOf(
  { journals, ref }: EffectContext,
  event: HookEvent['event'],
  attempt: number,
): Promise<HookEvent> {
  const { plan } = await journals.requireRecord(ref.runId);
  return {
    event,
    attempt,
    workflow: formatIdentifier(ref.id),
    runId: ref.runId,
    source: `${plan.source.mount}.${plan.source.keyspace}`,
    keyspace: ref.id.keyspace,
    tables: tableNames(plan),
  };
}
