import { readFileSync } from 'node:fs';
import type { EtcdRole, MysqlAccounts } from '../../../lab/security.js';

/** Reads the tables of docs/security.md; the end-to-end tests of test/security run with exactly these grants. */

type Side = 'source' | 'target';

/** Options of a migration with grants of their own. */
export const grantedOptions = ['fenceSource', 'sourceTables', 'repairFloats', 'initializeTargetSequences'] as const;
export type GrantedOption = (typeof grantedOptions)[number];

/** What the page's placeholders stand for in the lab. */
const sides: Record<Side, { root: string; cell: string; keyspace: string }> = {
  source: { root: '/vitess/global', cell: '/vitess/ext', keyspace: 'load' },
  target: { root: '/vitess/global', cell: '/vitess/zone1', keyspace: 'commerce' },
};

/** A row of a table of grants: its first cell, the option it is for, and the other cells. */
interface Row {
  subject: string;
  option: GrantedOption | null;
  cells: string[];
}

const page = readFileSync(new URL('../../../docs/security.md', import.meta.url), 'utf8');

/** The rows of the table below a heading whose second column is `needed`. */
function rowsBelow(heading: string): Row[] {
  const section = page.slice(page.indexOf(`### ${heading}\n`) + 4).split('\n#', 1)[0] ?? '';
  const [head, , ...body] = section.split('\n').filter((line) => line.startsWith('|'));
  if (head?.split('|')[2]?.trim() !== 'needed')
    throw new Error(`docs/security.md has no table of grants for ${heading}`);
  return body.map((line) => {
    const [subject = '', needed = '', ...cells] = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
    return { subject, option: optionOf(needed), cells };
  });
}

function optionOf(needed: string): GrantedOption | null {
  if (needed === 'always') return null;
  const named = /^with `(\w+)`/.exec(needed)?.[1];
  const option = grantedOptions.find((each) => each === named);
  if (option === undefined) throw new Error(`docs/security.md: "${needed}" is neither "always" nor a known option`);
  return option;
}

const inUse = (row: Row, options: readonly GrantedOption[]): boolean =>
  row.option === null || options.includes(row.option);

/** The grants of a cell, with the lab's names in them. */
function grantsIn(cell: string | undefined, side: Side): string[] {
  const { root, cell: cellRoot, keyspace } = sides[side];
  return [...(cell ?? '').matchAll(/`([^`]+)`/g)].map(([, grant = '']) =>
    grant
      .replace('<root>', root)
      .replace('<cell>', cellRoot)
      .replace('<ks>', keyspace)
      .replace('<db>', `vt_${keyspace}`),
  );
}

/** The role of an account in a side's etcd, for a migration with these options. */
export function etcdRole(account: string, side: Side, options: readonly GrantedOption[] = []): EtcdRole {
  const rows = rowsBelow('etcd').filter((row) => row.subject === `${account}, on the ${side}` && inUse(row, options));
  if (rows.length === 0) throw new Error(`docs/security.md grants nothing to ${account} on the ${side}`);
  const all = (column: number) => [...new Set(rows.flatMap(({ cells }) => grantsIn(cells[column], side)))];
  return { read: all(0), write: all(1) };
}

export const etcdRoles: Record<Side, Record<string, EtcdRole>> = {
  source: {
    'vtmigrate-source': etcdRole('the worker', 'source'),
    'target-vttablets': etcdRole("the target's vttablets", 'source'),
    fencing: etcdRole('the worker', 'source', ['fenceSource']),
    retiring: etcdRole('the worker', 'source', ['sourceTables']),
    both: etcdRole('the worker', 'source', ['fenceSource', 'sourceTables']),
    nothing: { read: [], write: [] },
  },
  target: { 'vtmigrate-target': etcdRole('the worker', 'target') },
};

/** What a migration needs of a tablet's accounts on one side, by Vitess's role. */
export function mysqlGrants(side: Side, options: readonly GrantedOption[] = []): Record<string, string[]> {
  const grants: Record<string, string[]> = {};
  for (const row of rowsBelow('MySQL').filter((each) => inUse(each, options)))
    for (const role of row.subject.split(', '))
      (grants[role] ??= []).push(...grantsIn(row.cells[side === 'source' ? 0 : 1], side));
  return grants;
}

/** The accounts of a cluster's tablets, each with its own role's grants. */
export function mysqlAccounts(side: Side, options: readonly GrantedOption[] = []): MysqlAccounts {
  const grants = Object.entries(mysqlGrants(side, options));
  return {
    users: Object.fromEntries(grants.map(([role]) => [role, { user: `vt_${role}`, password: `mysql-${role}` }])),
    statements: grants
      .flatMap(([role, all]) => [
        `CREATE USER 'vt_${role}'@'%' IDENTIFIED BY 'mysql-${role}';`,
        // An account without grants still has to be able to connect.
        ...(all.length === 0 ? ['USAGE ON *.*'] : all).map((grant) => `GRANT ${grant} TO 'vt_${role}'@'%';`),
        '',
      ])
      .join('\n'),
  };
}
