import type { Problem } from '../problem/errors.js';
import type { Finding } from '../problem/finding.js';
import { copiedFraction, maxLagSeconds, type Observation } from '../watch/observation.js';
import type { VDiffReport } from '../proof/vdiff.js';
import type { Gap } from '../proof/gaps.js';

/**
 * Where a migration is. `retiring`: the target serves the tables, those of the source are to be
 * renamed or dropped. The last four are its ends.
 */
export type Phase =
  | 'mounting'
  | 'checking'
  | 'creating'
  | 'copying'
  | 'verifying'
  | 'replicating'
  | 'paused'
  | 'completing'
  | 'retiring'
  | 'cancelling'
  | 'completed'
  | 'cancelled'
  | 'planned'
  | 'failed';

/** The answer of the query `status`: plain JSON, part of the public contract. */
export interface Status {
  workflow: string;
  source: string;
  phase: Phase;
  /** ISO 8601: since when the phase lasts, and of which moment the numbers are. */
  since: string;
  observedAt: string | null;
  copiedPercent: number;
  remainingSeconds: number | null;
  lagSeconds: number | null;
  streams: Observation['streams'];
  tables: Observation['tables'];
  vdiff: VDiffReport | null;
  /** What has been asked for and not yet been done. */
  requested: ('complete' | 'cancel' | 'vdiff' | 'pause')[];
  /** What it waits for, in words; empty while it works. */
  waitingFor: string[];
  /** What Complete's proof lacked when it was last tried. */
  missing: Gap[];
  /** The last error of a step that is being tried again, with its next step. */
  lastError: Problem | null;
  /** What the clusters show to be wrong, each with its next step. */
  problems: Problem[];
  /** What nothing is waited for, and a person should know all the same. */
  warnings: Problem[];
  /** What preflight found and what did not stop the migration: accepted warnings, and notices. */
  findings: Finding[];
  pastNoReturn: boolean;
  /** ISO 8601: when the source's tables are to be renamed or dropped; null unless that has been asked for and is near. */
  retireAt: string | null;
}

/** The part of a status that an observation decides: for the workflow's last one, or a live one. */
export function withObservation(status: Status, observation: Observation | null): Status {
  if (observation === null) return status;
  return {
    ...status,
    observedAt: observation.at,
    copiedPercent: Math.floor(copiedFraction(observation) * 1000) / 10,
    remainingSeconds: observation.remainingSeconds,
    lagSeconds: maxLagSeconds(observation),
    streams: observation.streams,
    tables: observation.tables,
    problems: observation.problems,
  };
}
