import { randomUUID } from 'node:crypto';
import { Etcd3, type Watcher } from 'etcd3';
import { lab } from './lab.js';

/** Every key of a cluster's topology server that is put or deleted, also those that come and go, as locks do. */
export class TopologyRecorder {
  private readonly keys = new Set<string>();

  private constructor(
    private readonly etcd: Etcd3,
    private readonly watcher: Watcher,
  ) {
    for (const event of ['put', 'delete'] as const)
      watcher.on(event as 'put', ({ key }) => void this.keys.add(key.toString()));
  }

  static async start(cluster: 'source' | 'target'): Promise<TopologyRecorder> {
    const etcd = new Etcd3({ hosts: `http://${lab[cluster].topoServer}` });
    return new TopologyRecorder(etcd, await etcd.watch().prefix('').create());
  }

  /** Ends the recording. @returns the keys, sorted */
  async stop(): Promise<string[]> {
    // Events arrive in the order of the writes: once this one is here, all of them are.
    const last = `end of recording ${randomUUID()}`;
    const arrived = new Promise<void>((resolve) => {
      this.watcher.on('put', ({ key }) => {
        if (key.toString() === last) resolve();
      });
    });
    try {
      await this.etcd.put(last).value('');
      await arrived;
      await this.watcher.cancel();
      await this.etcd.delete().key(last);
    } finally {
      this.etcd.close();
    }
    return [...this.keys].filter((key) => key !== last).sort();
  }
}
