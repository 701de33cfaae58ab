interface Entry {
  ms: number;
  phase: string;
  by: string;
  what: string;
  outcome: string;
}

/** All that a run did, in order, and in which phase of the migration: what a person needs to understand a failure. */
export class Account {
  phase = 'before Create';
  private readonly began = Date.now();
  private readonly entries: Entry[] = [];

  note(by: string, what: string, outcome = ''): void {
    this.entries.push({ ms: Date.now() - this.began, phase: this.phase, by, what, outcome });
  }

  /** Does something, and notes it with how it ended. @throws what `work` throws */
  async doing<T>(by: string, what: string, work: () => Promise<T>): Promise<T> {
    const entry = { ms: Date.now() - this.began, phase: this.phase, by, what, outcome: '(has not ended)' };
    this.entries.push(entry);
    try {
      const result = await work();
      entry.outcome = `done at ${Date.now() - this.began} ms`;
      return result;
    } catch (error) {
      entry.outcome = error instanceof Error ? error.message : String(error);
      throw error;
    }
  }

  get milliseconds(): number {
    return Date.now() - this.began;
  }

  get text(): string {
    return this.entries
      .map(({ ms, phase, by, what, outcome }) => `${ms} ms [${phase}] ${by}: ${what}${outcome && `  -- ${outcome}`}`)
      .join('\n');
  }
}
