import { vtgateOf } from './lab.js';

/** Applications that write to the source all the time and remember every key that was acknowledged. */
export class Writers {
  /** Keys in `customer` for which the insert was acknowledged. */
  readonly acknowledged: number[] = [];
  refusals = 0;
  private readonly stopping = new AbortController();
  private readonly running: Promise<void>[];

  /** @param count connections to the source's vtgate; keys begin at `first` */
  constructor(count: number, first: number) {
    let next = first;
    this.running = Array.from({ length: count }, async () => {
      const connection = await vtgateOf('source');
      while (!this.stopping.signal.aborted) {
        const id = next++;
        try {
          await connection.query(`insert into customer (id, name, email, created) values (${id}, 'writer', 'w${id}@example.org', now())`);
          this.acknowledged.push(id);
        } catch {
          this.refusals++;
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      }
      await connection.end();
    });
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.running);
  }
}
