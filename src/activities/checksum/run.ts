import { Context } from '@temporalio/activity';
import type { RowReader } from '../../effects/row-reader.js';
import { sideBySide } from '../../effects/side-by-side.js';
import { sourceOf } from '../../effects/source/open-source.js';
import type { Source } from '../../effects/source/source.js';
import { proofReport, type Identities, type ProofReport, type ProofState } from '../../migration/checksum/report.js';
import { keyId, type Key } from '../../migration/checksum/scope.js';
import { mostKeys, type Suspect, type TableProof } from '../../migration/checksum/table-proof.js';
import { workflowsOf } from '../../migration/plan/lanes.js';
import { tableNames, targetPlace, type Plan } from '../../migration/plan/plan.js';
import { describeProblem, MigrationError, type Place, type Problem } from '../../migration/problem/errors.js';
import { busyServer, usual } from '../../migration/watch/holding-back.js';
import { lateWritesSeen, longestWatch, type SourceWrites } from '../../migration/proof/late-writes.js';
import { containsPosition } from '../../migration/proof/position.js';
import { sourcePositions } from '../step/proof.js';
import { targetRows } from '../step/rows.js';
import type { Step } from '../step/step.js';
import { happenedSince, type Happened } from './changes.js';
import { readIdentities, replaced, replacedTables } from './identities.js';
import { readPart, type Reading } from './read.js';
import { trackTables, type TrackedTable, type TrackedTables } from './tables.js';
import { nextWork, split } from './work.js';

/** Milliseconds that a stream may need to come to a position that is past. */
const reachTimeout = 5_000;
/** Milliseconds after which a round begins with no other table. */
const roundTime = 500;
/** Milliseconds until a table that could not be compared is looked at again. */
const unprovableEvery = 30_000;
/** Milliseconds between two looks at the tables' IDs, and at the load of the source. */
const identitiesEvery = 10_000;
const loadEvery = 5_000;

/** Of the source, and of the target. */
type Readers = [RowReader, RowReader];

/**
 * Compares the rows of a migration, round by round. What a round finds equal was equal at the position at which the
 * round began: both sides are read at that position or later, and every row that changes afterwards is looked at
 * again. What it finds different has been different all the time if no row of it has changed up to the round's end;
 * otherwise rows may have been on their way.
 */
export class ProofRun {
  /** What keeps the comparison from going on. */
  held: string | null = null;
  /** Why it goes slowly. */
  slowed: string | null = null;
  /** Where a stream that was behind in the last round was. */
  private behindAt: string | null = null;
  private loadAt = 0;
  /** Tables of which the streams are about to repeat a statement in the target. */
  private repeated: string[] = [];
  /** Milliseconds since 1970: when the tables' IDs were last read. */
  private identitiesAt = 0;
  /** Everything that the source had when the last round ended is accounted for. */
  private complete = false;
  private at = new Date().toISOString();
  private tablesAt = Date.now();

  private constructor(
    private readonly step: Step,
    private readonly plan: Plan,
    private readonly source: Source,
    /** By source shard: everything up to here is accounted for. */
    private positions: Record<string, string>,
    private tables: TrackedTables,
    private identities: Identities,
    private readonly writes: SourceWrites,
    private readonly tablesAtOnce: number,
  ) {}

  /**
   * Goes on where a run before it came to, if there is a record of that.
   * @param tablesAtOnce that it reads
   */
  static async open(step: Step, known: ProofState | undefined, tablesAtOnce: number): Promise<ProofRun> {
    const plan = await step.plan();
    const source = await sourceOf(step.clients, plan);
    const positions = known?.positions ?? (await sourcePositions(source));
    const readers = await Promise.all([source.rowReader(positions), targetRows(step.clients, plan)]);
    const identities = known?.identities ?? (await readIdentities(step, plan, source, tableNames(plan)));
    const tables = await trackTables(plan, ...readers, known?.tables ?? {});
    const writes = known?.writes ?? { since: Date.now(), last: {} };
    return new ProofRun(step, plan, source, positions, tables, identities, writes, tablesAtOnce);
  }

  toState(): ProofState {
    const tables = [...this.tables.tracked].map(([name, { proof }]) => [name, proof.toState()] as const);
    const { positions, identities, writes } = this;
    return { positions, tables: Object.fromEntries(tables), identities, writes };
  }

  report(): ProofReport {
    const { at, positions, held, slowed } = this;
    const tracked = [...this.tables.tracked].map(([name, { proof, table }]) => ({
      name,
      proof,
      key: table.key,
      floats: table.columns.some(({ form }) => form === 'float'),
    }));
    return proofReport({ at, positions, held, slowed }, tracked, this.tables.unprovable);
  }

  /** True when everything up to these positions is accounted for. */
  has(positions: Record<string, string>): boolean {
    return this.source.shards.every((shard) => containsPosition(this.positions[shard] ?? '', positions[shard] ?? ''));
  }

  /** True when another round would find nothing new unless something changes. */
  get decided(): boolean {
    if (!this.complete || this.held !== null) return false;
    return this.proofs.every(
      (proof) =>
        proof.differing.length >= mostKeys ||
        (proof.walkDone && proof.dirty.length === 0 && proof.suspects.every(({ settled }) => settled)),
    );
  }

  /** True when all that is left are rows that keep changing. */
  get onlyChanging(): boolean {
    return this.held === null && this.proofs.every((proof) => proof.walkDone && proof.suspects.length === 0);
  }

  /** The source, for a person. */
  get place(): Place {
    return this.source.place();
  }

  /**
   * The warning about writers of the source; null when it cannot be given: tables that are not compared are not
   * followed either.
   */
  get lateWrites(): Problem | null {
    return this.tables.unprovable.length > 0 ? null : lateWritesSeen(this.writes, this.place, Date.now());
  }

  /** Looks now and then whether the source's servers are busy. */
  async lookAtLoad(): Promise<void> {
    if (Date.now() - this.loadAt < loadEvery) return;
    this.slowed = busyServer(await this.source.loads(), usual);
    this.loadAt = Date.now();
  }

  /** Reads what is to be read next, and what has happened meanwhile. False when there was nothing to do. */
  async round(): Promise<boolean> {
    const { positions } = this;
    const behind = await this.behind(positions);
    this.held = behind?.inWords ?? null;
    const comesNearer = behind !== null && behind.position !== this.behindAt;
    this.behindAt = behind?.position ?? null;
    // Were the goal to move on with a busy source, a stream that is some seconds behind would never come to it.
    if (comesNearer) return true;
    const readers = this.held === null ? await this.readersAt(positions) : undefined;
    const readings = readers === undefined ? [] : await this.read(readers);
    const happened = await happenedSince(this.source, positions, this.tables.tracked);
    if (readers !== undefined) for (const reading of readings) await this.judge(reading, readers, happened);
    await this.account(happened);
    await this.lookAtIdentities(happened);
    return readings.length > 0 || happened.rows.size > 0 || happened.statements.size > 0;
  }

  private get proofs(): TableProof[] {
    return [...this.tables.tracked.values()].map(({ proof }) => proof);
  }

  /** A stream that has not come to these positions. Streams that have stopped after the copy do not come nearer. */
  private async behind(positions: Record<string, string>): Promise<{ inWords: string; position: string } | null> {
    if (this.plan.stream.stopAfterCopy) return null;
    const { clients } = this.step;
    const { keyspace, shards } = this.plan.target;
    const found = shards.map(async ({ name }) => {
      const tablet = await clients.primary(clients.target, keyspace, name);
      for (const { id, sourceShard, position } of await tablet.streams(workflowsOf(this.plan))) {
        const wanted = positions[sourceShard] ?? '';
        if (containsPosition(position, wanted)) continue;
        try {
          await tablet.waitForPosition(id, wanted, reachTimeout);
        } catch (error) {
          if (!(error instanceof MigrationError)) throw error;
          const place = targetPlace(this.plan, { shard: name, tablet: tablet.alias });
          const message = `stream ${id} is behind the source`;
          return { inWords: describeProblem({ ...error.toProblem(), place, message, remedy: '' }), position };
        }
      }
      return null;
    });
    return (await Promise.all(found)).find((each) => each !== null) ?? null;
  }

  private async readersAt(positions: Record<string, string>): Promise<Readers> {
    return [await this.source.rowReader(positions), await targetRows(this.step.clients, this.plan)];
  }

  /** Of some tables at a time, until it has lasted for long: what has happened meanwhile is to be read as well. */
  private async read(readers: Readers): Promise<Reading[]> {
    const until = Date.now() + roundTime;
    const { cancellationSignal } = Context.current();
    const readings = await sideBySide(
      [...this.tables.tracked.values()],
      async (of) => (Date.now() < until && !cancellationSignal.aborted ? this.readTable(of, readers) : []),
      this.tablesAtOnce,
    );
    return readings.flat();
  }

  private async readTable(of: TrackedTable, [source, target]: Readers): Promise<Reading[]> {
    const readings: Reading[] = [];
    for (const work of await nextWork(of, source, target)) {
      const reading = await this.unlessUnprovable(of.table.name, () => readPart(work, source, target));
      if (reading !== undefined) readings.push(reading);
    }
    return readings;
  }

  /** A row of which MySQL makes no checksum keeps its table from being compared. */
  private async unlessUnprovable<T>(table: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof MigrationError) || error.code !== 'ROW_TOO_LONG') throw error;
      this.tables.tracked.delete(table);
      this.tables.unprovable.push({ table, reason: `${error.what}: ${error.remedy}` });
      return undefined;
    }
  }

  private async judge(reading: Reading, [source, target]: Readers, happened: Happened): Promise<void> {
    const { work, same, keys } = reading;
    const { proof, table } = work.of;
    const changed = happened.rows.get(table.name);
    const settled = happened.complete && changed === undefined;
    const suspect: Omit<Suspect, 'range'> = { settled, source: reading.source.rows, target: reading.target.rows };
    if (work.kind === 'walk') {
      if (keys === undefined) proof.suspect({ range: work.range, ...suspect });
      proof.walkTo(work.range.upTo, reading.source, reading.target.rows);
    }
    if (work.kind === 'keys') {
      if (keys === undefined) this.lookCloser(work.of, work.keys, happened);
      else proof.compared(work.keys, keys);
    }
    if (work.kind === 'suspect') {
      const { range } = work.suspect;
      proof.replace(work.suspect, keys === undefined ? [{ range, ...suspect }] : []);
      const [now] = proof.suspects.filter((each) => each.range === range);
      const half = Math.ceil(Math.max(suspect.source, suspect.target) / 2);
      const isStuck = !same && now !== undefined && (await split(work.of, now, source, target, half)).length === 1;
      work.of.stuck ||= isStuck;
    }
    if (keys !== undefined && keys.length > 0) differOrChange(work.of, keys, happened);
  }

  /** Many rows have one key: fewer keys are looked at at once, down to one that stands for all its rows. */
  private lookCloser(of: Reading['work']['of'], keys: Key[], happened: Happened): void {
    if (keys.length > 1) of.keysAtOnce = Math.max(1, Math.floor(keys.length / 4));
    else differOrChange(of, keys, happened);
  }

  /** A table that was replaced by a statement that nobody passes on has another ID. */
  private async lookAtIdentities({ statements }: Happened): Promise<void> {
    if (Date.now() - this.identitiesAt < identitiesEvery && statements.size === 0) return;
    const now = await readIdentities(this.step, this.plan, this.source, tableNames(this.plan));
    const expected = [...statements.keys(), ...this.repeated];
    const unseen = replacedTables(this.identities, now).filter((table) => !expected.includes(table));
    for (const table of unseen) this.tables.tracked.get(table)?.proof.void(replaced);
    this.repeated = this.plan.stream.onDdl.startsWith('EXEC') ? [...statements.keys()] : [];
    this.identities = now;
    this.identitiesAt = Date.now();
    if (unseen.length > 0) await this.readTablesAgain();
  }

  private async account(happened: Happened): Promise<void> {
    for (const [name, keys] of happened.rows) {
      const of = this.tables.tracked.get(name);
      of?.proof.mark([...keys.values()], of.table.key.length > 0, this.at);
    }
    this.noteWrites([...happened.rows.keys(), ...happened.statements.keys()]);
    for (const [name, statement] of happened.statements) this.tables.tracked.get(name)?.proof.void(statement);
    this.positions = happened.positions;
    this.complete = happened.complete;
    this.at = new Date().toISOString();
    const again = this.tables.unprovable.length > 0 && Date.now() - this.tablesAt >= unprovableEvery;
    if (happened.statements.size > 0 || again) await this.readTablesAgain();
    for (const proof of this.proofs) proof.settle(this.at);
  }

  private noteWrites(tables: readonly string[]): void {
    const now = Date.now();
    const before = Object.entries(this.writes.last).filter(([, at]) => now - at <= longestWatch * 1000);
    this.writes.last = Object.fromEntries([...before, ...tables.map((table) => [table, now] as const)]);
  }

  /** Definitions may have changed, and with them how rows are compared. */
  private async readTablesAgain(): Promise<void> {
    const readers = await this.readersAt(this.positions);
    this.tables = await trackTables(this.plan, ...readers, this.toState().tables);
    this.tablesAt = Date.now();
  }
}

/** A row that has changed meanwhile may have been on its way; another one differs. */
function differOrChange(of: Reading['work']['of'], keys: readonly Key[], happened: Happened): void {
  const changed = happened.rows.get(of.table.name);
  const isSettled = (key: Key) => happened.complete && changed?.has(keyId(key)) !== true;
  const at = new Date().toISOString();
  of.proof.differ(keys.filter(isSettled), at);
  const onTheirWay = keys.filter((key) => !isSettled(key));
  of.proof.mark(onTheirWay, true, at);
}
