import { Context } from '@temporalio/activity';
import { refusePastNoReturn } from '../effects/journal.js';
import type { RowReader } from '../effects/row-reader.js';
import { sourceOf } from '../effects/source/open-source.js';
import type { Source } from '../effects/source/source.js';
import { agreeOnFloats, differingFloats, type FloatTable, type RepairReport } from '../migration/checksum/floats.js';
import { sameChecksum, type Key, type KeyRange } from '../migration/checksum/scope.js';
import { workflowsOf } from '../migration/plan/lanes.js';
import { tableNames, targetPlace, type Plan } from '../migration/plan/plan.js';
import type { MigrationRef } from '../migration/plan/reference.js';
import { MigrationError } from '../migration/problem/errors.js';
import { repairMessage } from '../migration/watch/observation.js';
import { busyServer, usual } from '../migration/watch/holding-back.js';
import type { Clients } from '../vitess/clients.js';
import type { TabletHandle } from '../vitess/tablet/tablet-handle.js';
import { withWorkflowLock } from '../vitess/topology/lock.js';
import { withHeartbeat } from './step/heartbeat.js';
import { sourcePositions } from './step/proof.js';
import { targetPrimaries, targetRows } from './step/rows.js';
import { Step } from './step/step.js';

/** Milliseconds that the streams stand still in one go; afterwards they run for as long at least, and catch up. */
const turnTime = 5_000;
const catchUpTimeout = 60_000;
/** Times as long as a turn took that the servers rest when the source is busy, and milliseconds at most. */
const busySparing = 5;
const longestRest = 60_000;
/** Rows of a range; rows, and values, of a transaction: its statement names each row's key for each value. */
const rowsOfRange = 2_000;
const rowsOfTransaction = 200;
const valuesOfTransaction = 2_000;
/** Rows that an answer may have: see `TabletConnection`. */
const mostRows = 90_000;
const queryTimeout = 50_000;

/** Where a repair has come to: the details of its heartbeat. */
interface Cursor {
  table: string;
  after: Key | null;
  rows: number;
}

/** The one step that carries values: FLOAT columns, which the copy rounds, are set from the source. */
export function repairActivities(clients: Clients) {
  return {
    /**
     * Sets the FLOAT columns of tables from the source where they differ, range by range along the key. Values are
     * written while the streams stand at a known position, and read from a source that has come at least as far:
     * whatever changes there later comes by the streams, which are exact. Tables that have left are passed over.
     * Another attempt goes on where the last one was.
     * @throws MigrationError PAST_NO_RETURN, LOCKED, STREAM_NOT_RUNNING
     */
    async repair(ref: MigrationRef, tables: string[]): Promise<RepairReport> {
      return withHeartbeat(async (_, tell) => {
        const step = new Step(clients, ref);
        await compareExactly(step, tables);
        const plan = await step.plan();
        const source = await sourceOf(clients, plan);
        const repair = new Repair(step, plan, source, tell);
        const rows = await repair.run(await floatTables(step, plan, source, tables));
        await forgetProof(step, tables);
        return { tables, rows };
      });
    },
  };
}

/** From now on their last bit counts, also where the loss was accepted before. */
async function compareExactly({ journals, ref }: Step, tables: readonly string[]): Promise<void> {
  const { plan } = await journals.requireRecord(ref.runId);
  const isRounded = ({ name, rounded }: Plan['tables'][number]) => rounded === true && tables.includes(name);
  if (!plan.tables.some(isRounded)) return;
  await journals.amend(ref.runId, {
    record: (record) => ({
      ...record,
      plan: {
        ...record.plan,
        tables: record.plan.tables.map((table) => (isRounded(table) ? { ...table, rounded: false } : table)),
      },
    }),
    definitions: (definitions) => definitions,
  });
}

/** Those of the tables whose FLOAT columns can be set. What differs in the others, the checksums will say. */
async function floatTables(step: Step, plan: Plan, source: Source, tables: readonly string[]): Promise<FloatTable[]> {
  const names = tableNames(plan).filter((table) => tables.includes(table));
  const readers = [await source.rowReader(await sourcePositions(source)), await targetRows(step.clients, plan)];
  const [sources = [], targets = []] = await Promise.all(readers.map((reader) => reader.tableDetails(names)));
  return names.flatMap((name) => {
    const [first, ...others] = [...sources, ...targets].flatMap((shard) =>
      shard.filter((table) => table.name === name),
    );
    const found = first === undefined ? null : agreeOnFloats(first, others);
    return found === null || typeof found === 'string' ? [] : [found];
  });
}

/** The target may have changed past the streams, by an earlier attempt as well: the tables are compared anew. */
async function forgetProof({ journals, ref }: Step, tables: readonly string[]): Promise<void> {
  const { proof, replaced } = await journals.readProof();
  if (proof === undefined) return;
  const rest = Object.entries(proof.tables).filter(([table]) => !tables.includes(table));
  await journals.writeProof(ref.runId, { ...proof, tables: Object.fromEntries(rest) }, replaced);
}

class Repair {
  private rows = 0;

  constructor(
    private readonly step: Step,
    private readonly plan: Plan,
    private readonly source: Source,
    private readonly tell: (cursor: Cursor) => void,
  ) {}

  /** @returns rows that have been set, by earlier attempts as well */
  async run(tables: readonly FloatTable[]): Promise<number> {
    const before = Context.current().info.heartbeatDetails as Cursor | undefined;
    this.rows = before?.rows ?? 0;
    const from = tables.findIndex(({ table }) => table.name === before?.table);
    for (const of of tables.slice(Math.max(from, 0)))
      await this.walk(of, of.table.name === before?.table ? before.after : null);
    return this.rows;
  }

  /** Ranges that are the same are passed over while the streams run. */
  private async walk(of: FloatTable, after: Key | null): Promise<void> {
    for (let range: KeyRange | null = await this.rangeAfter(of, after); range !== null;) {
      this.step.stopIfCancelled();
      range = (await this.isSame(of, range)) ? await this.next(of, range) : await this.turn(of, range);
    }
  }

  /** Sets ranges one after the other for a while. @returns the range that is next; null at the end of the table */
  private async turn(of: FloatTable, first: KeyRange): Promise<KeyRange | null> {
    const { clients, ref, journals } = this.step;
    const began = Date.now();
    const lanes = { ...ref.id, workflows: workflowsOf(this.plan) };
    const rest = await withWorkflowLock(clients.target, lanes, 'vtmigrate repair', async (lock) => {
      refusePastNoReturn(await journals.require(ref.runId), targetPlace(this.plan));
      const stood = await this.stopStreams();
      try {
        const until = Date.now() + turnTime;
        let range: KeyRange | null = first;
        while (range !== null && Date.now() <= until) {
          await this.setRange(of, range, () => lock.check());
          this.tell({ table: of.table.name, after: range.upTo, rows: this.rows });
          range = await this.next(of, range);
        }
        return range;
      } finally {
        await this.startStreams(stood);
      }
    });
    await this.letStreamsCatchUp();
    const sparing = busyServer(await this.source.loads(), usual) === null ? 1 : busySparing;
    await Context.current().sleep(Math.min(longestRest, (Date.now() - began) * sparing));
    return rest;
  }

  private async setRange(of: FloatTable, range: KeyRange, check: () => Promise<void>): Promise<void> {
    const wanted = await (await this.sourceRows()).floats(of, { range }, mostRows, queryTimeout);
    for (const tablet of await this.primaries()) {
      const there = await tablet.floats(of, { range }, mostRows, queryTimeout);
      const different = differingFloats(wanted, there);
      const atOnce = Math.max(1, Math.min(rowsOfTransaction, Math.floor(valuesOfTransaction / of.floats.length)));
      for (let n = 0; n < different.length; n += atOnce) {
        const rows = different.slice(n, n + atOnce);
        this.step.stopIfCancelled();
        await check();
        await tablet.setFloats(of, rows);
        this.rows += rows.length;
      }
    }
  }

  private async isSame({ table }: FloatTable, range: KeyRange): Promise<boolean> {
    const [source, target] = await Promise.all([this.sourceRows(), targetRows(this.step.clients, this.plan)]);
    const [here, there] = await Promise.all([
      source.checksum(table, { range }, queryTimeout),
      target.checksum(table, { range }, queryTimeout),
    ]);
    return sameChecksum(here, there);
  }

  /** Null when the range is the last one. */
  private async next(of: FloatTable, { upTo }: KeyRange): Promise<KeyRange | null> {
    return upTo === null ? null : this.rangeAfter(of, upTo);
  }

  private async rangeAfter({ table }: FloatTable, after: Key | null): Promise<KeyRange> {
    const rest = { after, upTo: null };
    const source = await this.sourceRows();
    return { after, upTo: (await source.boundary(table, rest, rowsOfRange, queryTimeout)) ?? null };
  }

  /** Of a source that has come at least as far as the streams. */
  private async sourceRows(): Promise<RowReader> {
    return this.source.rowReader(await sourcePositions(this.source));
  }

  /** @returns those tablets whose streams are to run again, also those that an earlier attempt has stopped */
  private async stopStreams(): Promise<TabletHandle[]> {
    const workflows = workflowsOf(this.plan);
    const toRun: TabletHandle[] = [];
    for (const tablet of await this.primaries()) {
      const streams = await tablet.streams(workflows);
      const ended = streams.find(({ state }) => state === 'Error');
      if (ended !== undefined)
        throw new MigrationError(
          'TABLET_CALL_FAILED',
          `stream ${ended.id} has ended: ${ended.message}`,
          tablet.place,
          'remove the cause, then start it: vtmigrate Workflow Start',
        );
      const running = streams.some(({ state, message }) => state !== 'Stopped' || message === repairMessage);
      if (!running) continue;
      toRun.push(tablet);
      await tablet.setStreamState(workflows, 'Stopped', repairMessage);
    }
    return toRun;
  }

  /** Also when the step has been cancelled. */
  private async startStreams(tablets: readonly TabletHandle[]): Promise<void> {
    for (const tablet of tablets) await tablet.setStreamState(workflowsOf(this.plan), 'Running', '');
  }

  private async letStreamsCatchUp(): Promise<void> {
    const positions = await sourcePositions(this.source);
    for (const tablet of await this.primaries())
      for (const { id, sourceShard, state } of await tablet.streams(workflowsOf(this.plan)))
        if (state === 'Running')
          await tablet.waitForPosition(id, positions[sourceShard] ?? '', catchUpTimeout).catch((error: unknown) => {
            if (!(error instanceof MigrationError)) throw error;
          });
  }

  private primaries(): Promise<TabletHandle[]> {
    return targetPrimaries(this.step.clients, this.plan);
  }
}
