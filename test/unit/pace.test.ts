import { setImmediate as soon } from 'node:timers/promises';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { describe, expect, it } from 'vitest';
import { Pace } from '../../src/activities/step/pace.js';

/** Steps of one process, each of which runs until it is told to end. */
class Steps {
  readonly begun: string[] = [];
  readonly told: unknown[] = [];
  private readonly ends = new Map<string, () => void>();
  private readonly environments = new Map<string, MockActivityEnvironment>();
  private readonly pace = new Pace();

  run(name: string, last: boolean): Promise<unknown> {
    return this.inActivity(name, () =>
      this.pace.creating(
        this.tell,
        () => {
          this.begun.push(name);
          return new Promise<void>((resolve) => this.ends.set(name, resolve));
        },
        last,
      ),
    );
  }

  compare(): Promise<unknown> {
    return this.inActivity('comparison', async () => {
      await this.pace.afterCreations(this.tell);
      this.begun.push('comparison');
    });
  }

  async end(name: string): Promise<void> {
    this.ends.get(name)?.();
    await soon();
    await soon();
  }

  cancel(name: string): void {
    this.environments.get(name)?.cancel();
  }

  private readonly tell = (details: unknown) => this.told.push(details);

  private inActivity(name: string, work: () => Promise<unknown>): Promise<unknown> {
    const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
    this.environments.set(name, environment);
    return environment.run(work);
  }
}

const first = Array.from({ length: 100 }, (_, n) => `first ${n}`);

describe('steps on the way to streams', () => {
  it('wait for their turn, behind those that have come further, and say so', async () => {
    const steps = new Steps();
    for (const name of first) void steps.run(name, true);
    void steps.run('preflight', true);
    void steps.run('create', false);
    await soon();
    expect(steps.begun).toEqual(first);
    expect(steps.told).toHaveLength(2);
    expect(steps.told[0]).toEqual({ turn: 'its turn: the worker creates 100 migrations at once' });
    await steps.end('first 3');
    expect(steps.begun.slice(100)).toEqual(['create']);
    await steps.end('first 4');
    expect(steps.begun.slice(100)).toEqual(['create', 'preflight']);
    expect(steps.told.slice(2)).toEqual([null, null]);
  });

  it('leave the queue when they are cancelled', async () => {
    const steps = new Steps();
    for (const name of first) void steps.run(name, true);
    const cancelled = steps.run('cancelled', true);
    void steps.run('next', true);
    await soon();
    steps.cancel('cancelled');
    await expect(cancelled).rejects.toThrow();
    await steps.end('first 0');
    await steps.end('first 1');
    expect(steps.begun.slice(100)).toEqual(['next']);
  });

  it('come before comparisons', async () => {
    const steps = new Steps();
    void steps.run('create', false);
    await soon();
    const comparison = steps.compare();
    expect(steps.told).toEqual([{ turn: 'other migrations to be created' }]);
    await steps.end('create');
    await comparison;
    expect(steps.begun).toEqual(['create', 'comparison']);
    expect(steps.told.at(-1)).toBeNull();
  });
});
