import { SharedReads } from '../shared-reads.js';
import type { Entry, Head, Kv, Lease } from './kv.js';

/** A store whose reads of one key at the same time share one call: every step of every migration looks up tablets. */
export class SharedKv implements Kv {
  readonly server: string;
  private readonly reads = new SharedReads();

  constructor(private readonly kv: Kv) {
    this.server = kv.server;
  }

  get(key: string): Promise<Entry | undefined> {
    return this.reads.read(`get ${key}`, () => this.kv.get(key));
  }

  list(prefix: string): Promise<Entry[]> {
    return this.reads.read(`list ${prefix}`, () => this.kv.list(prefix));
  }

  heads(prefix: string): Promise<Head[]> {
    return this.reads.read(`heads ${prefix}`, () => this.kv.heads(prefix));
  }

  put(key: string, value: Uint8Array, revision: string): Promise<boolean> {
    return this.kv.put(key, value, revision);
  }

  delete(key: string, revision: string, below?: string): Promise<boolean> {
    return this.kv.delete(key, revision, below);
  }

  lock(dir: string, contents: string, timeoutMs: number): Promise<Lease> {
    return this.kv.lock(dir, contents, timeoutMs);
  }

  close(): void {
    this.kv.close();
  }
}
