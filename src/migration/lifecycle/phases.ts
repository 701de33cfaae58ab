interface PhaseTraits {
  /** The workflow ends. */
  final: boolean;
  /** Create is done, and the migration is not on its way to an end without its tables. */
  createDone: boolean;
  /** A Complete that is asked for now is remembered, and answered so at once. */
  remembersComplete: boolean;
  /** Nothing is in the middle of being changed: the workflow may continue as new. */
  steady: boolean;
}

const working = { final: false, createDone: false, remembersComplete: true, steady: false };
const running = { final: false, createDone: true, remembersComplete: true, steady: true };
const final = { final: true, createDone: false, remembersComplete: false, steady: false };

/**
 * Where a migration is, and what that means. `retiring`: the target serves the tables, those of the
 * source are to be renamed or dropped.
 */
export const phases = {
  mounting: working,
  checking: working,
  creating: working,
  copying: running,
  repairing: { ...running, steady: false },
  verifying: { ...running, steady: false },
  replicating: { ...running, remembersComplete: false },
  paused: running,
  completing: { ...running, remembersComplete: false, steady: false },
  retiring: { ...running, remembersComplete: false, steady: false },
  cancelling: { ...working, remembersComplete: false },
  completed: final,
  cancelled: final,
  planned: final,
  failed: final,
} as const satisfies Record<string, PhaseTraits>;

export type Phase = keyof typeof phases;
