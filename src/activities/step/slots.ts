import { Context } from '@temporalio/activity';
import type { Turn } from '../../migration/lifecycle/live.js';
import type { Tell } from './step.js';

/** A step that waits for its turn. */
class Place {
  begin: () => void = () => undefined;
  readonly begun = new Promise<void>((resolve) => {
    this.begin = resolve;
  });

  constructor(readonly last: boolean) {}
}

/** How many steps of a kind a process runs at once; the others wait for their turn, and say so. */
export class Slots {
  private used = 0;
  private readonly waiting: Place[] = [];

  /** @param what the process does at once, in words */
  constructor(
    private readonly atOnce: number,
    private readonly what: string,
  ) {}

  /** True when no step runs. */
  isIdle(): boolean {
    return this.used === 0;
  }

  /**
   * Waits for its turn.
   * @param tell hears that it waits
   * @param last it lets others go first that are not
   * @returns gives the slot back, once
   * @throws CancelledFailure while it waits
   */
  async take(tell: Tell, last = false): Promise<() => void> {
    if (this.used < this.atOnce) this.used++;
    else await this.turn(tell, last);
    let isTaken = true;
    return () => {
      if (isTaken) this.passOn();
      isTaken = false;
    };
  }

  /** Returns when another step has passed its slot on. */
  private async turn(tell: Tell, last: boolean): Promise<void> {
    tell({ turn: `its turn: the worker ${this.what}` } satisfies Turn);
    const place = new Place(last);
    this.waiting.push(place);
    try {
      await Promise.race([place.begun, Context.current().cancelled]);
    } catch (error) {
      const at = this.waiting.indexOf(place);
      if (at >= 0) this.waiting.splice(at, 1);
      else this.passOn();
      throw error;
    }
    tell(null);
  }

  private passOn(): void {
    const ahead = this.waiting.findIndex(({ last }) => !last);
    const [next] = this.waiting.splice(Math.max(ahead, 0), 1);
    if (next === undefined) this.used--;
    else next.begin();
  }
}
