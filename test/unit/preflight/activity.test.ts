import { create, toBinary } from '@bufbuild/protobuf';
import { MockActivityEnvironment } from '@temporalio/testing';
import { CancelledFailure } from '@temporalio/common';
import { DefaultLogger } from '@temporalio/worker';
import { Code, ConnectError } from '@connectrpc/connect';
import { describe, expect, it } from 'vitest';
import { allActivities } from '../../../src/activities/index.js';
import { JournalStore } from '../../../src/effects/journal.js';
import type { PreflightReport } from '../../../src/migration/lifecycle/preflight-report.js';
import type { Finding } from '../../../src/migration/preflight/finding.js';
import { MigrationError } from '../../../src/migration/problem/errors.js';
import type { Connectors } from '../../../src/worker.js';
import { buildClients } from '../../../src/worker.js';
import { fakeConfig, fakeMount, sampleTables, World } from '../../support/fakes/world.js';
import { BinlogSourceSchema } from '../../../src/vitess/wire/binlogdata_pb.js';
import { CreateVReplicationWorkflowRequestSchema } from '../../../src/vitess/wire/tabletmanagerdata_pb.js';
import { RoutingRulesSchema } from '../../../src/vitess/wire/vschema_pb.js';
import { input } from './facts.js';

const ref = { id: { keyspace: 'commerce', workflow: 'wf' }, runId: 'run' };

/** A worker on a world of its own, and what it does. */
class Bench {
  readonly world = new World();
  readonly clients;
  readonly journals;
  private readonly activities;

  constructor(change: (connectors: Connectors) => Connectors = (connectors) => connectors) {
    this.clients = buildClients(fakeConfig, change(this.world.connectors())).clients;
    this.activities = allActivities(this.clients);
    this.journals = new JournalStore(this.clients.target, ref.id);
  }

  static async mounted(change?: (connectors: Connectors) => Connectors): Promise<Bench> {
    const bench = new Bench(change);
    await bench.clients.mounts.add('ext1', fakeMount);
    return bench;
  }

  preflight(changes: Record<string, unknown> = {}, attempt = 1): Promise<PreflightReport> {
    return this.run(() => this.activities.preflight(ref, input(changes)), attempt);
  }

  /** A preflight that the workflow no longer wants, from its first read on. */
  cancelledPreflight(): Promise<unknown> {
    const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
    const running = environment.run(() => this.activities.preflight(ref, input()));
    environment.cancel();
    return running;
  }

  create(): Promise<void> {
    return this.run(() => this.activities.create(ref));
  }

  prove() {
    return this.run(() => this.activities.prove(ref));
  }

  /** Streams of another program, from a rule to the unsharded target keyspace. */
  addStreams(workflow: string, match: string): void {
    const [shard] = this.world.target.shardsOf('commerce');
    const rule = { match, filter: '' };
    shard?.tablet.vreplication.insert(
      create(CreateVReplicationWorkflowRequestSchema, { workflow }),
      create(BinlogSourceSchema, { keyspace: 'elsewhere', shard: '0', filter: { rules: [rule] } }),
    );
  }

  private run<T>(work: () => Promise<T>, attempt = 1): Promise<T> {
    return new MockActivityEnvironment({ attempt }, { logger: new DefaultLogger('ERROR') }).run(work);
  }
}

/** Connectors by which no key of a topology can be deleted. */
const keeping = (connectors: Connectors): Connectors => ({
  ...connectors,
  openKv: (...args) => {
    const kv = connectors.openKv(...args);
    const fails = () => Promise.reject(new MigrationError('TOPO_UNREACHABLE', 'etcd does not answer', {}, ''));
    return new Proxy(kv, {
      get: (target, name) => (name === 'delete' ? fails : Reflect.get(target, name, target)) as unknown,
    });
  },
});

/** Connectors by which a call to every tablet fails. */
const failing =
  (method: string, code: Code) =>
  (connectors: Connectors): Connectors => ({
    ...connectors,
    openTablets: (accessTo) => {
      const tablets = connectors.openTablets(accessTo);
      return {
        client: (host, port, cluster) => {
          const client = tablets.client(host, port, cluster);
          const call = () => Promise.reject(new ConnectError('it failed', code));
          return { ...client, manager: { ...client.manager, [method]: call } };
        },
      };
    },
  });

const namesOf = (findings: readonly Finding[]) => findings.map(({ check }) => check).sort();

describe('preflight', () => {
  it('writes down a migration that passes', async () => {
    const bench = await Bench.mounted();
    expect(await bench.preflight()).toMatchObject({
      outcome: 'recorded',
      tables: { count: sampleTables.length, names: sampleTables },
    });
    expect(await bench.journals.read()).toMatchObject({ runId: 'run', source: 'ext1.load' });
    expect(await bench.journals.readRecord()).toMatchObject({
      input: { target: 'commerce.wf' },
      plan: { source: { mount: 'ext1', keyspace: 'load' }, tables: sampleTables.map((name) => ({ name })) },
    });
    // A second attempt, after an answer that got lost.
    expect(await bench.preflight()).toMatchObject({ outcome: 'recorded' });
  });

  it('writes nothing once it is cancelled', async () => {
    const bench = await Bench.mounted();
    const before = bench.world.snapshot();
    await expect(bench.cancelledPreflight()).rejects.toBeInstanceOf(CancelledFailure);
    expect(bench.world.snapshot()).toEqual(before);
  });

  it('answers a dry run with the plan, and changes nothing', async () => {
    const bench = await Bench.mounted();
    const before = bench.world.snapshot();
    const report = await bench.preflight({ dryRun: true });
    if (report.outcome !== 'planned') throw new Error(report.outcome);
    expect(report.plan.tables.map(({ name }) => name)).toEqual(sampleTables);
    expect(Object.keys(report.details.ddl)).toEqual(sampleTables);
    expect(report.details.topologyWrites.map(({ key }) => key)).toContain('/vitess/global/vtmigrate/commerce/wf');
    expect(namesOf(report.findings)).toEqual(['ambiguous-name', 'disk-unknown', 'version-unknown', 'version-unknown']);
    expect(bench.world.snapshot()).toEqual(before);
  });

  it('reads the source of a dry run by the config of its input, and writes no mount record', async () => {
    const bench = new Bench();
    const before = bench.world.snapshot();
    const report = await bench.preflight({ dryRun: true, mount: fakeMount });
    expect(report).toMatchObject({ outcome: 'planned', plan: { source: { mount: 'ext1', cells: ['ext'] } } });
    expect(await bench.clients.mounts.list()).toEqual([]);
    expect(bench.world.snapshot()).toEqual(before);
    await expect(bench.preflight({ mount: fakeMount })).rejects.toMatchObject({ type: 'MOUNT_NOT_FOUND' });
  });

  it.each([true, false])('refuses a mount record with another config (dry run: %s)', async (dryRun) => {
    const bench = await Bench.mounted();
    const before = bench.world.snapshot();
    const mount = { ...fakeMount, topoServer: 'other:2379' };
    await expect(bench.preflight({ dryRun, mount })).rejects.toMatchObject({
      type: 'MOUNT_CONFLICT',
      message: expect.stringMatching(/source:2379.* not as .*other:2379/) as string,
    });
    expect(bench.world.snapshot()).toEqual(before);
  });

  it('says what was found on both sides where there is no plan', async () => {
    const bench = new Bench(failing('executeFetchAsDba', Code.InvalidArgument));
    await expect(bench.preflight()).rejects.toMatchObject({
      type: 'PREFLIGHT_REFUSED',
      message: expect.stringMatching(
        /error mount-answers: .*ext1[^]*error tablet-answers: ExecuteFetchAsDba failed/,
      ) as string,
    });
  });

  it('tries again what may pass by itself, and then refuses', async () => {
    const bench = new Bench(failing('executeFetchAsDba', Code.Unavailable));
    await expect(bench.preflight({}, 1)).rejects.toMatchObject({ type: 'TABLET_UNREACHABLE', nonRetryable: false });
    await expect(bench.preflight({}, 2)).rejects.toMatchObject({ type: 'TABLET_UNREACHABLE' });
    await expect(bench.preflight({}, 3)).rejects.toMatchObject({ type: 'PREFLIGHT_REFUSED', nonRetryable: true });
  });

  it('goes on without what only a check wants, and says so', async () => {
    const bench = await Bench.mounted(failing('getThrottlerStatus', Code.Unknown));
    const report = await bench.preflight();
    expect(namesOf(report.findings)).toContain('throttler');
    const silent = await Bench.mounted(failing('validateVReplicationPermissions', Code.Unknown));
    await expect(silent.preflight()).rejects.toMatchObject({
      message: expect.stringContaining('permissions of the account that applies streams could not be read') as string,
    });
    await expect(silent.preflight({ accept: ['not-readable'] })).resolves.toMatchObject({ outcome: 'recorded' });
  });
});

describe('the journal of a migration that preflight refuses', () => {
  it('makes the refusal one that is tried again, when it cannot be removed', async () => {
    const bench = await Bench.mounted(keeping);
    await bench.preflight();
    await expect(bench.preflight({ tables: ['nobody'], all: false }, 3)).rejects.toMatchObject({
      type: 'TABLE_NOT_FOUND',
      nonRetryable: false,
    });
    expect(await bench.journals.read()).toBeDefined();
  });

  const refused = { tables: ['nope'] };

  it('is removed when an earlier attempt of the run has begun it', async () => {
    const bench = await Bench.mounted();
    const before = bench.world.snapshot();
    await bench.preflight();
    await expect(bench.preflight(refused)).rejects.toMatchObject({ type: 'TABLE_NOT_FOUND' });
    expect(bench.world.snapshot()).toEqual(before);
  });

  it('is kept when something has been made', async () => {
    const bench = await Bench.mounted();
    await bench.preflight();
    await bench.create();
    await expect(bench.preflight(refused)).rejects.toMatchObject({ type: 'TABLE_NOT_FOUND' });
    expect(await bench.journals.readRecord()).toBeDefined();
  });

  it("is kept when it is another run's, which is what stops this one", async () => {
    const bench = await Bench.mounted();
    await bench.journals.begin('another', 'ext7.load');
    await expect(bench.preflight()).rejects.toMatchObject({
      type: 'MIGRATION_EXISTS',
      message: expect.stringContaining('ext7.load with run ID another') as string,
    });
    expect(await bench.journals.read()).toMatchObject({ runId: 'another' });
  });

  it('does not stand in the way of the run that made it', async () => {
    const bench = await Bench.mounted();
    await bench.preflight();
    await bench.create();
    expect(await bench.preflight()).toMatchObject({ outcome: 'recorded' });
  });
});

describe('a workflow whose rule is a regular expression', () => {
  it('is seen by preflight', async () => {
    const bench = await Bench.mounted();
    bench.addStreams('theirs', '/.*/');
    await expect(bench.preflight()).rejects.toMatchObject({
      message: expect.stringContaining('the workflow theirs has the same tables: customer') as string,
    });
  });

  it('is seen by Create, as the holder of every table', async () => {
    const bench = await Bench.mounted();
    await bench.preflight();
    bench.addStreams('theirs', '/.*/');
    await expect(bench.create()).rejects.toMatchObject({
      type: 'TABLE_DENIED',
      message: expect.stringMatching(/table customer is held by commerce\.theirs, a workflow that vtmigrate/) as string,
    });
  });

  it('is seen by Complete', async () => {
    const bench = await Bench.mounted();
    await bench.preflight();
    await bench.create();
    bench.addStreams('theirs', '/.*/');
    expect(await bench.prove()).toContainEqual(
      expect.objectContaining({
        code: 'OTHER_WORKFLOW',
        message: expect.stringContaining('workflow commerce.theirs writes to the table') as string,
      }),
    );
  });
});

describe('checks at Complete', () => {
  it('are asked again of the plan as it was made', async () => {
    const bench = await Bench.mounted();
    await bench.preflight();
    await bench.create();
    const aboutRules = async () => (await bench.prove()).filter(({ message }) => message.includes('routing rule'));
    expect(await aboutRules()).toEqual([]);
    const rules = [{ fromTable: 'commerce.customer', toTables: ['elsewhere.customer'] }];
    bench.world.target.etcd.write(
      `${fakeMount.topoRoot}/RoutingRules`,
      toBinary(RoutingRulesSchema, create(RoutingRulesSchema, { rules })),
    );
    expect(await aboutRules()).toEqual([
      expect.objectContaining({ message: 'a routing rule sends commerce.customer to elsewhere.customer' }),
    ]);
  });
});
