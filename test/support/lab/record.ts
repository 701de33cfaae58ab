import { gunzipSync, gzipSync } from 'node:zlib';
import type { MigrationRecord } from '../../../src/effects/journal.js';
import { readConfig } from '../../../src/config/config.js';
import { buildClients } from '../../../src/worker.js';
import { lab } from './lab.js';

/** Changes the record of a migration of the lab by hand; the answer puts it back. */
export async function changeRecord(
  { keyspace, workflow }: { keyspace: string; workflow: string },
  change: (record: MigrationRecord) => void,
): Promise<() => Promise<void>> {
  const put = async (value?: Uint8Array): Promise<Uint8Array> => {
    const { clients, close } = buildClients(readConfig(lab.environment));
    try {
      const { kv, root } = clients.target;
      const entry = await kv.get(`${root}/vtmigrate/${keyspace}/${workflow}/record`);
      if (entry === undefined) throw new Error(`there is no record of ${keyspace}.${workflow}`);
      const record = JSON.parse(gunzipSync(entry.value).toString()) as MigrationRecord;
      change(record);
      await kv.put(entry.key, value ?? gzipSync(JSON.stringify(record)), entry.revision);
      return entry.value;
    } finally {
      await close();
    }
  };
  const before = await put();
  return () => put(before).then(() => undefined);
}
