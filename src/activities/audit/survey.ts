import type { Survey, SurveyedStream } from '../../migration/audit/judge.js';
import { MigrationError } from '../../migration/problem/errors.js';
import { parseSourceIdentifier } from '../../migration/input/identifier.js';
import { matchesOf, type ShardStreams } from '../../migration/watch/stream.js';
import type { Clients } from '../../vitess/clients.js';
import { deniedTables } from '../../vitess/topology/shard-record.js';
import { listJournals, type Journal } from '../../effects/journal.js';
import { listLocks } from '../../vitess/topology/lock.js';
import type { TabletHandle } from '../../vitess/tablet/tablet-handle.js';

/** Names that belong to Vitess's table lifecycle. */
const internalTable = /^_vt_/;

/** Reads everything migrations leave in a target keyspace. */
export async function readSurvey(clients: Clients, keyspace: string): Promise<Survey> {
  return new Surveying(clients, keyspace).survey();
}

/** A shard of the keyspace with its primary, and what its streams write to. */
interface ShardLook {
  shard: string;
  tablet: TabletHandle;
  streams: SurveyedStream[];
}

type FoundJournal = Awaited<ReturnType<typeof listJournals>>[number];

class Surveying {
  private readonly unread: string[] = [];

  constructor(
    private readonly clients: Clients,
    private readonly keyspace: string,
  ) {}

  async survey(): Promise<Survey> {
    const { target } = this.clients;
    await target.requireKeyspace(this.keyspace);
    const [journals, locks, serving] = await Promise.all([
      listJournals(target, this.keyspace),
      listLocks(target, this.keyspace),
      target.servingShards(this.keyspace),
    ]);
    const shards = await Promise.all(serving.map(({ name }) => this.shard(name)));
    const onEach = async <T>(read: (look: ShardLook) => Promise<T[]>) =>
      (
        await Promise.all(shards.map(async (each) => (await read(each)).map((row) => ({ shard: each.shard, ...row }))))
      ).flat();
    return {
      keyspace: this.keyspace,
      at: new Date().toISOString(),
      shards: serving.map(({ name }) => name),
      journals: journals.map(
        ({ workflow, journal: { runId, source, forward, createdTables, deniedTables: denied } }) => ({
          workflow,
          runId,
          source,
          forward,
          createdTables,
          deniedTables: denied,
        }),
      ),
      streams: shards.flatMap(({ streams }) => streams),
      readers: await this.readers(),
      denied: serving.flatMap(({ name, record }) => deniedTables(record).map((table) => ({ shard: name, table }))),
      copyStates: await onEach(({ tablet }) => tablet.orphanedCopyState()),
      vdiffs: await onEach(({ tablet }) => tablet.vdiffRows(this.keyspace)),
      locks: locks.map(({ workflow, entry, who, since }) => ({ workflow, key: entry.key, holder: who, since })),
      fences: (await Promise.all(journals.map((each) => this.fences(each)))).flat(),
      tables: await this.tables(
        shards,
        journals.map(({ journal }) => journal),
      ),
      unread: this.unread,
    };
  }

  private async shard(shard: string): Promise<ShardLook> {
    const tablet = await this.clients.primary(this.clients.target, this.keyspace, shard);
    return { shard, tablet, streams: (await tablet.workflows()).flatMap(describe) };
  }

  /** Streams of the cluster's other keyspaces that read from this one. */
  private async readers(): Promise<Survey['readers']> {
    const { target } = this.clients;
    const others = (await target.keyspaces()).filter((keyspace) => keyspace !== this.keyspace);
    const found = await Promise.all(
      others.map(async (keyspace) => {
        const shards = await target.servingShards(keyspace);
        const perShard = await Promise.all(
          shards.map(async ({ name }) => this.readersOf(keyspace, await this.clients.primary(target, keyspace, name))),
        );
        return perShard.flat();
      }),
    );
    return found.flat();
  }

  private async readersOf(keyspace: string, tablet: TabletHandle): Promise<Survey['readers']> {
    return (await tablet.workflows()).flatMap(({ workflow, streams }) => {
      const tables = streams
        .filter((stream) => stream.externalCluster === '' && stream.sourceKeyspace === this.keyspace)
        .flatMap((stream) => stream.matches);
      return tables.length === 0 ? [] : [{ keyspace, workflow, tables: [...new Set(tables)] }];
    });
  }

  /** A source that cannot be reached keeps the audit of the target from nobody. */
  private async fences({ workflow, journal }: FoundJournal): Promise<Survey['fences']> {
    const fenced = Object.entries(journal.fencedTables);
    if (fenced.length === 0) return [];
    try {
      const { mount, keyspace } = parseSourceIdentifier(journal.source);
      const topology = await this.clients.source(mount);
      const standing = await Promise.all(
        fenced.map(async ([shard, tables]) => {
          const denied = deniedTables(await topology.shard(keyspace, shard));
          return tables.filter((table) => denied.includes(table)).map((table) => ({ workflow, shard, table }));
        }),
      );
      return standing.flat();
    } catch (error) {
      if (!(error instanceof MigrationError)) throw error;
      this.unread.push(`the fence of ${this.keyspace}.${workflow} on ${journal.source}: ${error.message}`);
      return [];
    }
  }

  /** Tables that journals name, and those that are empty on every shard and unknown to the VSchema. */
  private async tables(shards: readonly ShardLook[], journals: readonly Journal[]): Promise<Survey['tables']> {
    const vschema = await this.clients.target.vschema(this.keyspace);
    const found = await Promise.all(
      shards.map(async ({ shard, tablet, streams }) => {
        const created = new Set(journals.flatMap((journal) => journal.createdTables[shard] ?? []));
        const streamed = new Set(streams.flatMap((stream) => stream.tables));
        const names = (await tablet.tableNames()).filter(
          (name) =>
            created.has(name) ||
            !(internalTable.test(name) || streamed.has(name) || Object.hasOwn(vschema.tables, name)),
        );
        const nonEmpty = new Set(await tablet.nonEmptyTables(names));
        return names.map((table) => ({ shard, table, empty: !nonEmpty.has(table), created: created.has(table) }));
      }),
    );
    const all = found.flat();
    const withRows = new Set(all.filter((each) => !each.empty).map((each) => each.table));
    return all
      .filter((each) => each.created || !withRows.has(each.table))
      .map(({ shard, table, empty }) => ({ shard, table, empty }));
  }
}

function describe(workflow: ShardStreams): SurveyedStream[] {
  const { shard, type, streams } = workflow;
  const [first] = streams;
  if (first === undefined) return [];
  const external = first.externalCluster !== '';
  const states = [
    ...new Set(streams.map((stream) => (stream.message === '' ? stream.state : `${stream.state} (${stream.message})`))),
  ];
  return [
    {
      shard,
      workflow: workflow.workflow,
      type,
      states,
      source: external ? `${first.externalCluster}.${first.sourceKeyspace}` : first.sourceKeyspace,
      external,
      tables: matchesOf(workflow),
    },
  ];
}
