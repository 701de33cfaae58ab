import type { Problem } from '../../src/migration/problem/errors.js';
import type { Scenario } from './scenario.js';

/** What a run did that can keep a migration from completing. */
interface Doings {
  scenario: Scenario;
  /** Kinds of the DDL that the source has seen since Create. */
  ddl: readonly string[];
}

const anyDdl = ({ ddl }: Doings): boolean => ddl.length > 0;
/** Rows have come or gone that no row event tells of. */
const unseen = ({ ddl }: Doings): boolean => ddl.some((kind) => /truncate|swap|drop|exchange/.test(kind));
const redefined = ({ ddl }: Doings): boolean => ddl.some((kind) => /add|drop|create|exchange|swap/.test(kind));

/** A member of an ENUM or SET that MySQL shows as a question mark: the check `member-lost` was accepted. */
const losesMembers = ({ scenario }: Doings): boolean =>
  scenario.tables.some(({ definition }) => /\b(enum|set)\([^)]*[\u{10000}-\u{10ffff}]/u.test(definition));

/** Vitess cannot read a JSON document with an empty key from the binary log: its stream stands still there. */
const hasJson = ({ scenario }: Doings): boolean =>
  scenario.tables.some(({ definition }) => /\bjson\b/.test(definition));

/** Reasons by their code and message, and when a run has given cause for them. Everything else is a failure. */
const plausible: { says: RegExp; when: (doings: Doings) => boolean }[] = [
  {
    says: /float-key|FLOAT/,
    when: ({ scenario }) => scenario.tables.some(({ floats }) => floats.length > 0),
  },
  {
    says: /hashes the text of it/,
    when: ({ scenario }) =>
      scenario.tables.some(({ definition }) => /zerofill|char(acter )?set (?!utf8|ascii|binary)/.test(definition)),
  },
  {
    says: /does not compare VECTOR columns/,
    when: ({ scenario }) => scenario.tables.some(({ definition, key }) => key === 'none' && /vector/.test(definition)),
  },
  { says: /^SCHEMA_DRIFT/, when: redefined },
  { says: /^PARTITIONS_DIFFER/, when: redefined },
  // Whether they do is looked at: see `judge.ts`.
  { says: /^ROWS_DIFFER/, when: () => true },
  { says: /^NOT_PROVEN/, when: anyDdl },
  { says: /unable to decode object elements|WaitForPosition for stream/, when: hasJson },
  {
    says: /^VDIFF_NOT_CLEAN/,
    when: (did) => unseen(did) || losesMembers(did) || did.scenario.tables.some(({ key }) => key === 'none'),
  },
  { says: /^STREAM_(IN_TROUBLE|NOT_RUNNING)/, when: (did) => anyDdl(did) || losesMembers(did) },
  { says: /^TABLE_NOT_FOUND/, when: redefined },
];

/** Why a reason is none: empty when it is one. A person must be told what is wrong and what to do. */
export function objection(reason: Problem, doings: Doings): string {
  const text = `${reason.code} ${reason.message}`;
  if (reason.code.trim() === '' || reason.message.trim() === '') return `a reason without code or message: ${text}`;
  if (reason.remedy.trim() === '' && !/: |accept/.test(reason.message)) return `a reason without a remedy: ${text}`;
  if (plausible.some(({ says, when }) => says.test(text) && when(doings))) return '';
  return `this run gave no cause for: ${text}`;
}
