const quoted = /"(?:[^"\\]|\\.)*"/gs;
/** A rule in protobuf's text format, its strings masked; it may hold messages that hold none themselves. */
const rule = /\brules:\s*\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}\s*/g;

/**
 * The source of a stream, as `_vt.vreplication` holds it, without some of its rules. Everything else stays as it is,
 * also fields that this program does not know.
 *
 * @param matches what the rules match, in their order, as Vitess itself reads them
 * @param gone the matches of the rules to leave out
 * @returns undefined when the text does not have as many rules as `matches` says
 */
export function withoutRules(source: string, matches: readonly string[], gone: readonly string[]): string | undefined {
  const masked = source.replaceAll(quoted, (text) => 'x'.repeat(text.length));
  const rules = [...masked.matchAll(rule)];
  if (rules.length !== matches.length) return undefined;
  const kept: string[] = [];
  let from = 0;
  rules.forEach(({ index, 0: { length } }, n) => {
    if (!gone.includes(matches[n] ?? '')) return;
    kept.push(source.slice(from, index));
    from = index + length;
  });
  return [...kept, source.slice(from)].join('');
}
