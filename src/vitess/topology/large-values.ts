import { randomUUID } from 'node:crypto';
import { MigrationError, type Place } from '../../migration/problem/errors.js';
import { absent, type Entry, type Kv } from './kv.js';

/** Bytes in one key: etcd takes 1.5 MiB in a request, unless it is told otherwise (`--max-request-bytes`). */
const mostBytes = 1_000_000;

/** What stands in the place of a value that lies in parts. No value begins like this: they are JSON or gzip. */
const marker = 'vtmigrate parts ';

/** A value in parts, at `<key>/<id>/0` and so on. */
interface Parts {
  id: string;
  count: number;
}

/** A value as it was read: to be given back to the `put` that replaces it. */
export interface LargeEntry extends Entry {
  parts?: Parts;
}

/** What is to be replaced. */
export type Replaced = Pick<LargeEntry, 'revision' | 'parts'>;

/** There is no value yet. */
export const nothing: Replaced = { revision: absent };

/**
 * Values of any size in a topology. One that is too large for a request to etcd lies in parts, to which its key refers.
 * The parts are written first and those of the value before are deleted last, so that the key changes from one whole
 * value to the next. Parts of a writer that has died stay until all below the key is deleted.
 */
export class LargeValues {
  constructor(
    private readonly kv: Kv,
    private readonly place: Place,
  ) {}

  /** @throws MigrationError RECORD_CHANGED when another program has removed parts of it */
  async get(key: string): Promise<LargeEntry | undefined> {
    for (let before = ''; ;) {
      const entry = await this.kv.get(key);
      const parts = entry && partsIn(entry.value);
      if (entry === undefined || parts === undefined) return entry;
      const found = await Promise.all(keysOf(key, parts).map((each) => this.kv.get(each)));
      const values = found.flatMap((part) => (part === undefined ? [] : [part.value]));
      if (values.length === parts.count) return { ...entry, value: Buffer.concat(values), parts };
      if (entry.revision === before) throw this.incomplete(key);
      // Another value may have taken its place meanwhile.
      before = entry.revision;
    }
  }

  /** What a `put` needs to know, without the value; undefined when there is none. */
  async head(key: string): Promise<Replaced | undefined> {
    const entry = await this.kv.get(key);
    const parts = entry && partsIn(entry.value);
    return entry && { revision: entry.revision, ...(parts === undefined ? {} : { parts }) };
  }

  /** Writes if the key still has this revision. False when it has not. */
  async put(key: string, value: Uint8Array, replaced: Replaced): Promise<boolean> {
    const parts = value.length > mostBytes ? await this.putParts(key, value) : undefined;
    const inKey = parts === undefined ? value : Buffer.from(`${marker}${parts.id} ${parts.count}`);
    const isWritten = await this.kv.put(key, inKey, replaced.revision);
    await this.deleteParts(key, isWritten ? replaced.parts : parts);
    return isWritten;
  }

  private async putParts(key: string, value: Uint8Array): Promise<Parts> {
    const parts = { id: randomUUID(), count: Math.ceil(value.length / mostBytes) };
    for (const [n, part] of keysOf(key, parts).entries())
      await this.kv.put(part, value.subarray(n * mostBytes, (n + 1) * mostBytes), absent);
    return parts;
  }

  private async deleteParts(key: string, parts: Parts | undefined): Promise<void> {
    const [first] = parts === undefined ? [] : keysOf(key, parts);
    const entry = first === undefined ? undefined : await this.kv.get(first);
    if (entry !== undefined) await this.kv.delete(entry.key, entry.revision, `${key}/${parts?.id}/`);
  }

  private incomplete(key: string): MigrationError {
    return new MigrationError(
      'RECORD_CHANGED',
      `parts of ${key} are missing`,
      this.place,
      'another program has removed them: cancel the migration',
    );
  }
}

function partsIn(value: Uint8Array): Parts | undefined {
  const text = Buffer.from(value.subarray(0, 100)).toString();
  const [id, count] = text.startsWith(marker) ? text.slice(marker.length).split(' ') : [];
  return id === undefined || count === undefined ? undefined : { id, count: Number(count) };
}

function keysOf(key: string, { id, count }: Parts): string[] {
  return Array.from({ length: count }, (_, n) => `${key}/${id}/${n}`);
}
