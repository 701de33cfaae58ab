/**
 * What is called behind the fence. `fenced`: nobody can write, and the target has everything; when the call has
 * succeeded, the target takes writes. `taken-back`: Complete has been taken back after such a call, however that one
 * ended, and the source takes writes again.
 */
export interface HookEvent {
  event: 'fenced' | 'taken-back';
  /** How often `fenced` has been called for this try of Complete; more than once when a worker has died meanwhile. */
  attempt: number;
  /** The workflow identifier, `commerce.wf`, which is Temporal's workflow ID, and its first run ID. */
  workflow: string;
  runId: string;
  /** `ext1.load` */
  source: string;
  keyspace: string;
  tables: string[];
}

/** What may be called: by the configuration of the worker, not by the input of a migration. */
export interface FenceHooks {
  /** Why this worker would not call it, in words; null when it would. Calls nothing. */
  refusal(hook: string): string | null;
  /**
   * @param hook a command's name, or a URL
   * @param timeoutMs milliseconds after which it is given up
   * @param signal gives it up at once
   * @throws MigrationError FENCE_HOOK_FAILED
   */
  call(hook: string, event: HookEvent, timeoutMs: number, signal: AbortSignal): Promise<void>;
}
