import { gunzipSync, gzipSync } from 'node:zlib';
import type { Definitions } from '../migration/proof/drift.js';
import { MigrationError, type Place } from '../migration/problem/errors.js';
import type { ProofState } from '../migration/checksum/report.js';
import type { MigrateInput } from '../migration/input/input.js';
import { streamOptionsOf } from '../migration/input/stream-options.js';
import type { Plan } from '../migration/plan/plan.js';
import type { Description, TopologyWrite } from '../migration/plan/topology-write.js';
import { LargeValues, nothing, type Replaced } from '../vitess/topology/large-values.js';
import type { WorkflowLock } from '../vitess/topology/lock.js';
import type { Topology } from '../vitess/topology/topology.js';

/**
 * What a migration has made, written down before it is made. It lives in the target's topology, so that a worker on
 * any machine can finish the migration, and undoes what the migration made and nothing else. Vitess ignores this path.
 */
export interface Journal {
  /** The Temporal run that owns the migration. */
  runId: string;
  source: string;
  /** Tables this migration created, by target shard. */
  createdTables: Record<string, string[]>;
  /** Denied-table entries this migration added, by target shard. */
  deniedTables: Record<string, string[]>;
  /** Tables this migration added to the target's VSchema. */
  vschemaTables: string[];
  /** Cells whose serving VSchema may still show tables that have been taken out: they could not be reached. */
  cellsBehind: string[];
  /** True once streams may have been created. */
  streams: boolean;
  /** The Vitess workflows of these streams; a journal of an earlier version has none: see `workflowsIn`. */
  workflows: string[];
  /** True from the moment on at which Cancel has begun to take tables and streams back. */
  cancelling: boolean;
  /** The point of no return: true from just before the first stream is deleted to complete. */
  forward: boolean;
  /** Denied-table entries this migration added to the source's shards, by source shard. */
  fencedTables: Record<string, string[]>;
  /** By source shard: since when it refuses writes because of these entries, in milliseconds since 1970. */
  refusedSince: Record<string, number>;
  /** What has been called inside the fence, and how often for this try of Complete; null when nothing has. */
  fenceHook: { hook: string; timeoutMs: number; attempts: number } | null;
  /** When every shard of the target took writes, in milliseconds since 1970; null before. */
  takenAt: number | null;
  /** By source shard: the position up to which the target has everything. Known from the point of no return on. */
  positions: Record<string, string>;
  /** True once tables of the source may have been renamed to what MoveTables calls them. */
  sourceRenamed: boolean;
  /** Tables that are about to leave the migration, from before the first of its effects to the last. */
  leaving: Leaving | null;
  /** Tables that have left. */
  left: string[];
}

/** Tables that are leaving. */
export interface Leaving {
  tables: string[];
  /** The streams were not stopped, and have to run again. */
  startStreams: boolean;
  /** What was copied of them is gone from the target. */
  takenBack: boolean;
}

/** What a migration is, written down before Create and without the tables that left: enough for any worker. */
export interface MigrationRecord {
  input: MigrateInput;
  plan: Plan;
}

const emptyJournal = (): Journal => ({
  runId: '',
  source: '',
  createdTables: {},
  deniedTables: {},
  vschemaTables: [],
  cellsBehind: [],
  streams: false,
  workflows: [],
  cancelling: false,
  forward: false,
  fencedTables: {},
  refusedSince: {},
  fenceHook: null,
  takenAt: null,
  positions: {},
  sourceRenamed: false,
  leaving: null,
  left: [],
});

const besides = ['record', 'definitions', 'proof'] as const;
type Beside = (typeof besides)[number];

interface Stored {
  journal: Journal;
  replaced: Replaced;
}

/**
 * The journal of one migration: `<global root>/vtmigrate/<target keyspace>/<workflow>`, as JSON, gzipped where it is
 * long, and beside it, as gzipped JSON, `…/<workflow>/record` (what was asked for and planned),
 * `…/<workflow>/definitions` (the source's tables as Create saw them) and `…/<workflow>/proof` (how far the rows have
 * been compared). Each is as long as it has to be: see `LargeValues`.
 */
export class JournalStore {
  private readonly path: string;
  private readonly values: LargeValues;

  constructor(
    private readonly topology: Topology,
    private readonly id: { keyspace: string; workflow: string },
  ) {
    this.path = `${topology.root}/vtmigrate/${id.keyspace}/${id.workflow}`;
    this.values = new LargeValues(topology.kv, topology.place({ keyspace: id.keyspace }));
  }

  async read(): Promise<Journal | undefined> {
    return (await this.load())?.journal;
  }

  /**
   * The journal of this run, begun if there is none.
   * @param made what is already there, for a migration that is taken over
   * @throws MigrationError MIGRATION_EXISTS when another run owns it
   */
  async begin(runId: string, source: string, made: Partial<Journal> = {}): Promise<Journal> {
    await this.values.put(this.path, encode({ ...emptyJournal(), ...made, runId, source }), nothing);
    const journal = await this.read();
    if (journal?.runId === runId) return journal;
    throw this.owned(journal);
  }

  /** The journal of this run. @throws MigrationError MIGRATION_EXISTS when it is gone, or another's */
  async require(runId: string): Promise<Journal> {
    return (await this.loadOwn(runId)).journal;
  }

  /** The Vitess workflows that may have streams of the migration, whoever owns it. */
  async workflows(): Promise<string[]> {
    return workflowsIn(await this.read(), this.id);
  }

  /**
   * Lets `change` alter the journal of this run and stores it.
   * @throws MigrationError MIGRATION_EXISTS, RECORD_CHANGED
   */
  async update(runId: string, change: (journal: Journal) => void): Promise<Journal> {
    const stored = await this.loadOwn(runId);
    change(stored.journal);
    if (await this.values.put(this.path, encode(stored.journal), stored.replaced)) return stored.journal;
    throw this.changed();
  }

  /**
   * Makes the journal this run's; the next step of its former owner finds that it has lost it. Undefined when there
   * is none.
   * @param lock proof that no step of the former owner is at work
   * @throws MigrationError RECORD_CHANGED
   */
  async takeOver(lock: WorkflowLock, runId: string): Promise<Journal | undefined> {
    const stored = await this.load();
    if (stored === undefined || lock.workflow !== this.id.workflow) return undefined;
    const journal = { ...stored.journal, runId };
    if (stored.journal.runId === runId || (await this.values.put(this.path, encode(journal), stored.replaced)))
      return journal;
    throw this.changed();
  }

  /** The record; `undefined` when there is none. */
  async readRecord(): Promise<MigrationRecord | undefined> {
    const record = await this.readBeside<MigrationRecord>('record');
    if (record === undefined) return undefined;
    // A record of an earlier version lacks the stream options that have been added since.
    const stream = { ...streamOptionsOf(), ...record.plan.stream };
    return { ...record, plan: { ...record.plan, stream } };
  }

  /** The record of this run. @throws MigrationError MIGRATION_EXISTS when it is gone, or another's */
  async requireRecord(runId: string): Promise<MigrationRecord> {
    await this.loadOwn(runId);
    const record = await this.readRecord();
    if (record === undefined) throw this.owned(undefined);
    return record;
  }

  /** Writes the record of this run; an existing one is kept. @throws MigrationError MIGRATION_EXISTS */
  writeRecord(runId: string, record: MigrationRecord): Promise<void> {
    return this.writeBeside('record', runId, record);
  }

  /** The source's tables as Create saw them; `undefined` when there is no such entry. */
  readDefinitions(): Promise<Definitions | undefined> {
    return this.readBeside('definitions');
  }

  /** Writes the definitions for this run; existing ones are kept. @throws MigrationError MIGRATION_EXISTS */
  writeDefinitions(runId: string, definitions: Definitions): Promise<void> {
    return this.writeBeside('definitions', runId, definitions);
  }

  /** How far the rows have been compared, and the revision to replace it by. */
  async readProof(): Promise<{ proof: ProofState | undefined; replaced: Replaced }> {
    const entry = await this.values.get(`${this.path}/proof`);
    if (entry === undefined) return { proof: undefined, replaced: nothing };
    return { proof: unpack(entry.value) as ProofState, replaced: entry };
  }

  /**
   * Replaces the proof of this run. Answers its size in bytes, and what the next one replaces.
   * @param replaced as it was read, or last written
   * @throws MigrationError MIGRATION_EXISTS; RECORD_CHANGED when somebody else has written it
   */
  async writeProof(
    runId: string,
    proof: ProofState,
    replaced: Replaced,
  ): Promise<{ replaced: Replaced; bytes: number }> {
    await this.loadOwn(runId);
    const key = `${this.path}/proof`;
    const value = pack(proof);
    if (!(await this.values.put(key, value, replaced))) throw this.changed();
    return { replaced: (await this.values.head(key)) ?? nothing, bytes: value.length };
  }

  /** Changes the record of this run. @throws MigrationError MIGRATION_EXISTS, RECORD_CHANGED */
  async amendRecord(runId: string, change: (record: MigrationRecord) => MigrationRecord): Promise<void> {
    await this.loadOwn(runId);
    await this.changeBeside('record', change);
  }

  /** Changes the record and the definitions of this run. @throws MigrationError MIGRATION_EXISTS, RECORD_CHANGED */
  async amend(
    runId: string,
    change: { record: (record: MigrationRecord) => MigrationRecord; definitions: (of: Definitions) => Definitions },
  ): Promise<void> {
    await this.loadOwn(runId);
    await this.changeBeside('definitions', change.definitions);
    await this.changeBeside('record', change.record);
  }

  private async changeBeside<T>(name: Beside, change: (value: T) => T): Promise<void> {
    const entry = await this.values.get(`${this.path}/${name}`);
    if (entry === undefined) return;
    const changed = pack(change(unpack(entry.value) as T));
    if (!(await this.values.put(`${this.path}/${name}`, changed, entry))) throw this.changed();
  }

  private async readBeside<T>(name: Beside): Promise<T | undefined> {
    const entry = await this.values.get(`${this.path}/${name}`);
    return entry === undefined ? undefined : (unpack(entry.value) as T);
  }

  private async writeBeside(name: Beside, runId: string, value: unknown): Promise<void> {
    await this.loadOwn(runId);
    await this.values.put(`${this.path}/${name}`, pack(value), nothing);
  }

  /** Removes the journal of this run and what is beside it, at once; nothing happens when there is none. */
  async remove(runId: string): Promise<void> {
    const stored = await this.load();
    if (stored === undefined) return;
    if (stored.journal.runId !== runId) throw this.owned(stored.journal);
    await this.topology.kv.delete(this.path, stored.replaced.revision, `${this.path}/`);
  }

  private async loadOwn(runId: string): Promise<Stored> {
    const stored = await this.load();
    if (stored?.journal.runId === runId) return stored;
    throw this.owned(stored?.journal);
  }

  private async load(): Promise<Stored | undefined> {
    const entry = await this.values.get(this.path);
    return entry === undefined ? undefined : { journal: decode(entry.value), replaced: entry };
  }

  private changed(): MigrationError {
    return new MigrationError(
      'RECORD_CHANGED',
      `${this.path} has been changed by another worker`,
      this.topology.place(),
      'the step is tried again',
    );
  }

  private owned(journal: Journal | undefined): MigrationError {
    const { keyspace, workflow } = this.id;
    return new MigrationError(
      'MIGRATION_EXISTS',
      journal === undefined
        ? `the journal of ${keyspace}.${workflow} is gone`
        : `${keyspace}.${workflow} belongs to the migration of ${journal.source} with run ID ${journal.runId}`,
      this.topology.place({ keyspace }),
      journal === undefined
        ? `another program has removed ${this.path}`
        : 'complete or cancel that one first, or choose another workflow name',
    );
  }
}

function pack(value: unknown): Uint8Array {
  return gzipSync(JSON.stringify(value));
}

/** The first byte of everything that is packed. */
const gzipped = 0x1f;

function unpack(packed: Uint8Array): unknown {
  return JSON.parse(gunzipSync(packed).toString());
}

/** Characters of a journal that everybody can read in etcd; with thousands of tables it is packed. */
const longestPlain = 50_000;

function encode(journal: Journal): Uint8Array {
  const text = JSON.stringify(journal);
  return text.length > longestPlain ? pack(journal) : Buffer.from(text);
}

/** The journal as an effect: its lines in the dry run. */
export const journal = {
  describe({ plan, target }: Description): TopologyWrite[] {
    const { keyspace, workflow } = plan.target;
    const key = `${target.global}/vtmigrate/${keyspace}/${workflow}`;
    return [
      { cluster: 'target', key, what: 'the journal, from preflight to the end' },
      ...besides.map((name) => ({ cluster: 'target', key: `${key}/${name}`, what: `beside the journal: ${name}` })),
    ];
  },
};

/** Adds tables to those that a journal has for a shard. */
export function addTo(lists: Record<string, string[]>, shard: string, tables: readonly string[]): void {
  lists[shard] = [...new Set([...(lists[shard] ?? []), ...tables])];
}

/** The Vitess workflows that may have streams of a migration; without a journal, the one of its name. */
export function workflowsIn(
  journal: Pick<Journal, 'workflows'> | undefined,
  { workflow }: { workflow: string },
): string[] {
  return journal === undefined || journal.workflows.length === 0 ? [workflow] : journal.workflows;
}

/** @throws MigrationError PAST_NO_RETURN when the journal says that there is only the way forward */
export function refusePastNoReturn({ forward }: Pick<Journal, 'forward'>, place: Place): void {
  if (!forward) return;
  throw new MigrationError(
    'PAST_NO_RETURN',
    'the migration is past the point of no return: its streams are being deleted',
    place,
    'wait for Complete to finish',
  );
}

function decode(value: Uint8Array): Journal {
  // A journal of an earlier version lacks what has been added since.
  const journal: unknown = value[0] === gzipped ? unpack(value) : JSON.parse(Buffer.from(value).toString());
  return { ...emptyJournal(), ...(journal as Partial<Journal>) };
}
