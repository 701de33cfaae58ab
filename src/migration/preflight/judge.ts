import type { MigrationError } from '../problem/errors.js';
import { stamp, type Finding } from './finding.js';
import type { Check } from './check.js';
import { checkOfError, checks, severityOf, type CheckName } from './checks/index.js';
import type { Answer, Answers, FactName, Facts } from './facts.js';

/**
 * Everything that these checks find in the facts that were read, and what could not be read of the facts.
 * @param asked the checks to ask; all of them by default
 */
export function judge(answers: Answers, asked: readonly Check<CheckName, CheckName>[] = checks): Finding[] {
  return [...unreadFindings(answers, asked), ...asked.flatMap((check) => judgeOne(check, answers))];
}

function judgeOne(check: Check<CheckName>, answers: Answers): Finding[] {
  if (!check.needs.every((name) => answers[name]?.value !== undefined)) return [];
  const facts = Object.fromEntries(check.needs.map((name) => [name, answers[name]?.value]));
  return check.judge(facts as unknown as Facts).map((found) => stamp(check, found));
}

/** The same may be seen by several reads: it is reported once. */
function unreadFindings(answers: Answers, asked: readonly Check<CheckName, CheckName>[]): Finding[] {
  const found = (Object.entries(answers) as [FactName, Answer<unknown>][]).flatMap(([name, { unread, what }]) =>
    unread.flatMap((error) => (what === null ? [findingOf(error)] : notKnown(name, what, error, asked))),
  );
  return [...new Map(found.map((each) => [JSON.stringify(each), each])).values()];
}

/** An error of a read without which there is no plan, as a finding. */
export function findingOf(error: MigrationError): Finding {
  const { what: message, place, remedy, code } = error;
  return stamp(checkOfError(code), { message, place, remedy, code });
}

/** What could not be read, and is therefore not known to be right: a finding of the checks that need it. */
function notKnown(
  fact: FactName,
  what: string,
  error: MigrationError,
  asked: readonly Check<CheckName, CheckName>[],
): Finding[] {
  const names = new Set(asked.filter(({ needs }) => needs.includes(fact)).map(({ unread }) => unread));
  return [...names].map((name) =>
    stamp(
      { name, severity: severityOf(name) ?? 'warning' },
      { message: `${what} could not be read (${error.what})`, place: error.place, remedy: error.remedy },
    ),
  );
}
