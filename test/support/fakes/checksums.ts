import { createHash } from 'node:crypto';
import type { NamedRow } from '../../../src/vitess/tablet/rows.js';
import type { FakeMysql } from './mysql.js';
import { unquote, type Statement } from './sql.js';

const name = '(`(?:[^`]|``)+`|\\w+)';

/** The statements of `src/vitess/tablet/sql/checksums.ts`, for tables with a key of one whole number. */
export function checksumStatements(mysql: FakeMysql): Statement[] {
  const read = (match: string[]) => rowsOf(mysql, unquote(match[1] ?? ''), match[2] ?? '');
  return [
    [
      new RegExp(`^select .* count\\(\\*\\) as n, .* as total from ${name}(?: where (.*))?$`),
      (match) => {
        const rows = read(match);
        const total = rows.reduce((sum, row) => sum + row.sum, 0n);
        return [{ n: String(rows.length), total: String(total) }];
      },
    ],
    [
      new RegExp(`^select .* as k0 from ${name}(?: where (.*))? order by \\w+ limit 1 offset (\\d+)$`),
      (match) => keyRows(read(match).slice(Number(match[3]), Number(match[3]) + 1)),
    ],
    [
      new RegExp(`^select .* as k0, .* as total from ${name}(?: where (.*))? order by \\w+ limit (\\d+)$`),
      (match) => keyRows(read(match).slice(0, Number(match[3]))),
    ],
    [/^select wait_for_executed_gtid_set\('(.*)', \d+\) as late$/, ([, gtids = '']) => late(mysql, gtids)],
  ];
}

interface ReadRow {
  key: bigint;
  sum: bigint;
}

/** The rows of a table that a condition chooses, in the order of their key. */
function rowsOf(mysql: FakeMysql, table: string, condition: string): ReadRow[] {
  const chosen = chooses(condition);
  return [...mysql.table(table).rows]
    .map(([key, value]) => ({ key: BigInt(key), sum: hash(`${key},${value}`) }))
    .filter(({ key }) => chosen(key))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}

function chooses(condition: string): (key: bigint) => boolean {
  const among = / in \((.*)\)$/.exec(condition)?.[1];
  if (among !== undefined) {
    const keys = new Set(among.split(', '));
    return (key) => keys.has(String(key));
  }
  const after = /^\w+ > (-?\d+)/.exec(condition)?.[1];
  const upTo = /not \(\w+ > (-?\d+)\)/.exec(condition)?.[1];
  return (key) => (after === undefined || key > BigInt(after)) && (upTo === undefined || key <= BigInt(upTo));
}

function keyRows(rows: readonly ReadRow[]): NamedRow[] {
  return rows.map(({ key, sum }) => ({ k0: String(key), total: String(sum) }));
}

function hash(row: string): bigint {
  return BigInt(`0x${createHash('sha256').update(row).digest('hex').slice(0, 16)}`);
}

function late(mysql: FakeMysql, gtids: string): NamedRow[] {
  return [{ late: mysql.isAtLeast(mysql.position(), `MySQL56/${gtids}`) ? '0' : '1' }];
}
