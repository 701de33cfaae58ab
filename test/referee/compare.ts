import { escapeId, type Connection, type RowDataPacket } from 'mysql2/promise';

/** Every value of a table, as MySQL itself gives it, in a form that keeps everything. */
export interface Contents {
  /** Name and data type of each column, by name. */
  columns: { name: string; type: string }[];
  rows: (string | null)[][];
}

/** Rows that one side has more often than the other, as text; or why the tables cannot be compared. */
export interface Difference {
  what: string;
  onlySource: string[];
  onlyTarget: string[];
}

/** @returns undefined when there is no such table */
export async function readTable(connection: Connection, table: string): Promise<Contents | undefined> {
  await connection.query("set time_zone = '+00:00'");
  const [found] = await connection.query<RowDataPacket[]>(
    `select column_name as name, data_type as type from information_schema.columns
      where table_schema = database() and table_name = ? order by column_name`,
    [table],
  );
  if (found.length === 0) return undefined;
  const columns = found.map(({ name, type }) => ({ name: String(name), type: Buffer.from(type as Buffer).toString() }));
  const list = columns.map(({ name, type }, i) => `${readForm(escapeId(name, true), type)} as c${i}`);
  const [rows] = await connection.query<RowDataPacket[][]>({
    sql: `select ${list.join(', ')} from ${escapeId(table, true)}`,
    rowsAsArray: true,
    typeCast: (field) => field.string(),
  });
  return { columns, rows: rows as unknown as Contents['rows'] };
}

/** An expression that gives a column's whole value as text that no conversion has changed. */
export function readForm(column: string, type: string): string {
  if (/^(bit|enum|set)$/.test(type)) return `cast(${column} as unsigned)`;
  if (/^(float|double)$/.test(type)) return `${column} * 1e0`;
  if (/^(json|date|time|datetime|timestamp|year|decimal|(tiny|small|medium|big)?int)$/.test(type))
    return `cast(${column} as char)`;
  // Strings of all kinds, spatial values with their SRID, vectors, and whatever else there may be.
  return `hex(cast(${column} as binary))`;
}

/**
 * Compares a table with all shards that it was moved to, as multisets of rows.
 * @param rounded FLOAT columns of which six digits are compared: their loss has been accepted
 */
export function difference(
  source: Contents | undefined,
  targets: readonly (Contents | undefined)[],
  rounded: readonly string[] = [],
): Difference | undefined {
  const sides = [source, ...targets];
  const shapes = sides.map((side) => JSON.stringify(side?.columns ?? 'there is no such table'));
  const [shape = ''] = shapes;
  if (source === undefined || shapes.some((each) => each !== shape))
    return { what: `the tables are not the same: ${[...new Set(shapes)].join(' / ')}`, onlySource: [], onlyTarget: [] };
  const counts = new Map<string, number>();
  const count = (contents: Contents | undefined, by: number): void => {
    for (const row of contents?.rows ?? []) {
      const text = JSON.stringify(row.map((value, i) => round(value, rounded.includes(source.columns[i]?.name ?? ''))));
      counts.set(text, (counts.get(text) ?? 0) + by);
    }
  };
  count(source, 1);
  for (const target of targets) count(target, -1);
  const onlySource = [...counts].flatMap(([row, times]) => (times > 0 ? [`${times} × ${row}`] : []));
  const onlyTarget = [...counts].flatMap(([row, times]) => (times < 0 ? [`${-times} × ${row}`] : []));
  if (onlySource.length + onlyTarget.length === 0) return undefined;
  const names = source.columns.map(({ name, type }) => `${name} ${type}`);
  const where = names.filter((_, i) => valuesOf([source], i) !== valuesOf(targets, i));
  return { what: `values of ${where.join(', ')} differ; columns: ${names.join(', ')}`, onlySource, onlyTarget };
}

/** All values of a column, whichever rows they are in. */
function valuesOf(sides: readonly (Contents | undefined)[], column: number): string {
  return JSON.stringify(sides.flatMap((side) => side?.rows.map((row) => row[column] ?? null) ?? []).sort());
}

function round(value: string | null, yes: boolean): string | null {
  return value === null || !yes ? value : Number(value).toPrecision(6);
}
