import { MYSQL_PASSWORD, MYSQL_USER } from '../install.js';
import type { Tablet } from './tablet.js';

/**
 * Makes a replica's MySQL follow the primary's by GTID. The lab does it in SQL, as Vitess does not
 * manage replication of a MySQL it has not started.
 */
export async function replicateFrom(primary: Tablet, replica: Tablet): Promise<void> {
  const connection = await replica.mysql.connect();
  try {
    await connection.query(
      `CHANGE REPLICATION SOURCE TO SOURCE_HOST = '${primary.hostname}', SOURCE_PORT = ${primary.mysql.port},
        SOURCE_USER = '${MYSQL_USER}', SOURCE_PASSWORD = '${MYSQL_PASSWORD}', GET_SOURCE_PUBLIC_KEY = 1,
        SOURCE_AUTO_POSITION = 1, SOURCE_CONNECT_RETRY = 1, SOURCE_RETRY_COUNT = 86400`,
    );
    await connection.query('START REPLICA');
    // Persisted, so that it also holds after a restart.
    await connection.query('SET PERSIST super_read_only = ON');
  } finally {
    await connection.end();
  }
}
