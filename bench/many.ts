import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import type { RowDataPacket } from 'mysql2/promise';
import type { Lab } from '../lab/lab.js';
import type { Status } from '../src/migration/lifecycle/status.js';
import type { Ours } from './ours.js';
import { createManyByPeer } from './peer.js';
import { loadShape, tableNames } from './shape.js';

/** Milliseconds. */
const poll = 1_000;
const watched = 60_000;
const patience = 3_600_000;
const peer = 'vtctldclient';

const seconds = (ms: number) => (ms / 1000).toFixed(1);

/**
 * Starts many migrations of one table each at the same moment, into one keyspace and on one worker: when their streams
 * replicate, how soon the status is told meanwhile, what the worker needs while it watches them, and until all of them
 * have been cancelled. Then the same by the peer, whose streams stay.
 */
export async function measureMany(lab: Lab, ours: Ours, count: number, isStarted: boolean): Promise<void> {
  const shape = { tables: count, rows: count };
  await loadShape(lab.source, shape);
  const began = performance.now();
  const since = () => seconds(performance.now() - began);
  const asking = new Asking();
  const handles = await Promise.all(
    tableNames(shape).map((table) =>
      ours.begin({ target: `commerce.${table}`, tables: [table], autoStart: isStarted }),
    ),
  );
  console.log(`${count} migrations of one table started in ${since()} s`);
  asking.begin(handles);
  const what = isStarted ? 'replicate' : 'have their streams';
  await untilThere(lab, isStarted ? replicating : created, count, (there) =>
    console.log(`${there} ${what} after ${since()} s, ${ours.residentMiB()} MiB`),
  );
  console.log(`status meanwhile: ${asking.told()}`);
  asking.forget();
  // The checksums of all of them, and the workflows' own steps, come to rest.
  await sleep(watched / 2);
  const cpu = ours.processorMs();
  await sleep(watched);
  const cores = ((ours.processorMs() - cpu) / watched).toFixed(2);
  console.log(`watching: ${cores} cores, ${ours.residentMiB()} MiB; status: ${asking.told()}`);
  asking.end();
  const cancelled = performance.now();
  await Promise.all(handles.map((handle) => handle.signal('cancel')));
  await Promise.all(handles.map((handle) => handle.result()));
  console.log(`all cancelled in ${seconds(performance.now() - cancelled)} s`);
  if (!isStarted) return;
  const peers = performance.now();
  const theirs = createManyByPeer(lab, tableNames(shape));
  await untilThere(lab, replicating, count, (there) =>
    console.log(`${there} of ${peer}'s replicate after ${seconds(performance.now() - peers)} s`),
  );
  await theirs;
}

/** @param tell hears of each quarter */
async function untilThere(lab: Lab, streams: string, count: number, tell: (there: number) => void): Promise<void> {
  const began = performance.now();
  for (let last = 0, there = 0; there < count;) {
    await sleep(poll);
    there = await countStreams(lab, streams);
    if (there - last >= count / 4 || there === count) {
      tell(there);
      last = there;
    }
    if (performance.now() - began > patience) throw new Error(`only ${there} of ${count} are there`);
  }
}

/** Streams that have copied, and those that there are. */
const replicating = "state = 'Running' and pos <> '' and id not in (select vrepl_id from _vt.copy_state)";
const created = 'true';

/** How many such streams there are, by the target's tablet. */
async function countStreams(lab: Lab, streams: string): Promise<number> {
  const connection = await lab.target.mysql('commerce', '0');
  const [rows] = await connection.query<RowDataPacket[]>(`select count(*) as n from _vt.vreplication where ${streams}`);
  await connection.end();
  return Number(rows[0]?.['n']);
}

/** Asks one migration after the other for its status, as people do who look. */
class Asking {
  private times: number[] = [];
  private asks = true;

  begin(handles: readonly WorkflowHandle[]): void {
    void (async () => {
      for (let n = 0; this.asks; n++) {
        const began = performance.now();
        await handles[(n * 37) % handles.length]?.query<Status>('status').catch(() => undefined);
        this.times.push(performance.now() - began);
        await sleep(poll);
      }
    })();
  }

  told(): string {
    const sorted = this.times.toSorted((a, b) => a - b);
    const at = (part: number) => Math.round(sorted[Math.floor((sorted.length - 1) * part)] ?? 0);
    return `${sorted.length} times, median ${at(0.5)} ms, at most ${at(1)} ms`;
  }

  forget(): void {
    this.times = [];
  }

  end(): void {
    this.asks = false;
  }
}
