import { listJournals, type ListedJournal } from '../../effects/journal-list.js';
import type { Journal } from '../../effects/journal.js';
import type { Survey, SurveyedJournal, SurveyedStream } from '../../migration/audit/survey.js';
import { parseSourceIdentifier } from '../../migration/input/identifier.js';
import { MigrationError } from '../../migration/problem/errors.js';
import { matchesOf, type ShardStreams } from '../../migration/watch/stream.js';
import { writing } from '../../migration/watch/writes-to.js';
import type { Clients } from '../../vitess/clients.js';
import type { TabletHandle } from '../../vitess/tablet/tablet-handle.js';
import { listLocks } from '../../vitess/topology/lock.js';
import { deniedTables } from '../../vitess/topology/shard-record.js';

/** Names that belong to Vitess's table lifecycle. */
const internalTable = /^_vt_/;

/**
 * Reads everything that migrations make in a target keyspace, and what its journals say is in the sources.
 * @throws MigrationError KEYSPACE_NOT_FOUND, TABLET_UNREACHABLE, NO_PRIMARY
 */
export async function readSurvey(clients: Clients, keyspace: string): Promise<Survey> {
  return new Surveying(clients, keyspace).survey();
}

/** The primary of a shard of the keyspace, with its streams. */
interface ShardLook {
  shard: string;
  tablet: TabletHandle;
  streams: SurveyedStream[];
}

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
    return {
      keyspace: this.keyspace,
      at: new Date().toISOString(),
      journals: journals.map(toSurveyed),
      streams: shards.flatMap(({ streams }) => streams),
      readers: await this.readers(),
      denied: serving.flatMap(({ name, record }) => deniedTables(record).map((table) => ({ shard: name, table }))),
      copyStates: await onEach(shards, ({ tablet }) => tablet.orphanedCopyState()),
      vdiffs: await onEach(shards, ({ tablet }) => tablet.vdiffRows(this.keyspace)),
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
    return { shard, tablet, streams: (await tablet.workflows()).flatMap(toSurveyedStream) };
  }

  /** Streams of the cluster's other keyspaces that read from this one. */
  private async readers(): Promise<Survey['readers']> {
    const others = (await this.clients.target.keyspaces()).filter((keyspace) => keyspace !== this.keyspace);
    return (await Promise.all(others.map((keyspace) => this.readersIn(keyspace)))).flat();
  }

  private async readersIn(keyspace: string): Promise<Survey['readers']> {
    const { target } = this.clients;
    const perShard = await Promise.all(
      (await target.servingShards(keyspace)).map(async ({ name }) => {
        const tablet = await this.clients.primary(target, keyspace, name);
        return tablet.workflows();
      }),
    );
    return perShard.flat().flatMap(({ workflow, streams }) => {
      const reading = streams.filter(
        ({ externalCluster, sourceKeyspace }) => externalCluster === '' && sourceKeyspace === this.keyspace,
      );
      const rules = [...new Set(reading.flatMap(({ matches }) => matches))];
      return rules.length === 0 ? [] : [{ keyspace, workflow, rules }];
    });
  }

  /** An unreachable source must not block the audit of the target. */
  private async fences({ workflow, journal }: ListedJournal): Promise<Survey['fences']> {
    const fenced = Object.entries(journal.fencedTables);
    if (fenced.length === 0) return [];
    try {
      const { mount, keyspace } = parseSourceIdentifier(journal.source);
      const topology = await this.clients.source(mount);
      const standing = await Promise.all(
        fenced.map(async ([shard, tables]) => {
          const denied = new Set(deniedTables(await topology.shard(keyspace, shard)));
          return tables.filter((table) => denied.has(table)).map((table) => ({ workflow, shard, table }));
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
    const all = await onEach(shards, async ({ shard, tablet, streams }) => {
      const created = new Set(journals.flatMap((journal) => journal.createdTables[shard] ?? []));
      const isWritten = writing(streams.flatMap((stream) => stream.rules));
      const isUnknown = (name: string) =>
        !internalTable.test(name) && !Object.hasOwn(vschema.tables, name) && !isWritten(name);
      const names = (await tablet.tableNames()).filter((name) => created.has(name) || isUnknown(name));
      const nonEmpty = new Set(await tablet.nonEmptyTables(names));
      return names.map((table) => ({ table, empty: !nonEmpty.has(table), created: created.has(table) }));
    });
    const withRows = new Set(all.filter(({ empty }) => !empty).map(({ table }) => table));
    return all
      .filter(({ table, created }) => created || !withRows.has(table))
      .map(({ shard, table, empty }) => ({ shard, table, empty }));
  }
}

/** What `read` answers for each shard, together with the shard's name. */
async function onEach<T extends object>(
  shards: readonly ShardLook[],
  read: (look: ShardLook) => Promise<T[]>,
): Promise<(T & { shard: string })[]> {
  const perShard = await Promise.all(
    shards.map(async (look) => (await read(look)).map((each) => ({ ...each, shard: look.shard }))),
  );
  return perShard.flat();
}

function toSurveyed({ workflow, journal }: ListedJournal): SurveyedJournal {
  const { runId, source, forward, workflows, createdTables, deniedTables: denied, leaving } = journal;
  return {
    ...{ workflow, runId, source, forward, workflows, createdTables },
    deniedTables: denied,
    leaving: leaving?.tables ?? [],
  };
}

function toSurveyedStream(found: ShardStreams): SurveyedStream[] {
  const { workflow, shard, type, streams } = found;
  const [first] = streams;
  if (first === undefined) return [];
  const external = first.externalCluster !== '';
  const states = streams.map(({ state, message }) => (message === '' ? state : `${state} (${message})`));
  return [
    {
      shard,
      workflow,
      type,
      states: [...new Set(states)],
      source: external ? `${first.externalCluster}.${first.sourceKeyspace}` : first.sourceKeyspace,
      external,
      rules: matchesOf(found),
    },
  ];
}
