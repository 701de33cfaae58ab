import type { Survey, SurveyedStream } from '../../migration/audit/survey.js';
import { MigrationError } from '../../migration/problem/errors.js';
import { parseSourceIdentifier } from '../../migration/input/identifier.js';
import { quoteName, quoteString } from '../../migration/sql/quote.js';
import type { ShardStreams } from '../../migration/watch/stream.js';
import type { Clients } from '../../vitess/clients.js';
import { deniedTables } from '../../vitess/topology/shard-record.js';
import { listJournals, type Journal } from '../../effects/journal.js';
import { listLocks } from '../../vitess/topology/lock.js';
import type { Tablet } from '../../vitess/tablet/tablet.js';

/** Names that belong to Vitess's table lifecycle. */
const internalTable = /^_vt_/;

/** Reads everything migrations leave in a target keyspace. */
export async function readSurvey(clients: Clients, keyspace: string): Promise<Survey> {
  return new Surveying(clients, keyspace).survey();
}

/** A shard of the keyspace with its primary, and what its streams write to. */
interface ShardLook {
  shard: string;
  tablet: Tablet;
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
    return {
      keyspace: this.keyspace,
      at: new Date().toISOString(),
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
      copyStates: (await Promise.all(shards.map(copyStates))).flat(),
      vdiffs: (await Promise.all(shards.map((each) => vdiffs(each, this.keyspace)))).flat(),
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
    const streams: SurveyedStream[] = [];
    for (const workflow of await tablet.workflowNames())
      streams.push(...describe(workflow, await tablet.workflow(workflow)));
    return { shard, tablet, streams };
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

  private async readersOf(keyspace: string, tablet: Tablet): Promise<Survey['readers']> {
    const found: Survey['readers'] = [];
    for (const workflow of await tablet.workflowNames()) {
      const { streams } = await tablet.workflow(workflow);
      const rules = streams
        .filter((stream) => stream.externalCluster === '' && stream.sourceKeyspace === this.keyspace)
        .flatMap((stream) => stream.matches);
      if (rules.length > 0) found.push({ keyspace, workflow, rules: [...new Set(rules)] });
    }
    return found;
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
        const streamed = new Set(streams.flatMap((stream) => stream.rules));
        const names = (await tablet.tables())
          .map((table) => table.name)
          .filter(
            (name) =>
              created.has(name) ||
              !(internalTable.test(name) || streamed.has(name) || Object.hasOwn(vschema.tables, name)),
          );
        const tables: (Survey['tables'][number] & { created: boolean })[] = [];
        for (const table of names)
          tables.push({ shard, table, empty: await isEmpty(tablet, table), created: created.has(table) });
        return tables;
      }),
    );
    const all = found.flat();
    const withRows = new Set(all.filter((each) => !each.empty).map((each) => each.table));
    return all
      .filter((each) => each.created || !withRows.has(each.table))
      .map(({ shard, table, empty }) => ({ shard, table, empty }));
  }
}

/** True when a table has not a single row. */
export async function isEmpty(tablet: Tablet, table: string): Promise<boolean> {
  return (await tablet.query(`select 1 from ${quoteName(table)} limit 1`)).length === 0;
}

function describe(workflow: string, { shard, type, streams }: ShardStreams): SurveyedStream[] {
  const [first] = streams;
  if (first === undefined) return [];
  const external = first.externalCluster !== '';
  const states = [
    ...new Set(streams.map((stream) => (stream.message === '' ? stream.state : `${stream.state} (${stream.message})`))),
  ];
  return [
    {
      shard,
      workflow,
      type,
      states,
      source: external ? `${first.externalCluster}.${first.sourceKeyspace}` : first.sourceKeyspace,
      external,
      rules: [...new Set(streams.flatMap((stream) => stream.matches))],
    },
  ];
}

/** Copy state, and what was left to do after a copy, of streams that are gone. */
async function copyStates({ shard, tablet }: ShardLook): Promise<Survey['copyStates']> {
  const rows = await tablet.query(
    'select vrepl_id as stream, table_name as name from _vt.copy_state where vrepl_id not in (select id from _vt.vreplication) union select vrepl_id as stream, table_name as name from _vt.post_copy_action where vrepl_id not in (select id from _vt.vreplication) order by stream, name',
  );
  const streams = [...new Set(rows.flatMap((row) => row['stream'] ?? []))];
  return streams.map((stream) => ({
    shard,
    stream,
    tables: [...new Set(rows.filter((row) => row['stream'] === stream).flatMap((row) => row['name'] ?? []))],
  }));
}

/** VDiffs by their UUID; rows whose VDiff is gone by `#` and its ID. Vitess's own delete by UUID leaves such rows in the log. */
async function vdiffs({ shard, tablet }: ShardLook, keyspace: string): Promise<Survey['vdiffs']> {
  const whole = await tablet.query(
    `select vdiff_uuid as id, workflow, state from _vt.vdiff where keyspace = ${quoteString(keyspace)} and db_name = ${quoteString(tablet.dbName)} order by id`,
  );
  const rest = await tablet.query(
    'select vdiff_id as id from _vt.vdiff_table where vdiff_id not in (select id from _vt.vdiff) union select vdiff_id as id from _vt.vdiff_log where vdiff_id not in (select id from _vt.vdiff) order by id',
  );
  return [
    ...whole.map((row) => ({ shard, id: row['id'] ?? '', workflow: row['workflow'] ?? '', state: row['state'] ?? '' })),
    ...rest.map((row) => ({ shard, id: `#${row['id'] ?? ''}`, workflow: '', state: '' })),
  ];
}
