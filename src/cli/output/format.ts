import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';
import type { NameList } from '../../migration/plan/reference.js';

/** `1234567` as `1,234,567`. Works on the decimal strings of 64-bit numbers. */
export function grouped(value: string | number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** Bytes with a unit: `512 B`, `12.5 MiB`. */
export function bytes(value: string | number): string {
  let size = Number(value);
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${unit === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${units[unit] ?? ''}`;
}

/** The two largest units of a duration: `45s`, `3m 10s`, `4d 3h`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const parts: [number, string][] = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor(whole / 3_600) % 24, 'h'],
    [Math.floor(whole / 60) % 60, 'm'],
    [whole % 60, 's'],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first === -1) return '0s';
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join(' ');
}

/** An ISO 8601 time in the format of logs: `2026-11-24 02:46:26 UTC`. */
export function moment(iso: string): string {
  return iso.replace(/^(.{10})T(.{8}).*Z$/, '$1 $2 UTC');
}

/** How long before `now` a moment was. */
export function since(iso: string, now: Date): string {
  return duration((now.getTime() - Date.parse(iso)) / 1000);
}

/** `n table` or `n tables`. */
export function count(n: number, what: string): string {
  return `${grouped(n)} ${what}${n === 1 ? '' : 's'}`;
}

/** Rows as lines with aligned columns: the first one to the left, the others to the right. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => widthOf(row[column] ?? ''))));
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const padding = spaces((widths[column] ?? 0) - widthOf(cell));
        return column === 0 ? cell + padding : padding + cell;
      })
      .join('  '),
  );
}

/** The width of a text in terminal columns. */
export function widthOf(text: string): number {
  return stringWidth(text);
}

/** Text padded to a width in terminal columns. */
export function padded(text: string, width: number): string {
  return text + spaces(width - widthOf(text));
}

function spaces(count: number): string {
  return ' '.repeat(Math.max(0, count));
}

/** Text of a database on one line. */
export function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

const indent = '    ';

/** A line wrapped at blanks into lines of at most `columns` terminal columns, the later ones indented. */
export function wrapped(line: string, columns: number): string[] {
  const width = Math.max(columns, 20);
  const text = line.normalize();
  const [first = ''] = wrapAnsi(text, width, { hard: true, trim: false }).split('\n');
  const rest = text.slice(first.length).trimStart();
  if (rest === '') return [first];
  const more = wrapAnsi(rest, width - indent.length, { hard: true }).split('\n');
  return [first.trimEnd(), ...more.map((each) => indent + each)];
}

/** The beginning of a line that fits into `width` terminal columns, without splitting a character. */
export function cut(line: string, width: number): string {
  let kept = '';
  let room = width;
  for (const { segment } of new Intl.Segmenter().segment(line)) {
    room -= widthOf(segment);
    if (room < 0) break;
    kept += segment;
  }
  return kept;
}

/** `a, b and 98 more` */
export function nameListLine({ count: all, names }: NameList): string {
  return `${names.join(', ')}${all > names.length ? ` and ${grouped(all - names.length)} more` : ''}`;
}
