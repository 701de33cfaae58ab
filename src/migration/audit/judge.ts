import { parseSourceIdentifier } from '../input/identifier.js';
import { writing } from '../watch/writes-to.js';
import { judgeOwners, orphans, type Owner } from './owners.js';
import { residueName, type Found, type Residue, type Verdict } from './residue.js';
import { ownerOf, type RunState, type Survey, type SurveyedLock } from './survey.js';

/** Everything that an audit has found in a keyspace. */
export interface Judgement {
  keyspace: string;
  /** ISO 8601 */
  at: string;
  owners: Owner[];
  /** All, or those that fit into an answer, residue first. */
  found: Found[];
  /** How many things are there besides; an answer of an earlier version lists all. */
  unlisted?: { residue: number; live: number };
  /** What could not be read, in words. */
  unread: string[];
}

/** Milliseconds: a named lock older than this is dead, unless a migration of that name is known. */
const lockPatience = 10 * 60_000;

/** Judges everything that a survey found: part of a live migration, or residue. */
export function judge(survey: Survey, runs: readonly RunState[]): Judgement {
  const { keyspace, at, unread } = survey;
  return { keyspace, at, unread, owners: judgeOwners(survey, runs), found: new Judging(survey, runs).found() };
}

/** What belongs to no live migration. */
export function leftBehind({ found }: Judgement): Found[] {
  return found.filter((thing) => !thing.live);
}

/** The part of a judgement that concerns one workflow. */
export function ofWorkflow(judgement: Judgement, workflow: string): Judgement {
  return {
    ...judgement,
    owners: judgement.owners.filter((owner) => owner.workflow === workflow),
    found: judgement.found.filter(({ owner }) => owner === workflow),
  };
}

class Judging {
  private readonly keyspace: string;
  private readonly orphans: ReadonlySet<string>;
  private readonly holdings: readonly Holding[];

  constructor(
    private readonly survey: Survey,
    runs: readonly RunState[],
  ) {
    this.keyspace = survey.keyspace;
    this.orphans = orphans(survey, runs);
    this.holdings = holdings(survey);
  }

  found(): Found[] {
    return [
      this.journals(),
      this.streams(),
      this.vdiffs(),
      this.copyStates(),
      this.denied(),
      this.fences(),
      this.tables(),
      this.locks(),
    ].flat();
  }

  /** What an owner has, or what is unowned; an owner is live unless it is an orphan. */
  private verdict(residue: Residue, owner: string | null, what: string, more: Partial<Verdict> = {}): Found {
    const live = owner !== null && !this.orphans.has(owner);
    return { ...residue, name: residueName(residue), owner, live, kept: null, what, ...more };
  }

  private journals(): Found[] {
    const { keyspace } = this;
    return this.survey.journals.map(({ workflow, runId, source }) =>
      this.verdict(
        { kind: 'journal', keyspace, workflow, runId },
        workflow,
        `records what the migration from ${source} has made`,
      ),
    );
  }

  private streams(): Found[] {
    const { keyspace } = this;
    return this.survey.streams.map(({ shard, workflow, type, source, states, rules }) =>
      this.verdict(
        { kind: 'stream', keyspace, shard, workflow },
        ownerOf(this.survey, workflow),
        `${type} from ${source}, ${states.join(', ')}, ${listTables(rules)}`,
      ),
    );
  }

  private vdiffs(): Found[] {
    const { keyspace } = this;
    return this.survey.vdiffs.map(({ shard, id, workflow, state }) =>
      this.verdict(
        { kind: 'vdiff', keyspace, shard, id },
        this.knownOwner(workflow),
        workflow === '' ? 'rows of a VDiff that is gone' : `rows of a VDiff of ${workflow}, ${state}`,
      ),
    );
  }

  private copyStates(): Found[] {
    const { keyspace } = this;
    return this.survey.copyStates.map(({ shard, stream, tables }) =>
      this.verdict(
        { kind: 'copy-state', keyspace, shard, stream },
        null,
        `copy state of stream ${stream}, which is gone, ${listTables(tables)}`,
      ),
    );
  }

  private denied(): Found[] {
    const { keyspace } = this;
    const readers = this.survey.readers.map((reader) => ({ reader, reads: writing(reader.rules) }));
    return this.survey.denied.map(({ shard, table }) => {
      const residue: Residue = { kind: 'denied', keyspace, shard, table };
      const reader = readers.find(({ reads }) => reads(table))?.reader;
      if (reader !== undefined) {
        const by = `${reader.keyspace}.${reader.workflow}`;
        return this.verdict(residue, null, `denied to applications: ${by} reads the table`, { live: true });
      }
      const holder = this.holder(shard, table);
      const why = holder === null ? '; no migration holds it' : ` for ${holder}`;
      return this.verdict(residue, holder, `denied to applications${why}`);
    });
  }

  private fences(): Found[] {
    const { keyspace } = this;
    return this.survey.fences.flatMap(({ workflow, shard, table }) => {
      const journal = this.survey.journals.find((each) => each.workflow === workflow);
      if (journal === undefined) return [];
      const { mount, keyspace: sourceKeyspace } = parseSourceIdentifier(journal.source);
      return [
        this.verdict(
          { kind: 'fence', keyspace, mount, sourceKeyspace, shard, table, workflow, runId: journal.runId },
          workflow,
          "denied to the source's applications",
        ),
      ];
    });
  }

  private tables(): Found[] {
    const { keyspace } = this;
    return this.survey.tables.map(({ shard, table, empty }) => {
      const holder = this.holder(shard, table);
      const of = holder === null ? 'not in the VSchema' : `of ${holder}`;
      return this.verdict(
        { kind: 'table', keyspace, shard, table },
        holder,
        `${empty ? 'empty' : 'has rows'}, ${of}`,
        empty ? {} : { kept: 'it has rows' },
      );
    });
  }

  private locks(): Found[] {
    const { keyspace } = this;
    return this.survey.locks.map((lock) => {
      const { workflow, key, holder, since } = lock;
      const owner = workflow === null ? null : this.knownOwner(workflow);
      const what = `held by ${holder} since ${since ?? 'an unknown time'}`;
      const found = this.verdict({ kind: 'lock', keyspace, workflow, key }, owner, what);
      return { ...found, live: found.live || !this.isDead(lock) };
    });
  }

  /** The lock of a keyspace never counts as dead: within seconds of its holder's death its lease ends it. */
  private isDead({ workflow, since }: SurveyedLock): boolean {
    return workflow !== null && since !== null && Date.parse(this.survey.at) - Date.parse(since) > lockPatience;
  }

  /** The owner of a workflow that has a journal or streams. */
  private knownOwner(workflow: string): string | null {
    const owner = ownerOf(this.survey, workflow);
    const isKnown = [...this.survey.journals, ...this.survey.streams].some((each) => each.workflow === owner);
    return isKnown ? owner : null;
  }

  /** The workflow that holds a table on a shard: a live one rather than an orphan. */
  private holder(shard: string, table: string): string | null {
    const holders = this.holdings.filter(({ holds }) => holds(shard, table)).map(({ owner }) => owner);
    return holders.find((workflow) => !this.orphans.has(workflow)) ?? holders[0] ?? null;
  }
}

/** What one journal, or a workflow's streams on one shard, hold: it is asked for each of many tables. */
interface Holding {
  owner: string;
  holds: (shard: string, table: string) => boolean;
}

/** Those of the journals first. */
function holdings(survey: Survey): Holding[] {
  return [
    ...survey.journals.map(({ workflow, deniedTables, createdTables }) => {
      const tables = [deniedTables, createdTables].map(
        (byShard) => new Map(Object.entries(byShard).map(([shard, names]) => [shard, new Set(names)])),
      );
      return {
        owner: ownerOf(survey, workflow),
        holds: (shard: string, table: string) => tables.some((byShard) => byShard.get(shard)?.has(table) === true),
      };
    }),
    ...survey.streams.map((stream) => {
      const writes = writing(stream.rules);
      return {
        owner: ownerOf(survey, stream.workflow),
        holds: (shard: string, table: string) => stream.shard === shard && writes(table),
      };
    }),
  ];
}

function listTables(tables: readonly string[]): string {
  return tables.length <= 5 ? `tables ${tables.join(', ')}` : `${tables.length} tables`;
}
