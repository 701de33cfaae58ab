import { parseSourceIdentifier } from '../input/identifier.js';
import { writesTo } from '../watch/writes-to.js';

/** What one look at a target keyspace, and at the sources its journals name, showed. */
export interface Survey {
  keyspace: string;
  /** ISO 8601 */
  at: string;
  shards: string[];
  journals: SurveyedJournal[];
  streams: SurveyedStream[];
  /** Streams of other keyspaces that read from this one: a MoveTables away from it, whose tables are denied here for good reason. */
  readers: { keyspace: string; workflow: string; tables: string[] }[];
  denied: { shard: string; table: string }[];
  /** Rows of `_vt` whose stream is gone, by its ID. */
  copyStates: { shard: string; stream: string; tables: string[] }[];
  vdiffs: { shard: string; id: string; workflow: string; state: string }[];
  locks: SurveyedLock[];
  /** Entries of journals that still stand in the denied tables of the source. */
  fences: { workflow: string; shard: string; table: string }[];
  /** Tables that a journal says were created, and empty ones that the VSchema does not know. */
  tables: { shard: string; table: string; empty: boolean }[];
  /** What could not be looked at, in words. */
  unread: string[];
}

export interface SurveyedJournal {
  workflow: string;
  runId: string;
  source: string;
  forward: boolean;
  createdTables: Record<string, string[]>;
  deniedTables: Record<string, string[]>;
}

export interface SurveyedStream {
  shard: string;
  workflow: string;
  type: string;
  states: string[];
  /** `ext1.load`; `load` for a keyspace of the same cluster. */
  source: string;
  external: boolean;
  tables: string[];
}

export interface SurveyedLock {
  /** The workflow of a named lock; null for the lock of the keyspace. */
  workflow: string | null;
  key: string;
  /** What the holder says of itself. */
  holder: string;
  /** ISO 8601; null when the holder does not say it. */
  since: string | null;
}

/** What Temporal knows of the workflow of an identifier. */
export interface RunState {
  workflow: string;
  running: boolean;
  /** In words: `terminated at …`, `not in Temporal's namespace default`. */
  state: string;
}

export type FindingKind = 'stream' | 'vdiff' | 'copy-state' | 'table' | 'denied' | 'fence' | 'lock' | 'journal';

/** The order in which things may be removed. */
export const removalOrder: readonly FindingKind[] = [
  'stream',
  'vdiff',
  'copy-state',
  'table',
  'denied',
  'fence',
  'lock',
  'journal',
];

export interface Finding {
  /** Stable, for -remove: `denied:commerce/0/corder`. */
  name: string;
  kind: FindingKind;
  /** The workflow it belongs to; null when it belongs to nobody. */
  workflow: string | null;
  /** True when it belongs to a live migration, ours or another program's, or may. */
  live: boolean;
  /** Why it cannot be removed by name although nothing of it lives; null otherwise. */
  kept: string | null;
  what: string;
}

/** A migration of which something was found. */
export interface Owner {
  workflow: string;
  /** `ours`: its Temporal workflow runs; `orphan`: it has a journal and nobody looks after it; `theirs`: only streams. */
  whose: 'ours' | 'orphan' | 'theirs';
  source: string;
  /** What it is and where it stands, in words. */
  what: string;
  /** True when Migrate Complete and Migrate Cancel can take it over. */
  adoptable: boolean;
}

export interface Judgement {
  keyspace: string;
  at: string;
  owners: Owner[];
  findings: Finding[];
  unread: string[];
}

/** Milliseconds: the holder of a named lock that nobody's migration needs is given this long. */
const lockPatience = 10 * 60_000;

/** Says for everything found whether it belongs to a live migration or is residue. */
export function judge(survey: Survey, runs: readonly RunState[]): Judgement {
  return new Judging(survey, runs).judgement();
}

/** Findings that belong to no live migration. */
export function residue(judgement: Judgement): Finding[] {
  return judgement.findings.filter((finding) => !finding.live);
}

/** The part of a judgement that tells of one workflow. */
export function ofWorkflow(judgement: Judgement, workflow: string): Judgement {
  return {
    ...judgement,
    owners: judgement.owners.filter((owner) => owner.workflow === workflow),
    findings: judgement.findings.filter((finding) => finding.workflow === workflow),
  };
}

/**
 * Why the named things cannot be removed, one line each; empty when all of them can. A journal goes
 * last: it alone knows what its migration has made.
 */
export function refusals(judgement: Judgement, names: readonly string[]): string[] {
  return names.flatMap((name) => {
    const finding = judgement.findings.find((each) => each.name === name);
    if (finding === undefined) return [`${name} is not there`];
    if (finding.live) return [`${name} is not residue: ${finding.what}`];
    if (finding.kept !== null) return [`${name} cannot be removed: ${finding.kept}`];
    if (finding.kind !== 'journal') return [];
    const left = judgement.findings.filter(
      (each) =>
        each.workflow === finding.workflow &&
        !['journal', 'lock'].includes(each.kind) &&
        each.kept === null &&
        !names.includes(each.name),
    );
    return left.length === 0
      ? []
      : [
          `${name} goes last: it knows what its migration has made, and ${left.map((each) => each.name).join(', ')} ${left.length === 1 ? 'is' : 'are'} still there`,
        ];
  });
}

class Judging {
  private readonly orphans: ReadonlySet<string>;

  constructor(
    private readonly survey: Survey,
    private readonly runs: readonly RunState[],
  ) {
    // Whoever has not been asked about counts as alive.
    this.orphans = new Set(
      survey.journals.filter(({ workflow }) => this.run(workflow)?.running === false).map(({ workflow }) => workflow),
    );
  }

  judgement(): Judgement {
    const { keyspace, at, unread } = this.survey;
    const findings = [
      this.journals(),
      this.streams(),
      this.vdiffs(),
      this.copyStates(),
      this.denied(),
      this.fences(),
      this.tables(),
      this.locks(),
    ].flat();
    return { keyspace, at, unread, owners: this.owners(), findings };
  }

  private run(workflow: string): RunState | undefined {
    return this.runs.find((run) => run.workflow === workflow);
  }

  private owners(): Owner[] {
    const ours = this.survey.journals.map((journal): Owner => {
      const run = this.run(journal.workflow);
      const orphan = this.orphans.has(journal.workflow);
      const point = journal.forward ? '; it is past the point of no return' : '';
      return {
        workflow: journal.workflow,
        whose: orphan ? 'orphan' : 'ours',
        source: journal.source,
        what: `${run?.state ?? 'just begun'} (run ID ${journal.runId})${point}`,
        adoptable: orphan,
      };
    });
    const names = new Set(ours.map((owner) => owner.workflow));
    const theirs = this.survey.streams.filter((stream) => !names.has(stream.workflow));
    return [
      ...ours,
      ...[...new Set(theirs.map((stream) => stream.workflow))].flatMap((workflow): Owner[] => {
        const stream = theirs.find((each) => each.workflow === workflow);
        if (stream === undefined) return [];
        const external = stream.type === 'Migrate' && stream.external;
        // A migration of ours has no journal yet, or no longer.
        if (this.run(workflow)?.running === true)
          return [{ workflow, whose: 'ours', source: stream.source, what: 'running', adoptable: false }];
        return [
          {
            workflow,
            whose: 'theirs',
            source: stream.source,
            what: `${stream.type} of another program, such as vtctldclient`,
            adoptable: external,
          },
        ];
      }),
    ];
  }

  /** The finding of something that belongs to a workflow, or to nobody. */
  private finding(
    kind: FindingKind,
    rest: string,
    workflow: string | null,
    what: string,
    kept: string | null = null,
  ): Finding {
    return {
      name: `${kind}:${rest}`,
      kind,
      workflow,
      live: workflow !== null && !this.orphans.has(workflow),
      kept,
      what,
    };
  }

  private journals(): Finding[] {
    return this.survey.journals.map(({ workflow, source }) =>
      this.finding('journal', workflow, workflow, `what the migration from ${source} has made`),
    );
  }

  private streams(): Finding[] {
    return this.survey.streams.map((stream) =>
      this.finding(
        'stream',
        `${this.survey.keyspace}/${stream.shard}/${stream.workflow}`,
        stream.workflow,
        `${stream.type} from ${stream.source}, ${stream.states.join(', ')}, ${tablesOf(stream.tables)}`,
      ),
    );
  }

  private vdiffs(): Finding[] {
    return this.survey.vdiffs.map(({ shard, id, workflow, state }) => {
      const needed =
        this.survey.journals.some((journal) => journal.workflow === workflow) ||
        this.survey.streams.some((stream) => stream.workflow === workflow);
      return this.finding(
        'vdiff',
        `${this.survey.keyspace}/${shard}/${id}`,
        needed ? workflow : null,
        `rows of a VDiff of ${workflow === '' ? 'nobody' : workflow}${state === '' ? '' : `, ${state}`}`,
      );
    });
  }

  private copyStates(): Finding[] {
    return this.survey.copyStates.map(({ shard, stream, tables }) =>
      this.finding(
        'copy-state',
        `${this.survey.keyspace}/${shard}/${stream}`,
        null,
        `rows of stream ${stream}, which is gone, ${tablesOf(tables)}`,
      ),
    );
  }

  private denied(): Finding[] {
    return this.survey.denied.map(({ shard, table }) => {
      const rest = `${this.survey.keyspace}/${shard}/${table}`;
      const reader = this.survey.readers.find(({ tables }) => tables.some((match) => writesTo(match, table)));
      if (reader !== undefined)
        return {
          ...this.finding(
            'denied',
            rest,
            null,
            `denied to applications: ${reader.keyspace}.${reader.workflow} reads the table`,
          ),
          live: true,
        };
      const workflow = this.holder(shard, table);
      return this.finding(
        'denied',
        rest,
        workflow,
        workflow === null
          ? 'denied to applications, and no migration holds it'
          : `denied to applications for ${workflow}`,
      );
    });
  }

  /** The workflow that holds a table on a shard: a live one rather than an orphan. */
  private holder(shard: string, table: string): string | null {
    const holders = [
      ...this.survey.journals.filter(
        (journal) =>
          journal.deniedTables[shard]?.includes(table) === true ||
          journal.createdTables[shard]?.includes(table) === true,
      ),
      ...this.survey.streams.filter(
        (stream) => stream.shard === shard && stream.tables.some((match) => writesTo(match, table)),
      ),
    ].map(({ workflow }) => workflow);
    return holders.find((workflow) => !this.orphans.has(workflow)) ?? holders[0] ?? null;
  }

  private fences(): Finding[] {
    return this.survey.fences.map(({ workflow, shard, table }) => {
      const { source } = this.survey.journals.find((journal) => journal.workflow === workflow) ?? { source: '' };
      const { mount, keyspace } = parseSourceIdentifier(source);
      return this.finding(
        'fence',
        `${mount}/${keyspace}/${shard}/${table}`,
        workflow,
        "denied to the source's applications",
      );
    });
  }

  private tables(): Finding[] {
    return this.survey.tables.flatMap(({ shard, table, empty }) => {
      const workflow = this.holder(shard, table);
      const rest = `${this.survey.keyspace}/${shard}/${table}`;
      return [
        this.finding(
          'table',
          rest,
          workflow,
          `${empty ? 'empty' : 'has rows'}, ${workflow === null ? 'and the VSchema does not know it' : `of ${workflow}`}`,
          empty ? null : 'it has rows',
        ),
      ];
    });
  }

  private locks(): Finding[] {
    return this.survey.locks.map((lock) => {
      const what = `held by ${lock.holder} since ${lock.since ?? 'an unknown time'}`;
      // Whoever has died with it lets go within seconds, with its lease.
      if (lock.workflow === null) return { ...this.finding('lock', this.survey.keyspace, null, what), live: true };
      const { workflow } = lock;
      const known =
        this.survey.journals.some((journal) => journal.workflow === workflow) ||
        this.survey.streams.some((stream) => stream.workflow === workflow);
      const young = lock.since === null || !(Date.parse(this.survey.at) - Date.parse(lock.since) > lockPatience);
      const finding = this.finding('lock', `${this.survey.keyspace}/${workflow}`, known ? workflow : null, what);
      return { ...finding, live: finding.live || young };
    });
  }
}

function tablesOf(tables: readonly string[]): string {
  return tables.length <= 5 ? `tables ${tables.join(', ')}` : `${tables.length} tables`;
}
