import type { RowDataPacket } from 'mysql2/promise';
import { MYSQL_PASSWORD, MYSQL_USER } from '../install.js';
import type { Tablet } from './tablet.js';

// The lab does all of this in SQL, as Vitess does not manage replication of a MySQL it has not
// started. Settings are persisted, so that they also hold after a restart.

/** Makes a tablet's MySQL follow the primary's by GTID, from wherever it is. */
export async function replicateFrom(primary: Tablet, replica: Tablet): Promise<void> {
  await on(replica, [
    'STOP REPLICA',
    `CHANGE REPLICATION SOURCE TO SOURCE_HOST = '${primary.hostname}', SOURCE_PORT = ${primary.mysql.port},
      SOURCE_USER = '${MYSQL_USER}', SOURCE_PASSWORD = '${MYSQL_PASSWORD}', GET_SOURCE_PUBLIC_KEY = 1,
      SOURCE_AUTO_POSITION = 1, SOURCE_CONNECT_RETRY = 1, SOURCE_RETRY_COUNT = 86400`,
    'START REPLICA',
    'SET PERSIST super_read_only = ON',
  ]);
}

/** Takes no more writes on a primary, and waits until the replica has all there were. */
export async function demote(primary: Tablet, replica: Tablet): Promise<void> {
  const [row] = await on(primary, ['SET PERSIST super_read_only = ON', 'SELECT @@GLOBAL.gtid_executed AS executed']);
  const [waited] = await on(replica, [`SELECT WAIT_FOR_EXECUTED_GTID_SET('${String(row?.['executed'])}', 60) AS late`]);
  if (waited?.['late'] !== 0) throw new Error(`${replica.alias} has not caught up with ${primary.alias}.`);
}

/** Makes a replica's MySQL take writes, and follow nobody. */
export async function promote(replica: Tablet): Promise<void> {
  await on(replica, [
    'STOP REPLICA',
    'RESET REPLICA ALL',
    'SET PERSIST super_read_only = OFF',
    'SET PERSIST read_only = OFF',
  ]);
}

/** Runs statements one after the other and gives the rows of the last one. */
async function on(tablet: Tablet, statements: string[]): Promise<RowDataPacket[]> {
  const connection = await tablet.mysql.connect();
  try {
    let rows: RowDataPacket[] = [];
    for (const statement of statements) [rows] = await connection.query<RowDataPacket[]>(statement);
    return rows;
  } finally {
    await connection.end();
  }
}
