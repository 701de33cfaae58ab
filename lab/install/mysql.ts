import { existsSync, readdirSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { must } from '../run.js';
import { unpackDebian } from './apt.js';
import { cached, sayOnStderr, type Say } from './cache.js';

export const MYSQL = 'mysql-9.7';

/** The account every lab MySQL has, with every privilege. */
export const MYSQL_USER = 'vt_lab';
export const MYSQL_PASSWORD = 'lab';

/** A program of the unpacked MySQL: start `command` with `args`, then arguments of your own. */
export interface MysqlProgram {
  command: string;
  args: string[];
}

/**
 * Installs MySQL 9.7 from Debian sid into the cache, with a template data folder that instances
 * copy; answers the folder.
 */
export function installMysql(say: Say = sayOnStderr): Promise<string> {
  return cached(MYSQL, say, async (folder) => {
    say('fetching MySQL 9.7 (about 15 seconds, once)…');
    const work = join(folder, '.apt');
    await unpackDebian(
      { packages: ['mysql-server-core', 'mysql-client-core'], suite: 'sid', skip: /^(lib)?perl/ },
      work,
      join(folder, 'prefix'),
    );
    await rm(work, { recursive: true, force: true });
    await initializeTemplate(folder);
  });
}

/** How to start a program of the MySQL below `folder`. */
export function mysqlProgram(folder: string, program: 'mysqld' | 'mysql'): MysqlProgram {
  const prefix = join(folder, 'prefix');
  const { loader, libraries } = findLoader(prefix);
  const usr = join(prefix, 'usr');
  const path = join(usr, program === 'mysqld' ? 'sbin' : 'bin', program);
  const shared = [
    // No option files of the system; --no-defaults would also ignore what SET PERSIST wrote.
    '--defaults-file=/dev/null',
    `--character-sets-dir=${usr}/share/mysql/charsets`,
    `--plugin-dir=${usr}/lib/mysql/plugin`,
  ];
  const server = [`--basedir=${usr}`, `--lc-messages-dir=${usr}/share/mysql`, '--secure-file-priv=NULL'];
  return {
    command: loader,
    args: ['--library-path', libraries, path, ...shared, ...(program === 'mysqld' ? server : [])],
  };
}

/** The data folder that instances copy. */
export function mysqlTemplate(folder: string): string {
  return join(folder, 'template');
}

/** Debian sid's programs need sid's C library, so they are started through sid's own loader. */
function findLoader(prefix: string): { loader: string; libraries: string } {
  const lib = join(prefix, 'usr', 'lib');
  for (const triplet of readdirSync(lib)) {
    const libraries = join(lib, triplet);
    if (!triplet.endsWith('-linux-gnu')) continue;
    const loader = readdirSync(libraries).find((name) => /^ld-linux.*\.so\.\d+$/.test(name));
    if (loader !== undefined) return { loader: join(libraries, loader), libraries };
  }
  throw new Error(`No dynamic loader below ${lib}: remove the folder and install MySQL again.`);
}

async function initializeTemplate(folder: string): Promise<void> {
  await initializeData(mysqlProgram(folder, 'mysqld'), mysqlTemplate(folder), await timeZones(folder));
}

/**
 * Makes a data folder with the lab's account, in some seconds.
 * @param more statements, besides those that make the account
 * @param options that mysqld takes for good with its data folder
 */
export async function initializeData(
  { command, args }: MysqlProgram,
  data: string,
  more: readonly string[] = [],
  options: readonly string[] = [],
): Promise<void> {
  const statements = `${data}.sql`;
  await writeFile(statements, [...more, ...accounts(), ''].join('\n'));
  await must(command, [
    ...args,
    '--initialize-insecure',
    ...(process.getuid?.() === 0 ? ['--user=root'] : []),
    ...options,
    `--datadir=${data}`,
    `--init-file=${statements}`,
    '--innodb-flush-log-at-trx-commit=0',
    // Instances must not inherit transactions: each starts with an empty GTID set.
    '--disable-log-bin',
  ]);
  await rm(statements);
  // The server's identity; two servers with the same one cannot replicate.
  await rm(join(data, 'auto.cnf'), { force: true });
}

function accounts(): string[] {
  return [
    `CREATE USER '${MYSQL_USER}'@'%' IDENTIFIED BY '${MYSQL_PASSWORD}';`,
    `GRANT ALL ON *.* TO '${MYSQL_USER}'@'%' WITH GRANT OPTION;`,
  ];
}

/** Named time zones, where the system has them: without them CONVERT_TZ knows no name. */
async function timeZones(folder: string): Promise<string[]> {
  if (!existsSync('/usr/share/zoneinfo/Europe')) return [];
  const { loader, libraries } = findLoader(join(folder, 'prefix'));
  const program = join(folder, 'prefix', 'usr', 'bin', 'mysql_tzinfo_to_sql');
  const sql = await must(loader, ['--library-path', libraries, program, '/usr/share/zoneinfo']);
  return ['USE mysql;', sql];
}
