import type { Connection } from 'mysql2/promise';
import type { Cluster } from './cluster.js';

export interface SampleOptions {
  /** Rows of all tables together; default 300,000. */
  rows?: number;
  keyspace?: string;
  shard?: string;
}

/** One table of the sample: its share of the rows and how MySQL makes row number `n`. */
interface SampleTable {
  name: string;
  share: number;
  definition: string;
  columns: string;
  values: string;
}

// Kinds of tables that copying has to get right: auto-increment, JSON, generated columns, names
// that need quotes, binary keys, composite keys, nothing at all.
const TABLES: SampleTable[] = [
  {
    name: 'customer',
    share: 0.2,
    definition: `id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
      name varchar(120) CHARACTER SET utf8mb4 NOT NULL,
      email varchar(160) NOT NULL,
      preferences json,
      created datetime NOT NULL,
      UNIQUE KEY email (email)`,
    columns: 'id, name, email, preferences, created',
    values: `n, CONCAT(ELT(1 + n % 6, 'Zoë Müller', 'Łukasz Żak', 'María Núñez', '山田 太郎', 'Ольга', 'Ayşe 🙂'), ' ', n),
      CONCAT('customer', n, '@example.com'),
      IF(n % 7 = 0, NULL, JSON_OBJECT('newsletter', n % 2 = 0, 'tags', JSON_ARRAY('t', n % 10))),
      '2020-01-01' + INTERVAL n MINUTE`,
  },
  {
    name: 'product',
    share: 0.02,
    definition: `sku varchar(40) NOT NULL PRIMARY KEY,
      price decimal(10,2) NOT NULL,
      price_with_tax decimal(12,4) GENERATED ALWAYS AS (price * 1.19) STORED,
      description text`,
    columns: 'sku, price, description',
    values: `CONCAT('SKU-', n), 1 + n % 9000 / 100, REPEAT(CONCAT('Größe ', n, '. '), 1 + n % 20)`,
  },
  {
    name: 'corder',
    share: 0.5,
    definition: `id bigint NOT NULL PRIMARY KEY,
      customer_id bigint NOT NULL,
      sku varchar(40) NOT NULL,
      qty int NOT NULL,
      status enum('new', 'paid', 'sent', 'returned') NOT NULL DEFAULT 'new',
      KEY customer_id (customer_id),
      KEY sku_status (sku, status)`,
    columns: 'id, customer_id, sku, qty, status',
    values: `n, 1 + n % 50000, CONCAT('SKU-', 1 + n % 5000), 1 + n % 9, 1 + n % 4`,
  },
  {
    name: 'order line',
    share: 0.25,
    definition: `order_id bigint NOT NULL,
      line_no int NOT NULL,
      sku varchar(40) NOT NULL,
      amount decimal(10,2) NOT NULL,
      PRIMARY KEY (order_id, line_no)`,
    columns: 'order_id, line_no, sku, amount',
    values: `1 + n DIV 3, n % 3, CONCAT('SKU-', 1 + n % 5000), n % 10000 / 100`,
  },
  {
    name: 'audit-log',
    share: 0.03,
    definition: `id binary(16) NOT NULL PRIMARY KEY,
      payload blob,
      at timestamp(6) NOT NULL`,
    columns: 'id, payload, at',
    values: `UNHEX(LEFT(SHA2(n, 256), 32)), IF(n % 5 = 0, NULL, CONCAT(x'00ff27', UNHEX(SHA2(n, 512)))),
      '2024-01-01' + INTERVAL n * 1000001 MICROSECOND`,
  },
  {
    name: 'empty_one',
    share: 0,
    definition: `id bigint NOT NULL PRIMARY KEY, note varchar(20)`,
    columns: 'id, note',
    values: `n, NULL`,
  },
];

const BATCH = 50_000;

/** Creates the sample tables in a keyspace and fills them; the rows are made by MySQL itself. */
export async function loadSampleData(cluster: Cluster, options: SampleOptions = {}): Promise<void> {
  const { rows = 300_000, keyspace = 'load', shard = '0' } = options;
  await Promise.all(
    TABLES.map(async (table) => {
      const connection = await cluster.mysql(keyspace, shard);
      await fill(connection, table, Math.round(rows * table.share)).finally(() => connection.end());
    }),
  );
  // The tables were made behind Vitess's back, and tablets look for new ones every 30 minutes.
  const reload = await cluster.vtctldclient('ReloadSchemaShard', '--include-primary', `${keyspace}/${shard}`);
  if (reload.code !== 0)
    throw new Error(`Tablets of ${keyspace}/${shard} did not reload their schema: ${reload.stderr}`);
}

async function fill(connection: Connection, table: SampleTable, rows: number): Promise<void> {
  await connection.query(`CREATE TABLE \`${table.name}\` (${table.definition})`);
  await connection.query(`SET SESSION cte_max_recursion_depth = ${BATCH}`);
  for (let first = 1; first <= rows; first += BATCH) {
    const last = Math.min(first + BATCH - 1, rows);
    await connection.query(
      `INSERT INTO \`${table.name}\` (${table.columns})
      WITH RECURSIVE numbers (n) AS (SELECT ${first} UNION ALL SELECT n + 1 FROM numbers WHERE n < ${last})
      SELECT ${table.values} FROM numbers`,
    );
  }
  // Without it the row estimates lag behind by seconds.
  await connection.query(`ANALYZE NO_WRITE_TO_BINLOG TABLE \`${table.name}\``);
}

const byHash = (column: string): object => ({ column_vindexes: [{ column, name: 'xxhash' }] });

/**
 * VSchema for the sample tables in a sharded keyspace. Each vindex has the name of its type, so
 * that a filter can name it also where the source's VSchema has no such vindex.
 */
export const customerVSchema = {
  sharded: true,
  vindexes: {
    xxhash: { type: 'xxhash' },
    unicode_loose_xxhash: { type: 'unicode_loose_xxhash' },
  },
  tables: {
    customer: byHash('id'),
    product: { column_vindexes: [{ column: 'sku', name: 'unicode_loose_xxhash' }] },
    corder: byHash('customer_id'),
    'order line': byHash('order_id'),
    'audit-log': byHash('id'),
    empty_one: byHash('id'),
  },
};
