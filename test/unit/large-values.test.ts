import { beforeEach, describe, expect, it } from 'vitest';
import { listJournals } from '../../src/effects/journal-list.js';
import { JournalStore, type Journal } from '../../src/effects/journal.js';
import { migrateInputSchema } from '../../src/migration/input/input.js';
import { LargeValues, nothing } from '../../src/vitess/topology/large-values.js';
import { Topology } from '../../src/vitess/topology/topology.js';
import { FakeEtcd, type FakeKv } from '../support/fakes/etcd.js';
import { samplePlan } from '../support/workflow/samples.js';
import { manyNames, manyTablesDefinitions, manyTablesPlan, manyTablesProof } from '../support/large-migration.js';

/** Values that etcd does not take as they are; the fake one refuses what is above its limit, as the real one does. */

const place = { cluster: 'target' };
const value = (fill: number, length = 2_500_000) => Buffer.alloc(length, fill);

let etcd: FakeEtcd;
let kv: FakeKv;
const keys = async (prefix: string) => (await kv.heads(prefix)).map(({ key }) => key);
let values: LargeValues;
beforeEach(() => {
  etcd = new FakeEtcd();
  kv = etcd.open('fake:2379', 'target');
  values = new LargeValues(kv, place);
});

describe('a value that etcd does not take', () => {
  it('is read as it was written, and leaves nothing of the one before', async () => {
    await expect(kv.put('/k', value(1), '0')).rejects.toThrow('too large');
    expect(await values.put('/k', value(1), nothing)).toBe(true);
    const first = await values.get('/k');
    expect(first && Buffer.compare(first.value, value(1))).toBe(0);
    expect(await keys('/k/')).toHaveLength(3);
    expect(await values.put('/k', value(2, 3_000_001), first ?? nothing)).toBe(true);
    expect((await values.get('/k'))?.value).toHaveLength(3_000_001);
    expect(await keys('/k/')).toHaveLength(4);
    expect(await values.put('/k', value(3, 10), (await values.head('/k')) ?? nothing)).toBe(true);
    expect(await keys('/k')).toEqual(['/k']);
    expect((await values.get('/k'))?.value).toHaveLength(10);
  });

  it('of one who comes too late leaves the other one as it is', async () => {
    await values.put('/k', value(1), nothing);
    const known = await values.get('/k');
    await values.put('/k', value(2), known ?? nothing);
    expect(await values.put('/k', value(3), known ?? nothing)).toBe(false);
    expect((await values.get('/k'))?.value[0]).toBe(2);
    expect(await keys('/k/')).toHaveLength(3);
  });

  it('is whole for one who reads while it is replaced', async () => {
    await values.put('/k', value(1), nothing);
    const replacing = values.get('/k').then((known) => values.put('/k', value(2), known ?? nothing));
    const seen = await Promise.all(Array.from({ length: 20 }, () => values.get('/k')));
    await replacing;
    for (const each of seen) expect(new Set(each?.value)).toHaveProperty('size', 1);
  });

  it('is missed when another program has removed a part of it', async () => {
    await values.put('/k', value(1), nothing);
    const [part = ''] = await keys('/k/');
    etcd.remove(part);
    await expect(values.get('/k')).rejects.toMatchObject({ code: 'RECORD_CHANGED' });
  });
});

describe('the records of a migration', () => {
  const id = { keyspace: 'commerce', workflow: 'wf' };
  const input = migrateInputSchema.parse({ source: 'ext1.load', target: 'commerce.wf', all: true });
  let topology: Topology;
  let store: JournalStore;
  beforeEach(() => {
    topology = new Topology('target', 'fake:2379', '/vitess/global', () => kv);
    store = new JournalStore(topology, id);
  });

  /** All that a migration of so many tables on four shards writes down; the largest of its values, in bytes. */
  async function written(tables: number): Promise<number> {
    const names = manyNames(tables);
    const plan = manyTablesPlan(names);
    const lists = plan.missingTables;
    const journal: Partial<Journal> = { createdTables: lists, deniedTables: lists, fencedTables: lists };
    await store.begin('r1', 'ext1.load', { ...journal, vschemaTables: names });
    await store.writeRecord('r1', { input, plan });
    await store.writeDefinitions('r1', manyTablesDefinitions(names));
    await store.writeProof('r1', manyTablesProof(names, tables > 10_000 ? 0 : 100), nothing);
    expect((await store.require('r1')).fencedTables).toEqual(lists);
    expect((await store.readRecord())?.plan.tables).toHaveLength(tables);
    expect(Object.keys((await store.readDefinitions()) ?? {})).toHaveLength(tables);
    expect(Object.keys((await store.readProof()).proof?.tables ?? {})).toHaveLength(tables);
    return Math.max(...(await kv.list('/')).map((entry) => entry.value.length));
  }

  it.each([10_000, 40_000])(
    'of %i tables on 4 shards fit into requests to etcd, and go with the journal',
    async (n) => {
      expect(await written(n)).toBeLessThan(1_500_000);
      expect(await listJournals(topology, 'commerce')).toMatchObject([{ workflow: 'wf', journal: { runId: 'r1' } }]);
      await store.update('r1', (journal) => (journal.forward = true));
      await store.amendRecord('r1', (record) => record);
      const left = await keys('/');
      expect(left.filter((key) => key.split('/').length <= 7)).toHaveLength(4);
      await store.remove('r1');
      expect(await keys('/')).toEqual([]);
    },
    120_000,
  );

  it('of few tables are as before: a journal that everybody can read', async () => {
    await store.begin('r1', 'ext1.load', { createdTables: { '0': ['t'] } });
    await store.writeRecord('r1', { input, plan: samplePlan() });
    const { value: plain } = (await kv.get('/vitess/global/vtmigrate/commerce/wf')) ?? {};
    expect(JSON.parse(Buffer.from(plain ?? []).toString())).toMatchObject({
      runId: 'r1',
      createdTables: { '0': ['t'] },
    });
    expect(await keys('/')).toHaveLength(2);
  });
});
