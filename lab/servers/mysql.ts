import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createConnection, type Connection } from 'mysql2/promise';
import { binaries, initializeData, MYSQL_PASSWORD, MYSQL_USER } from '../install.js';
import type { Server } from '../process.js';
import type { Site } from '../site.js';

/** One MySQL server. */
export interface Mysql {
  server: Server;
  socket: string;
  port: number;
  database: string;
  /** A connection of the account with every privilege. */
  connect(): Promise<Connection>;
}

export interface MysqlSpec {
  folder: string;
  name: string;
  /** Has to differ between servers that replicate from each other. */
  serverId: number;
  /** Created when it is missing. */
  database: string;
  /** More statements for its first start, one on each line. */
  statements?: string;
  /** Options that MySQL takes for good with its data folder, which is then not a copy. */
  dataOptions?: readonly string[];
}

/** Starts a MySQL on a copy of the template data folder, or on one of its own. */
export async function startMysql(spec: MysqlSpec, site: Site): Promise<Mysql> {
  const { folder, database, statements = '', dataOptions = [] } = spec;
  const port = await site.ports.take();
  const socket = join(folder, 'mysql.sock');
  await mkdir(folder, { recursive: true });
  const { command, args, template } = binaries().mysqld;
  if (dataOptions.length === 0) await cp(template, join(folder, 'data'), { recursive: true });
  else await initializeData({ command, args }, join(folder, 'data'), [], dataOptions);
  await writeFile(join(folder, 'init.sql'), initialStatements(database) + statements);
  const connect = (): Promise<Connection> =>
    createConnection({
      socketPath: socket,
      user: MYSQL_USER,
      password: MYSQL_PASSWORD,
      database,
      multipleStatements: true,
    });
  const server = await site.start({
    name: spec.name,
    command,
    args: [...args, ...dataOptions, ...serverOptions(spec, port, socket)],
    cwd: folder,
    log: join(folder, 'mysqld.log'),
    ready: async () => {
      const connection = await connect();
      await connection.end();
      return true;
    },
  });
  return { server, socket, port, database, connect };
}

/** Not written to the binary log: every server of a shard does this for itself. */
function initialStatements(database: string): string {
  return `SET SESSION sql_log_bin = 0;\nCREATE DATABASE IF NOT EXISTS \`${database}\`;\n`;
}

function serverOptions(spec: MysqlSpec, port: number, socket: string): string[] {
  return [
    ...(process.getuid?.() === 0 ? ['--user=root'] : []),
    `--datadir=${join(spec.folder, 'data')}`,
    `--init-file=${join(spec.folder, 'init.sql')}`,
    `--socket=${socket}`,
    `--pid-file=${join(spec.folder, 'mysqld.pid')}`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    '--mysqlx=OFF',
    '--skip-name-resolve',
    `--server-id=${spec.serverId}`,
    '--gtid-mode=ON',
    '--enforce-gtid-consistency=ON',
    '--log-bin=binlog',
    `--report-host=127.0.0.1`,
    '--max-connections=500',
    '--performance-schema=OFF',
    '--innodb-buffer-pool-size=64M',
    // The kernel has few of its contexts for all programs together (fs.aio-max-nr), and a dozen servers use them up.
    '--innodb-use-native-aio=OFF',
    // Nothing is forced to disk, but everything is handed to the kernel at commit: a killed server
    // loses nothing, only a machine that loses power would.
    '--sync-binlog=0',
    '--innodb-flush-log-at-trx-commit=2',
  ];
}
