import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { mysqlOf, vtgateOf } from '../support/lab/lab.js';
import type { Account } from './account.js';
import type { Random } from './random.js';
import type { Table } from './tables.js';
import { randomWrite } from './writes.js';

/** Applications of the source that write to it until they are stopped, each what its seed says. */
export class Writers {
  private stopping = false;
  private readonly connections: Connection[] = [];
  private readonly running: Promise<void>[];

  /** @param fenced they go through vtgate, for Vitess's fence holds only those */
  constructor(
    randoms: readonly Random[],
    private readonly tables: readonly Table[],
    private readonly fenced: boolean,
    private readonly account: Account,
  ) {
    this.running = randoms.map((random, i) => this.write(random, `writer ${i}`));
  }

  /** The transaction that is open is finished, unless it takes longer than a fence lets it wait. */
  async stop(): Promise<void> {
    this.stopping = true;
    await Promise.race([Promise.all(this.running), sleep(2_000, undefined, { ref: false })]);
    for (const connection of this.connections) connection.destroy();
  }

  private async connect(random: Random): Promise<Connection> {
    const direct = !this.fenced && random.chance(0.5);
    const connection = direct ? await mysqlOf('source', 'load', '0') : await vtgateOf('source');
    this.connections.push(connection);
    await connection.query(direct ? `set sql_mode = '', time_zone = '+05:30'` : 'use `load`');
    return connection;
  }

  private async write(random: Random, name: string): Promise<void> {
    const connection = await this.connect(random);
    for (let phase = ''; !this.stopping;) {
      // What is written in a phase depends on the seed and the phase, not on how long the one before it took.
      if (phase !== this.account.phase) {
        phase = this.account.phase;
        random = random.fork(phase);
      }
      await this.transaction(connection, name, randomWrite(random, this.tables));
      await sleep(random.int(2, 60));
    }
  }

  /** Ends at the first refusal, as an application does. */
  private async transaction(connection: Connection, name: string, statements: readonly string[]): Promise<void> {
    try {
      for (const statement of statements) await this.account.doing(name, statement, () => connection.query(statement));
    } catch {
      if (statements.length > 1) await connection.query('rollback').catch(() => undefined);
    }
  }
}
