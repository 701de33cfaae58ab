import type { TablePage } from '../../migration/lifecycle/table-page.js';
import { tableFraction, type TableObservation } from '../../migration/watch/observation.js';
import { bytes, count, grouped, moment } from './format.js';

/** A page of tables for a person. */
export function renderTablePage({ at, page, pages, tables, totals }: TablePage): string[] {
  return [
    ...tables.map(tableLine),
    ...(tables.length === 0 ? [] : ['']),
    `Page ${page} of ${pages}; ${grouped(totals.copied)} of ${count(totals.tables, 'table')} done, as of ${moment(at)}`,
  ];
}

/** `customer: rows copied 50/100 (50%), size copied 500/1000 (50%)` */
export function tableLine(table: TableObservation): string {
  const rows = tableFraction(table);
  // The target's estimate of bytes lags behind its rows by seconds, so the share of rows sets a minimum.
  const copied = Math.max(Number(table.bytes), Math.floor(rows * Number(table.bytesTotal)));
  const size = { copied: 1, copying: share(copied, Number(table.bytesTotal)), waiting: 0 }[table.phase];
  return [
    `${table.name}: rows copied ${grouped(table.rows)}/${grouped(table.rowsTotal)} (${percent(rows)})`,
    `size copied ${bytes(copied)}/${bytes(table.bytesTotal)} (${percent(size)})`,
    ...(table.phase === 'copying' ? [] : [table.phase]),
  ].join(', ');
}

/** An estimate never reaches 100%. */
function share(done: number, total: number): number {
  return total === 0 ? 0 : Math.min(0.99, done / total);
}

function percent(fraction: number): string {
  return `${Math.floor(fraction * 100)}%`;
}
