import { addChecksums, keyId, type Checksum, type Key, type KeyRange, wholeTable } from './scope.js';

/** A range whose checksums were not the same when it was last read. */
export interface Suspect {
  range: KeyRange;
  /** No row of the table changed while it was read: it differs. Otherwise rows may have been on their way. */
  settled: boolean;
  /** Rows when it was read. */
  source: number;
  target: number;
}

/** What is known of one table: plain JSON, kept beside the journal. */
export interface TableProofState {
  /** The walk along the key has come to here; null at the beginning. */
  walked: Key | null;
  /** The walk has come to the end of the table. */
  done: boolean;
  /** The source's rows and their checksum, as the walk has read them; and the target's rows. */
  read: Checksum;
  targetRows: number;
  suspects: Suspect[];
  /** Keys of rows that have changed since they were last compared, and since when there are some (ISO 8601). */
  dirty: Key[];
  dirtySince: string | null;
  /** Keys of rows that differ though nothing is on its way; no more than `mostKeys`. */
  differing: Key[];
  /** The last DDL statement that made the proof void, until the table is proven again. */
  voided: string | null;
  /** ISO 8601: what no row's proof is older than; null while rows have never been proven. */
  provenAt: string | null;
}

/** Keys of differing rows that are looked for. */
export const mostKeys = 10;
/** Suspects that a record holds; with more of them the walk begins again. */
const mostSuspects = 500;
/** Keys that a record holds, and that are kept in memory: with more of them it is less to read all of the table. */
const mostKeptKeys = 20_000;
const mostDirtyKeys = 200_000;

const unread = (): TableProofState => ({
  walked: null,
  done: false,
  read: { rows: 0, sum: '0' },
  targetRows: 0,
  suspects: [],
  dirty: [],
  dirtySince: null,
  differing: [],
  voided: null,
  provenAt: null,
});

/**
 * What is proven of one table. Every part of the table is either proven, in a suspect range, among the keys that have
 * changed, or still ahead of the walk.
 */
export class TableProof {
  /** In the order in which they are to be compared. */
  private readonly dirtyKeys: Map<string, { key: Key; since: string }>;
  private readonly differingKeys: Map<string, Key>;

  constructor(private state: TableProofState = unread()) {
    const since = state.dirtySince ?? '';
    this.dirtyKeys = new Map(state.dirty.map((key) => [keyId(key), { key, since }]));
    this.differingKeys = new Map(state.differing.map((key) => [keyId(key), key]));
  }

  toState(): TableProofState {
    const { differing, dirty, state } = this;
    if (dirty.length > mostKeptKeys) return { ...state, ...again(state), differing };
    return { ...state, dirty, dirtySince: dirty.length === 0 ? null : this.dirtySince, differing };
  }

  get walked(): Key | null {
    return this.state.walked;
  }

  get walkDone(): boolean {
    return this.state.done;
  }

  get read(): Checksum {
    return this.state.read;
  }

  get targetRows(): number {
    return this.state.targetRows;
  }

  get suspects(): readonly Suspect[] {
    return this.state.suspects;
  }

  get dirty(): Key[] {
    return [...this.dirtyKeys.values()].map(({ key }) => key);
  }

  private get dirtySince(): string {
    return [...this.dirtyKeys.values()].reduce((least, { since }) => (since < least ? since : least), '9');
  }

  get differing(): Key[] {
    return [...this.differingKeys.values()];
  }

  get voided(): string | null {
    return this.state.voided;
  }

  get provenAt(): string | null {
    return this.state.provenAt;
  }

  /** Nothing of the table is left to be compared, and nothing differs. */
  get proven(): boolean {
    const { done, suspects } = this.state;
    return done && suspects.length === 0 && this.dirtyKeys.size === 0 && this.differingKeys.size === 0;
  }

  get differs(): boolean {
    return this.differingKeys.size > 0 || this.state.suspects.some(({ settled }) => settled);
  }

  /** The walk has read a range that ends at `upTo`, or at the end of the table. */
  walkTo(upTo: Key | null, source: Checksum, targetRows: number): void {
    this.state.walked = upTo;
    this.state.done = upTo === null;
    this.state.read = addChecksums([this.state.read, source]);
    this.state.targetRows += targetRows;
  }

  suspect(suspect: Suspect): void {
    const { suspects } = this.state;
    const last = suspects.at(-1);
    if (last !== undefined && continues(last, suspect)) suspects.splice(-1, 1, joined(last, suspect));
    else suspects.push(suspect);
    if (suspects.length > mostSuspects) this.walkAgain();
  }

  /** Puts what is known now in the place of a suspect. */
  replace(suspect: Suspect, parts: readonly Suspect[]): void {
    this.state.suspects = this.state.suspects.flatMap((each) => (each === suspect ? parts : [each]));
  }

  /** Rows have changed. Of a table without a key, all of it is to be read again. @param at ISO 8601 */
  mark(keys: readonly Key[], hasKey: boolean, at: string): void {
    for (const key of keys) {
      const id = keyId(key);
      if (!this.dirtyKeys.has(id)) this.dirtyKeys.set(id, { key, since: at });
    }
    if (this.dirtyKeys.size > mostDirtyKeys) this.walkAgain();
    if (!hasKey && this.state.done)
      this.state.suspects = [{ range: wholeTable, settled: false, source: this.state.read.rows, target: 0 }];
  }

  /** These keys have been compared: they are the same, apart from some, which may have been on their way. */
  compared(keys: readonly Key[], unlike: readonly Key[]): void {
    const unequal = new Set(unlike.map(keyId));
    for (const key of keys) {
      const id = keyId(key);
      const entry = this.dirtyKeys.get(id);
      this.dirtyKeys.delete(id);
      if (!unequal.has(id)) this.differingKeys.delete(id);
      // At the end: others have their turn first.
      else if (entry !== undefined) this.dirtyKeys.set(id, entry);
    }
  }

  /** These keys differ though nothing is on its way. */
  differ(keys: readonly Key[], at: string): void {
    for (const key of keys) {
      const id = keyId(key);
      // More than are looked for stay among those that have changed.
      if (this.differingKeys.size >= mostKeys && !this.differingKeys.has(id)) this.mark([key], true, at);
      else {
        this.differingKeys.set(id, key);
        this.dirtyKeys.delete(id);
      }
    }
  }

  /** A statement has changed the table or taken its name: nothing is known of it any more. */
  void(statement: string): void {
    this.state = { ...unread(), voided: statement };
    this.dirtyKeys.clear();
    this.differingKeys.clear();
  }

  /** To be called when a round ends. @param at ISO 8601 */
  settle(at: string): void {
    const { done, suspects } = this.state;
    if (!done || suspects.length > 0 || this.differingKeys.size > 0) return;
    this.state.provenAt = this.dirtyKeys.size === 0 ? at : this.dirtySince;
    if (this.dirtyKeys.size === 0) this.state.voided = null;
  }

  private walkAgain(): void {
    this.state = again(this.state);
    this.dirtyKeys.clear();
  }
}

/** Everything is to be read again, though it may be as it was. */
function again({ voided, provenAt }: TableProofState): TableProofState {
  return { ...unread(), voided, provenAt };
}

function continues(last: Suspect, next: Suspect): boolean {
  const { upTo } = last.range;
  const { after } = next.range;
  return last.settled && next.settled && upTo !== null && after !== null && keyId(upTo) === keyId(after);
}

function joined(first: Suspect, next: Suspect): Suspect {
  return {
    range: { after: first.range.after, upTo: next.range.upTo },
    settled: true,
    source: first.source + next.source,
    target: first.target + next.target,
  };
}
