import { CancellationScope, isCancellation } from '@temporalio/workflow';

/** Work that goes on beside the steps, from `start` until it ends, or `stop`. */
export class Beside {
  private running: { scope: CancellationScope; ended: Promise<void> } | null = null;

  /** Not of the step that happens to start it: an interrupted step must not end the work. */
  private readonly parent = CancellationScope.current();

  constructor(private readonly work: () => Promise<void>) {}

  /** True from `start` to `stop`, also when it has ended by itself. */
  get isStarted(): boolean {
    return this.running !== null;
  }

  start(): void {
    if (this.isStarted) return;
    const scope = new CancellationScope({ cancellable: true, parent: this.parent });
    this.running = { scope, ended: scope.run(this.work).catch(ignoreCancellation) };
  }

  /** Returns when the work has come to its end. */
  async stop(): Promise<void> {
    const { running } = this;
    this.running = null;
    running?.scope.cancel();
    await running?.ended;
  }
}

function ignoreCancellation(error: unknown): void {
  if (!isCancellation(error)) throw error;
}
