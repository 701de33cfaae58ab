import { fromBinary } from '@bufbuild/protobuf';
import { MockActivityEnvironment } from '@temporalio/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import type { CancelOptions } from '../../src/activities/cancel.js';
import { allActivities } from '../../src/activities/index.js';
import { JournalStore } from '../../src/effects/journal.js';
import { openSource } from '../../src/effects/source/open-source.js';
import { vschemaEntries } from '../../src/effects/vschema-entries.js';
import type { EffectContext } from '../../src/effects/context.js';
import { withKeyspaceLock, type KeyspaceLock } from '../../src/vitess/topology/lock.js';
import { SrvVSchemaSchema } from '../../src/vitess/wire/vschema_pb.js';
import { buildClients } from '../../src/worker.js';
import { passing } from '../support/fakes/intercept.js';
import { fakeConfig, fakeMount, World } from '../support/fakes/world.js';
import { samplePlan } from '../support/workflow/samples.js';

const id = { keyspace: 'commerce', workflow: 'wf' };
const ref = { id, runId: 'run' };
const plan = samplePlan();
const tables = plan.tables.map(({ name }) => name).sort();
const zone2 = expect.objectContaining({ cell: 'zone2' }) as object;

let world: World;
let away = false;
let clients: ReturnType<typeof buildClients>['clients'];
let journals: JournalStore;

beforeEach(async () => {
  away = false;
  world = new World();
  world.target.addCell('zone2');
  const connectors = passing(world.connectors(), (what, effect, failures) =>
    away && what.includes(' /vitess/zone2/') ? Promise.reject(failures.unanswered()) : effect(),
  );
  ({ clients } = buildClients(fakeConfig, connectors));
  journals = new JournalStore(clients.target, id);
  await journals.begin(ref.runId, 'ext1.load');
});

/** Does work as a step does it. */
function step<T>(work: (context: EffectContext, lock: KeyspaceLock) => Promise<T>): Promise<T> {
  return withKeyspaceLock(clients.target, id.keyspace, 'test', (lock) =>
    work({ clients, ref, journals, beforeEffect: () => lock.check() }, lock),
  );
}

const make = () => step((context, lock) => vschemaEntries.make(context, lock, plan));
const undo = (only?: string[]) => step((context, lock) => vschemaEntries.undo(context, lock, only));
const cancel = (options?: CancelOptions) =>
  new MockActivityEnvironment().run(() => allActivities(clients).cancel(ref, options));
const forget = () => new MockActivityEnvironment().run(() => allActivities(clients).forget(ref));

/** The tables that the vtgates of zone2 know. */
function known(): string[] {
  const entry = world.target.cellServers.get('zone2:2379')?.read('/vitess/zone2/SrvVSchema');
  const srv = fromBinary(SrvVSchemaSchema, entry?.value ?? new Uint8Array());
  return Object.keys(srv.keyspaces['commerce']?.tables ?? {}).sort();
}

const remembered = async () => (await journals.read())?.cellsBehind;

describe('a cell that is away while entries are taken back', () => {
  beforeEach(async () => {
    expect(await make()).toEqual([]);
    away = true;
    expect(await undo()).toEqual([zone2]);
    expect(known()).toEqual(tables);
  });

  it('is told and remembered, and caught up with the next time', async () => {
    expect(await remembered()).toEqual(['zone2']);
    expect(await undo()).toEqual([zone2]);
    away = false;
    expect(await undo()).toEqual([]);
    expect(known()).toEqual([]);
    expect(await remembered()).toEqual([]);
  });

  it('is no longer remembered once the entries have been published again', async () => {
    expect(await make()).toEqual([zone2]);
    expect(await remembered()).toEqual(['zone2']);
    away = false;
    expect(await make()).toEqual([]);
    expect(await remembered()).toEqual([]);
    expect(await undo()).toEqual([]);
    expect(known()).toEqual([]);
  });

  it('does not hold up Cancel, which tells it as often as it is asked, until the journal is to go', async () => {
    for (let i = 0; i < 2; i++)
      expect(await cancel({ thenForget: true })).toMatchObject({
        warnings: [
          {
            code: 'CELL_NOT_REACHED',
            place: { cluster: 'target', cell: 'zone2', keyspace: 'commerce' },
            remedy: 'when it is back: vtctldclient RebuildVSchemaGraph --cells zone2',
          },
        ],
      });
    for (let i = 0; i < 2; i++) await forget();
    expect(await journals.read()).toBeUndefined();
  });

  it('leaves no journal where the workflow is of an earlier version, and does not ask for one', async () => {
    expect(await cancel()).toMatchObject({
      warnings: [{ code: 'CELL_NOT_REACHED' }],
    });
    expect(await journals.read()).toBeUndefined();
  });
});

it('a cell of the source that is away while its tables are forgotten is told', async () => {
  world.source.addCell('zone2');
  await clients.mounts.add('ext1', fakeMount);
  const source = await openSource(clients, { mount: 'ext1', keyspace: 'load', shards: ['0'] });
  const forgetTables = () => source.withLock('test', (locked) => locked.forgetTables(tables));
  expect(await forgetTables()).toEqual([]);
  away = true;
  expect(await forgetTables()).toMatchObject([
    { code: 'CELL_NOT_REACHED', place: { cluster: 'ext1', keyspace: 'load', cell: 'zone2' } },
  ]);
});

it('a cell that was away only while they were published is not told', async () => {
  away = true;
  expect(await make()).toEqual([zone2]);
  away = false;
  expect(await undo([tables[0] ?? ''])).toEqual([]);
  expect(await undo()).toEqual([]);
  expect(known()).toEqual([]);
});
