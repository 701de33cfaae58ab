import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { vtgateOf } from './lab.js';

/** Milliseconds: as many writes as one stream can apply, on a slow machine as well. */
const pause = 10;

/** Applications that write to the source all the time and remember every key that was acknowledged. */
export class Writers {
  /** Keys in `customer` for which the insert was acknowledged. */
  readonly acknowledged: number[] = [];
  refusals = 0;
  private readonly stopping = new AbortController();
  private readonly connections: Connection[] = [];
  private readonly running: Promise<void>[];
  private next: number;

  /** @param count connections to the source's vtgate; keys begin at `first` */
  constructor(count: number, first: number) {
    this.next = first;
    this.running = Array.from({ length: count }, () => this.write());
  }

  /** A write that waits, as vtgate lets it do for 30 s where a table is denied, is not waited for. */
  async stop(): Promise<void> {
    this.stopping.abort();
    for (const connection of this.connections) connection.destroy();
    await Promise.race([Promise.all(this.running), sleep(2_000)]);
  }

  private async write(): Promise<void> {
    const connection = await vtgateOf('source');
    this.connections.push(connection);
    while (!this.stopping.signal.aborted) {
      const id = this.next++;
      try {
        await connection.query(
          `insert into customer (id, name, email, created) values (${id}, 'writer', 'w${id}@example.org', now())`,
        );
        this.acknowledged.push(id);
      } catch {
        this.refusals++;
      }
      await sleep(pause);
    }
  }
}
