import { randomUUID } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection, WorkflowFailedError } from '@temporalio/client';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startWorker, type RunningWorker } from '../../lab/worker.js';
import { allActivities } from '../../src/activities/index.js';
import { readConfig } from '../../src/config/config.js';
import { migrateInputSchema, parseWith } from '../../src/migration/input/input.js';
import { buildClients } from '../../src/worker.js';
import { hostileNames, marker } from '../support/secure/hostile-names.js';
import { rightConfig } from '../support/secure/secure-config.js';
import { startSecureLab, type SecureLab } from '../support/secure/secure-lab.js';
import { everything, logStatements } from '../support/secure/servers-snapshot.js';

let lab: SecureLab;
let worker: RunningWorker;
let client: Client;
let config: string;
let before: Record<string, string>;
let statements: () => Promise<string>;
/** How many inputs have been tried, for the last test to say. */
let tried = 0;

beforeAll(async () => {
  lab = await startSecureLab(300);
  config = join(lab.folder, 'config.json');
  writeFileSync(config, JSON.stringify(rightConfig(lab)));
  worker = await startWorker({
    VTMIGRATE_CONFIG: config,
    VTMIGRATE_TASK_QUEUE: 'hostile',
    TEMPORAL_ADDRESS: lab.temporal.address,
  });
  client = new Client({ connection: await Connection.connect({ address: lab.temporal.address }) });
  await client.workflow.execute('mount', {
    taskQueue: 'hostile',
    workflowId: 'mount',
    args: [{ action: 'mount', name: 'ext1', config: mountOf() }],
  });
  before = await everything(lab);
  statements = await logStatements(lab);
});
afterAll(async () => {
  await client.connection.close();
  await worker.kill();
  await lab.stop();
});

const mountOf = () => ({ topoType: 'etcd2', topoServer: lab.source.topoServer, topoRoot: lab.source.topoRoot });
/** A lone surrogate cannot be sent to Temporal at all. */
const sendable = hostileNames.filter((name) => !/\p{Cs}/u.test(name));

/** A third of the inputs made of each name, in turns: each name and each field have theirs. */
const inTurns = <T>(makeInputs: (name: string) => T[]): T[] =>
  sendable.flatMap((name, i) => makeInputs(name).filter((_, j) => (i + j) % 3 === 0));

/** Runs many workflows, twenty at a time, each of which has to be refused with one of the codes. */
async function allRefused(type: string, inputs: { id: string; input: unknown }[], codes: string[]): Promise<void> {
  const queue = [...inputs];
  const one = async ({ id, input }: { id: string; input: unknown }): Promise<void> => {
    const failure: unknown = await client.workflow
      .execute(type, { taskQueue: 'hostile', workflowId: id, args: [input] })
      .catch((error: unknown) => error);
    expect(failure, JSON.stringify(input)).toBeInstanceOf(WorkflowFailedError);
    expect(codes, JSON.stringify([input, String((failure as WorkflowFailedError).cause)])).toContain(
      ((failure as WorkflowFailedError).cause as { type?: string }).type,
    );
    tried++;
  };
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      for (let next = queue.pop(); next !== undefined; next = queue.pop()) await one(next);
    }),
  );
}

describe('through Temporal, as anybody who may start a workflow', () => {
  test('hostile names of mounts, servers and roots', async () => {
    const inputs = inTurns<object>((name) => [
      { action: 'mount', name, config: mountOf() },
      { action: 'show', name },
      { action: 'unmount', name },
      { action: 'mount', name: 'evil', config: { ...mountOf(), topoServer: name } },
      { action: 'mount', name: 'evil', config: { ...mountOf(), topoRoot: name } },
    ]);
    await allRefused(
      'mount',
      inputs.map((input) => ({ id: randomUUID(), input })),
      ['INVALID_INPUT', 'KEYSPACE_NOT_FOUND', 'ACCESS_REFUSED'],
    );
  });

  test('hostile names of keyspaces, workflows and cells', async () => {
    const valid = { source: 'ext1.load', target: 'commerce.wf', all: true };
    const inputs = inTurns<object>((name) => [
      { ...valid, source: `${name}.load` },
      { ...valid, source: `ext1.${name}` },
      { ...valid, target: `${name}.wf` },
      { ...valid, target: `commerce.${name}` },
      { ...valid, cells: [name] },
      { ...valid, mount: { ...mountOf(), topoRoot: `/${name}` } },
    ]);
    await allRefused(
      'migrate',
      inputs.map((input) => ({ id: randomUUID(), input })),
      ['INVALID_INPUT'],
    );
  });

  test('hostile names of tables, which are read for and not found', async () => {
    const inputs = sendable
      .filter((name) => name !== '')
      .map((name, i) => ({
        id: `commerce.t${i}`,
        input: { source: 'ext1.load', target: `commerce.t${i}`, tables: [name], exclude: [`${name}x`] },
      }));
    await allRefused('migrate', inputs, ['INVALID_INPUT', 'TABLE_NOT_FOUND', 'PREFLIGHT_REFUSED']);
  });
});

test('past the contract: activities given hostile names find nothing and change nothing', async () => {
  const { clients, close } = buildClients(readConfig({ VTMIGRATE_CONFIG: config }));
  const activities = allActivities(clients);
  const ref = { id: { keyspace: 'commerce', workflow: 'wf' }, runId: 'run' };
  const run = (work: () => Promise<unknown>) =>
    new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') }).run(work).then(
      () => 'went through',
      (error: unknown) => error,
    );
  for (const name of hostileNames.filter((each) => each !== '')) {
    const input = (changes: object) => ({
      ...parseWith(migrateInputSchema, { source: 'ext1.load', target: 'commerce.wf', all: true }, 'the input'),
      ...changes,
    });
    for (const work of [
      () => activities.showMount(name),
      () => activities.unmount(name),
      () => activities.preflight(ref, input({ source: `${name.replaceAll('.', '')}.load` })),
      () => activities.cancel({ id: { keyspace: name, workflow: name }, runId: 'run' }),
    ]) {
      const outcome = await run(work);
      // Cancel of what nobody has made is nothing to do.
      if (outcome !== 'went through') expect(outcome).toBeInstanceOf(Error);
      tried++;
    }
  }
  await close();
});

test('both etcds and all MySQLs are as they were', async () => {
  expect(tried).toBeGreaterThan(450);
  expect(Object.keys(before).length).toBeGreaterThan(60);
  expect(await everything(lab)).toEqual(before);
  expect(existsSync(`/tmp/${marker}`)).toBe(false);
});

test('no statement was run but those of Vitess and of the checks', async () => {
  const log = await statements();
  expect(log).toContain('Query');
  expect(log.split('\n').filter((line) => line.includes(marker))).toEqual([]);
  const changing = log
    .split('\n')
    .filter(
      (line) =>
        /\tQuery\t\s*(drop|truncate|create|alter|rename|grant|revoke|insert|replace|delete|update|load)\b/i.test(
          line,
        ) && !/\b_vt\b/.test(line),
    );
  expect(changing).toEqual([]);
  // What is looked for would be found.
  const connection = await lab.target.mysql('commerce', '0');
  await connection.query(`select '${marker}'`);
  await connection.end();
  expect(await statements()).toContain(marker);
});
