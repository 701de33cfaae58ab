import { Code, ConnectError } from '@connectrpc/connect';
import { MigrationError } from '../../migration/problem/errors.js';
import type { TabletConnection } from './connection.js';
import { readVariables } from './sql/server.js';

/** What Vitess's materializer sets while it creates target tables (`vreplication.SQLMode`). */
const sqlMode = 'NO_AUTO_VALUE_ON_ZERO';
const allTables = '/.*/';
/** The name of a lock of MySQL that a session holds while it creates tables, of at most 64 characters. */
const creating = "concat('vtmigrate ', left(sha2(database(), 256), 40))";
/** Seconds to wait for such a session to end. */
const creatingPatience = 40;

/** A table as GetSchema describes it. Rows and bytes are estimates of `information_schema`. */
export interface TableSchema {
  name: string;
  ddl: string;
  rows: number;
  bytes: number;
}

/** Base tables in the order of their names (`GetSchema`), without their columns: two queries more for each table. */
export async function readTables(tablet: TabletConnection, names?: readonly string[]): Promise<TableSchema[]> {
  // Vitess takes a name between slashes as a regular expression, and compares any other literally.
  const tables = names === undefined ? [allTables] : [...names];
  const response = await tablet.change('GetSchema', (options) =>
    tablet.manager.getSchema({ tables, tableSchemaOnly: true }, options),
  );
  const definitions = response.schemaDefinition?.tableDefinitions ?? [];
  return definitions
    .map(({ name, schema, rowCount, dataLength }) => ({
      name,
      ddl: schema,
      rows: Number(rowCount),
      bytes: Number(dataLength),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * Runs statements that create tables, with foreign key checks off, as Vitess's `deploySchema`.
 * @param keyless the tables have no primary key, and shall get none from MySQL
 */
export async function applySchema(tablet: TabletConnection, statements: string, keyless: boolean): Promise<void> {
  const sql = `${keyless ? await withoutGeneratedKeys(tablet) : ''}${statements}`;
  await tablet.change('ApplySchema', (options) =>
    tablet.manager.applySchema(
      { sql, force: false, allowReplication: true, sqlMode, disableForeignKeyChecks: true, batchSize: 0n },
      options,
    ),
  );
}

/**
 * Creates tables, one after the other in one session that is set as `applySchema` sets it, until one is refused: those
 * before it are made. ApplySchema reads the whole schema before and after, which takes the longer the more tables
 * there are. The tablet does not know the tables until `reloadSchema`.
 * @param keyless as in `applySchema`
 */
export async function createTables(
  tablet: TabletConnection,
  definitions: readonly string[],
  keyless: boolean,
): Promise<void> {
  const settings = [
    `do get_lock(${creating}, 0);\n`,
    `set session sql_mode = '${sqlMode}';\n`,
    keyless ? await withoutGeneratedKeys(tablet) : '',
  ];
  const sql = Buffer.from(`${settings.join('')}${definitions.join(';\n')}`);
  await tablet.change('ExecuteMultiFetchAsDba', (options) =>
    tablet.manager.executeMultiFetchAsDba(
      { sql, dbName: tablet.dbName, maxRows: 1n, disableForeignKeyChecks: true },
      options,
    ),
  );
}

/**
 * Waits until no earlier call of `createTables` goes on: one that its caller has given up still makes all its tables.
 * @throws MigrationError TABLET_UNREACHABLE when one does not end in time
 */
export async function awaitCreation(tablet: TabletConnection): Promise<void> {
  // The lock goes with the session, which is this call's own.
  const [row] = await tablet.query(`select get_lock(${creating}, ${creatingPatience}) as held`);
  if (row?.['held'] === '1') return;
  throw new MigrationError(
    'TABLET_UNREACHABLE',
    'an earlier call still creates tables',
    tablet.place,
    "see what the tablet's MySQL waits for (SHOW PROCESSLIST)",
  );
}

/**
 * Makes the tablet load what has changed of its tables. One that fails at that is no error, as it is none of
 * ApplySchema: the tablet tries again by itself.
 */
export async function reloadSchema(tablet: TabletConnection): Promise<void> {
  await tablet.renew('ReloadSchema', async (options) => {
    try {
      await tablet.manager.reloadSchema({}, options);
    } catch (cause) {
      if (ConnectError.from(cause).code !== Code.Unknown) throw cause;
    }
  });
}

/** Setting the variable takes a privilege: it is set where it is on. Vitess runs all statements in one session. */
async function withoutGeneratedKeys(tablet: TabletConnection): Promise<string> {
  const name = 'sql_generate_invisible_primary_key';
  return (await readVariables(tablet, [name]))[name] === 'ON' ? `set session ${name} = off;\n` : '';
}

/** A tablet that has not loaded the sequence has cached no numbers. */
export async function resetSequence(tablet: TabletConnection, table: string): Promise<void> {
  await tablet.change('ResetSequences', async (options) => {
    try {
      await tablet.manager.resetSequences({ tables: [table] }, options);
    } catch (cause) {
      if (ConnectError.from(cause).code !== Code.NotFound) throw cause;
    }
  });
}
