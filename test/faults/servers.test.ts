import type { WorkflowHandle } from '@temporalio/client';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until as untilServers } from '../../lab/cluster.js';
import { isServing } from '../../lab/servers/tablet.js';
import { faults, type Fault } from '../support/lab/server-faults.js';
import {
  allowOnSource,
  emptyTarget,
  lab,
  sourceMount as mount,
  vtctldclient,
  vtgateOf,
  type TargetKeyspace,
} from '../support/lab/lab.js';
import { everyFault, ofThisPart } from '../support/fault-part.js';
import { failOver, mend, servers, startOwnLab, stopOwnLab, temporalFront } from '../support/lab/own-lab.js';
import { Program, resultOf, until } from '../support/lab/program.js';
import { statusOf } from '../support/status.js';
import { residue } from '../support/lab/residue.js';
import { contentsOf } from '../support/lab/rows.js';
import { snapshot } from '../support/lab/snapshot.js';

const tables = ['audit-log', 'corder', 'customer', 'empty_one', 'order line', 'product'];
/** Seconds from the end of a fault to the end of the migration, at most: a VDiff that stands still, its removal, its streams, another VDiff. */
const patience = 900;

interface Phase {
  name: string;
  outcome: 'completed' | 'cancelled';
  /** Brings the migration to where the fault strikes. */
  reach(handle: WorkflowHandle): Promise<unknown>;
  /** Milliseconds that the phase lasts, about: faults strike at different moments of it. */
  lasts: number;
}

const copying = (handle: WorkflowHandle) => until(handle, (status) => status.phase === 'copying');
const replicating = (handle: WorkflowHandle) => until(handle, (status) => status.phase === 'replicating');

/** Asks by signal, as a runbook does, and does not wait. */
const after =
  (there: (handle: WorkflowHandle) => Promise<unknown>, signal: string) => async (handle: WorkflowHandle) => {
    await there(handle);
    await handle.signal(signal);
  };

const phases: Phase[] = [
  { name: 'during the copy', outcome: 'completed', reach: copying, lasts: 1_500 },
  {
    name: 'during VDiff',
    outcome: 'completed',
    reach: (handle) => until(handle, (status) => status.phase === 'verifying'),
    lasts: 2_000,
  },
  { name: 'during Complete', outcome: 'completed', reach: after(replicating, 'complete'), lasts: 4_500 },
  { name: 'during Cancel', outcome: 'cancelled', reach: after(copying, 'cancel'), lasts: 800 },
];

interface Run {
  fault: Fault;
  phase: Phase;
  keyspace: TargetKeyspace;
}

/** Faults that the two shards of `customer` meet as well: one of them is hit, the other goes on. */
const sharded = [
  /^the target's etcd is stopped/,
  /^the target tablet is killed/,
  /^the target's mysqld is killed/,
  /^the target primary dies/,
  /^answers of the target tablet stall/,
];

/** Spreads numbers evenly over [0, 1), however few are taken: multiples of the golden ratio. */
const spread = (n: number): number => (n * 0.618034) % 1;

const all: Run[] = [
  ...faults.flatMap((fault) => phases.map((phase): Run => ({ fault, phase, keyspace: 'commerce' }))),
  ...faults
    .filter(({ name }) => sharded.some((pattern) => pattern.test(name)))
    .flatMap((fault) => phases.map((phase): Run => ({ fault, phase, keyspace: 'customer' }))),
];

const titleOf = ({ fault, phase, keyspace }: Run): string => `${fault.name} ${phase.name} (${keyspace})`;

/** One fault of each kind, and each phase: what `npm test` has time for. `npm run test:faults` runs all. */
const sample = [
  "the target's etcd is stopped during Complete (commerce)",
  "the target's mysqld is killed during VDiff (commerce)",
  'the target primary dies, and the replica takes over during the copy (customer)',
  'the source primary dies, and the replica takes over during Complete (commerce)',
  'Temporal is killed during the copy (commerce)',
  'answers of the target tablet stall during Cancel (commerce)',
];
const runs = everyFault ? ofThisPart(all) : all.filter((run) => sample.includes(titleOf(run)));

const took: { run: string; seconds: number }[] = [];
let program: Program;

beforeAll(async () => {
  await startOwnLab();
  program = await Program.start({ TEMPORAL_ADDRESS: `127.0.0.3:${lab.temporal.address.split(':')[1] ?? ''}` });
});
afterAll(async () => {
  took.sort((a, b) => b.seconds - a.seconds);
  console.log(
    `${took.length} faults survived. Seconds from the end of the fault to the end of the migration (less than none: it did not wait):\n${took.map(({ run, seconds }) => `  ${seconds.toFixed(1).padStart(6)}  ${run}`).join('\n')}`,
  );
  await program.stop();
  await stopOwnLab();
});

async function settled(): Promise<void> {
  for (const cluster of [servers().source, servers().target]) {
    for (const tablet of cluster.tablets)
      await untilServers(`${tablet.alias} serves as ${tablet.type}`, () => isServing(tablet, tablet.type));
  }
}

async function ended(handle: WorkflowHandle): Promise<unknown> {
  const late = delay(patience * 1000, 'late');
  const result = await Promise.race([resultOf(handle), late]);
  if (result === 'late') {
    const { raw } = await handle.describe();
    const pending = raw.pendingActivities?.map(
      (step) =>
        `${step.activityType?.name ?? ''}, attempt ${step.attempt ?? 0}: ${step.lastFailure?.message ?? 'no failure'}`,
    );
    throw new Error(
      `still not ended ${patience} s after the fault; under way: ${pending?.join('; ') ?? 'nothing'}; ${JSON.stringify(await statusOf(handle), null, 1)}`,
    );
  }
  return result;
}

describe('whatever server fails', () => {
  test.each(runs.map((run) => [titleOf(run), run] as const))('%s', async (title, { fault, phase, keyspace }) => {
    await mend();
    await settled();
    await emptyTarget(keyspace);
    const before = await snapshot(keyspace);
    const handle = await program.migrate({
      source: 'ext1.load',
      target: `${keyspace}.f`,
      tables,
      mount,
      ...(phase.name === 'during Complete' ? {} : { complete: 'auto' }),
    });
    await phase.reach(handle);
    const moment = Math.round(phase.lasts * spread(all.findIndex((run) => titleOf(run) === title)));
    await delay(moment);
    const began = Date.now();
    const failover = await fault.strike(keyspace);
    await delay(Math.max(0, fault.seconds * 1000 - (Date.now() - began)));
    const over = Date.now();
    await mend(failover);
    try {
      expect(await ended(handle)).toMatchObject({ outcome: phase.outcome });
    } finally {
      await program.settle();
    }
    const { closeTime } = await handle.describe();
    took.push({ run: `${title}, after ${moment} ms`, seconds: ((closeTime?.getTime() ?? 0) - over) / 1000 });
    console.log(took.at(-1));
    await settled();
    const after = await snapshot(keyspace);
    expect(residue(before, after, phase.outcome)).toEqual([]);
    if (phase.outcome === 'completed')
      expect(await contentsOf('target', keyspace, tables)).toEqual(await contentsOf('source', 'load', tables));
  });
});

test('after a failover of the target its tables are still denied to applications, and Cancel leaves nothing', async () => {
  await mend();
  await settled();
  await emptyTarget('commerce');
  const before = await snapshot('commerce');
  const handle = await program.migrate({ source: 'ext1.load', target: 'commerce.f', tables: ['product'], mount });
  await replicating(handle);
  await failOver('target', 'commerce', '0', 'planned');
  await settled();
  const vtgate = await vtgateOf('target');
  await expect
    .poll(
      () => vtgate.query("insert into commerce.product (sku, price) values ('x', 1)").then(() => 'written', String),
      { timeout: 300_000 },
    )
    .toMatch(/denied/);
  await vtgate.end();
  expect(await handle.executeUpdate('cancel')).toMatchObject({ outcome: 'cancelled' });
  expect(residue(before, await snapshot('commerce'), 'cancelled')).toEqual([]);
});

test('replicas that were shut down, whose records have no address, keep nothing from ending', async () => {
  await mend();
  await settled();
  await emptyTarget('customer');
  const before = await snapshot('customer');
  const replicas = [servers().source, servers().target].flatMap(({ tablets: all }) =>
    all.filter(({ type }) => type === 'replica'),
  );
  const input = { source: 'ext1.load', target: 'customer.f', tables: ['product', 'customer'], mount };
  const running = await program.migrate(input);
  await replicating(running);
  await Promise.all(replicas.map(({ vttablet }) => vttablet.stop()));
  for (const { alias } of replicas) {
    const cluster = alias.startsWith('ext') ? 'source' : 'target';
    const { stdout } = await vtctldclient(cluster, 'GetTablet', alias);
    expect(JSON.parse(stdout)).toMatchObject({ hostname: '', port_map: {} });
  }
  expect(await running.executeUpdate('cancel')).toMatchObject({ outcome: 'cancelled' });
  expect(residue(before, await snapshot('customer'), 'cancelled')).toEqual([]);

  const handle = await program.migrate({ ...input, complete: 'auto', fenceSource: true });
  expect(await ended(handle)).toMatchObject({ outcome: 'completed', fenced: true });
  await mend();
  await allowOnSource(input.tables);
  expect(await contentsOf('target', 'customer', input.tables)).toEqual(
    await contentsOf('source', 'load', input.tables),
  );
});

test('a command that Temporal does not answer says so, and ends', async () => {
  await mend();
  temporalFront().stall();
  const answer = await program.cli('Workflow', 'Show', 'commerce.f');
  temporalFront().resume();
  expect(answer).toMatchObject({ code: 1, stderr: expect.stringMatching(/Temporal does not answer/) as string });
});
