import type { Place, Problem } from '../problem/errors.js';
import type { WarningCode } from '../problem/shown-codes.js';
import { quoteName } from '../sql/quote.js';

/** What is tried of a table through vtgate, once applications may use it. */
type Trial = 'read' | 'write';

/** A trial that rules of vtgate, its tablets or MySQL have refused: no matter of the migration. */
export interface RefusedTrial {
  trial: Trial;
  rule: Rule;
  table: string;
  /** In vtgate's own words. */
  reason: string;
}

type Rule = keyof typeof rules;

/**
 * Rules that refuse a statement whatever the migration does. Vitess gives its reasons only as text: this table is the
 * one place that reads them. A remedy of null: what is refused there need not be done, and no warning says so.
 */
const rules = {
  /** A tablet looks at its table ACL after its denied tables: a table that this refuses is served. */
  acl: {
    pattern: /command denied to user .*\(ACL check error\)/i,
    remedy: {
      read: "make vtmigrate's user of vtgate a reader in the tablets' table ACL (--table-acl-config) the next time",
      // That user is to be a reader only: docs/security.md.
      write: null,
    },
  },
  grants: {
    pattern: /command denied to user .*\(errno 114[23]\)/i,
    remedy: {
      read: "grant SELECT on the tables to the MySQL account that the target's tablets use for applications (app)",
      write:
        "grant INSERT, UPDATE and DELETE on the tables to the MySQL account that the target's tablets use for " +
        'applications (app), or leave it so if nobody is to write',
    },
  },
  query: {
    pattern: /disallowed due to rule: (?!enforce denied tables)/i,
    remedy: {
      read: "see whether the query rules of the target's tablets are to hold for these tables",
      write: "see whether the query rules of the target's tablets are to hold for these tables",
    },
  },
  /** From MySQL itself: a table that vtgate does not know yet has other words. */
  gone: {
    pattern: /doesn't exist \(errno 1146\)/i,
    remedy: {
      read: 'somebody has dropped or renamed it on the target since it was copied: if by mistake, copy it again',
      write: null,
    },
  },
  scatter: {
    pattern: /disallowed using the .?no-scatter/i,
    remedy: {
      read: 'something between the worker and vtgate removes comments from statements: read the tables by yourself',
      write: null,
    },
  },
} as const satisfies Record<string, { pattern: RegExp; remedy: Record<Trial, string | null> }>;

/**
 * The rule that has refused a trial. Undefined when the reason is the migration's own business and may pass: vtgate
 * does not know the table, a tablet denies it, or there is no primary.
 * @param reason vtgate's words, a line for each shard that refused
 */
export function ruleBehind(reason: string): Rule | undefined {
  const names = Object.keys(rules) as Rule[];
  const found = reason.split('\n').map((line) => names.find((name) => rules[name].pattern.test(line)));
  return found.includes(undefined) ? undefined : found[0];
}

/** A warning for each rule, which names the first table of all it has refused. */
export function trialWarnings(refused: readonly RefusedTrial[], place: Place): Problem<WarningCode>[] {
  const byRule = new Map<string, [RefusedTrial, ...RefusedTrial[]]>();
  for (const each of refused) {
    const key = `${each.trial} ${each.rule}`;
    const alike = byRule.get(key);
    if (alike === undefined) byRule.set(key, [each]);
    else alike.push(each);
  }
  return [...byRule.values()].flatMap((alike) => warningOf(alike, place));
}

function warningOf(alike: [RefusedTrial, ...RefusedTrial[]], place: Place): Problem<WarningCode>[] {
  const [{ trial, rule, table, reason }] = alike;
  const remedy = rules[rule].remedy[trial];
  if (remedy === null) return [];
  const rest = new Set(alike.map((each) => each.table)).size - 1;
  const tables = `table ${quoteName(table)}${rest === 0 ? '' : ` and ${rest} more`}`;
  const what = trial === 'read' ? `read ${tables}` : `try a write to ${tables}`;
  const why = rule === 'gone' ? 'it is gone from MySQL' : 'not the migration, but a rule refuses it';
  const message = `vtmigrate could not ${what} through vtgate; ${why} (${reason})`;
  return [{ code: trial === 'read' ? 'READ_REFUSED' : 'WRITE_REFUSED', message, place: { ...place, table }, remedy }];
}
