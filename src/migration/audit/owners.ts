import { firstOf } from '../problem/bounded.js';
import { ownerOf, type RunState, type Survey, type SurveyedJournal, type SurveyedStream } from './survey.js';

/** A migration of which an audit has found something. */
export interface Owner {
  workflow: string;
  /**
   * `running`: its Temporal workflow runs; `orphaned`: it has a journal, and no workflow runs it;
   * `foreign`: another program made its streams.
   */
  state: 'running' | 'orphaned' | 'foreign';
  /** `ext1.load`; `load` for a keyspace of the same cluster. */
  source: string;
  /** What it is and where it stands, in words. */
  what: string;
  /** True when Migrate Complete and Migrate Cancel can take it over. */
  adoptable: boolean;
}

/** Workflows with a journal that do not run in Temporal. One that Temporal was not asked about counts as running. */
export function orphans(survey: Survey, runs: readonly RunState[]): Set<string> {
  const ended = new Set(runs.filter(({ running }) => !running).map(({ workflow }) => workflow));
  return new Set(survey.journals.map(({ workflow }) => workflow).filter((workflow) => ended.has(workflow)));
}

/** The migrations that have a journal, and then those that have streams only. */
export function judgeOwners(survey: Survey, runs: readonly RunState[]): Owner[] {
  const byWorkflow = new Map(runs.map((run) => [run.workflow, run]));
  const orphaned = orphans(survey, runs);
  const journaled = new Set(survey.journals.map(({ workflow }) => workflow));
  // One stream of each workflow: on every shard they have the same type and source.
  const streams = new Map(
    survey.streams
      .filter(({ workflow }) => !journaled.has(ownerOf(survey, workflow)))
      .map((stream) => [stream.workflow, stream]),
  );
  return [
    ...survey.journals.map((journal) =>
      ofJournal(journal, orphaned.has(journal.workflow), byWorkflow.get(journal.workflow)),
    ),
    ...[...streams.values()].map((stream) => ofStreams(stream, byWorkflow.get(stream.workflow))),
  ];
}

function ofJournal(journal: SurveyedJournal, orphaned: boolean, run?: RunState): Owner {
  const { workflow, source, runId, forward, leaving = [] } = journal;
  const point = forward ? '; it is past the point of no return' : '';
  const leaves = leaving.length === 0 ? '' : `; a part of it is leaving: ${firstOf(leaving)}`;
  return {
    workflow,
    state: orphaned ? 'orphaned' : 'running',
    source,
    what: `${run?.state ?? 'it has just begun'} (run ID ${runId})${point}${leaves}`,
    adoptable: orphaned,
  };
}

function ofStreams({ workflow, source, type, external }: SurveyedStream, run?: RunState): Owner {
  // A running migration of vtmigrate that has no journal yet, or no longer.
  if (run?.running === true) return { workflow, state: 'running', source, what: run.state, adoptable: false };
  return {
    workflow,
    state: 'foreign',
    source,
    what: `${type} made by another program, such as vtctldclient`,
    adoptable: type === 'Migrate' && external,
  };
}
