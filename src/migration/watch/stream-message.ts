/** Characters of a stream's message that are kept. */
const longestMessage = 400;

const stopped = /^(stopped at ddl )/i;
const ddlVerbs = /^(create|alter|drop|rename|truncate)\b/i;

/** What secrets follow in a statement about users or servers, up to the first of them. */
const beforeSecret = /^(?:create|alter)\s+(?:user\b.*?\bidentified\b|server\s+\S+)/is;

/**
 * A stream's message, in which Vitess appends the statement that failed.
 * @returns what failed, and the statement where it is a DDL
 */
export function partsOf(message: string): { reason: string; ddl: string | undefined } {
  const [, reason = message, statement = ''] = /^(.*?)\s+during query: (.*)$/is.exec(message) ?? [];
  return { reason, ddl: ddlVerbs.test(statement) ? statement : undefined };
}

/**
 * A stream's message as histories and screens may have it: without the statement, which holds rows of the application,
 * unless it is a DDL, and without the secrets of that one.
 */
export function withoutSecrets(message: string): string {
  const [at = ''] = stopped.exec(message) ?? [];
  if (at !== '') return cut(at + bare(message.slice(at.length)));
  const { reason, ddl } = partsOf(message);
  return cut(ddl === undefined ? reason : `${reason} during query: ${bare(ddl)}`);
}

function bare(ddl: string): string {
  const [kept] = beforeSecret.exec(ddl) ?? [];
  return kept === undefined ? ddl : `${kept} …`;
}

function cut(text: string): string {
  return text.length <= longestMessage ? text : `${text.slice(0, longestMessage)}…`;
}
