import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Etcd3 } from 'etcd3';
import type { Cluster } from '../../../lab/cluster.js';
import type { SecureLab } from './secure-lab.js';

/** Everything that both clusters' etcds and MySQLs hold, to compare. */
export async function everything(lab: SecureLab): Promise<Record<string, string>> {
  const parts = await Promise.all(
    (['source', 'target'] as const).flatMap((name) => [topology(lab, name), ...databases(lab[name])]),
  );
  return Object.assign({}, ...parts) as Record<string, string>;
}

/** Value and revision of every key: a record written anew with what it held is a change too. */
async function topology(lab: SecureLab, name: 'source' | 'target'): Promise<Record<string, string>> {
  const { both, vitess } = lab.certificates;
  const credentials = {
    rootCertificate: await readFile(both),
    certChain: await readFile(vitess[name].cert),
    privateKey: await readFile(vitess[name].key),
  };
  const etcd = new Etcd3({ hosts: `https://${lab[name].topoServer}`, credentials });
  try {
    const { kvs } = await etcd.getAll().exec();
    return Object.fromEntries(
      kvs.map((kv) => [`${name} etcd ${kv.key.toString()}`, `${kv.mod_revision} ${kv.value.toString('hex')}`]),
    );
  } finally {
    etcd.close();
  }
}

/** The GTIDs a server has executed, which grow with whatever is written, and its tables with their checksums. */
function databases({ spec, tablets }: Cluster): Promise<Record<string, string>>[] {
  return tablets.map(async ({ alias, mysql }) => {
    const connection = await mysql.connect();
    const rows = async (sql: string): Promise<Record<string, unknown>[]> =>
      (await connection.query(sql))[0] as Record<string, unknown>[];
    try {
      const tables = await rows(
        "select concat('`', table_schema, '`.`', table_name, '`') as name from information_schema.tables where table_type = 'BASE TABLE' and table_schema not in ('mysql', 'sys', 'performance_schema', 'information_schema') order by 1",
      );
      const sums = await rows(`checksum table ${tables.map((table) => String(table['name'])).join(', ')}`);
      const schemas = await rows('select schema_name as name from information_schema.schemata order by 1');
      const users = await rows("select concat(user, '@', host) as name from mysql.user order by 1");
      const [gtids] = await rows('select @@gtid_executed as gtids');
      return {
        [`${spec.name} ${alias} gtids`]: String(gtids?.['gtids']),
        [`${spec.name} ${alias} schemas`]: JSON.stringify(schemas),
        [`${spec.name} ${alias} users`]: JSON.stringify(users),
        ...Object.fromEntries(
          sums.map((sum) => [`${spec.name} ${alias} ${String(sum['Table'])}`, String(sum['Checksum'])]),
        ),
      };
    } finally {
      await connection.end();
    }
  });
}

/** Makes every MySQL write down each statement it runs; answers how to read them. */
export async function logStatements(lab: SecureLab): Promise<() => Promise<string>> {
  const files = await Promise.all(
    [...lab.source.tablets, ...lab.target.tablets].map(async ({ uid, mysql }) => {
      const file = join(lab.folder, `general-${uid}.log`);
      const connection = await mysql.connect();
      await connection.query(`set global general_log_file = '${file}'; set global general_log = 1`);
      await connection.end();
      return file;
    }),
  );
  return async () => (await Promise.all(files.map((file) => readFile(file, 'utf8')))).join('\n');
}
