import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startWorker, type RunningWorker } from '../../lab/worker.js';
import type { Status } from '../../src/migration/lifecycle/status.js';
import { rightConfig, type ConfigFile } from '../support/secure/secure-config.js';
import { secrets, startSecureLab, type SecureLab } from '../support/secure/secure-lab.js';

const cli = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));
const tables = ['audit-log', 'corder', 'customer', 'empty_one', 'order line', 'product'];

let lab: SecureLab;
let client: Client;
beforeAll(async () => {
  lab = await startSecureLab(3_000);
  // Past the doors: only the test looks behind them.
  client = new Client({ connection: await Connection.connect({ address: lab.temporal.address }) });
});
afterAll(async () => {
  await client.connection.close();
  await lab.stop();
});

type Environment = Record<string, string | undefined>;

function byCertificate(changes: Environment = {}): Environment {
  const { worker, target } = lab.certificates;
  return {
    TEMPORAL_ADDRESS: lab.byCertificate.address,
    TEMPORAL_TLS_SERVER_CA_CERT_PATH: target.ca,
    TEMPORAL_TLS_CLIENT_CERT_PATH: worker.target.cert,
    TEMPORAL_TLS_CLIENT_KEY_PATH: worker.target.key,
    ...changes,
  };
}

function byApiKey(changes: Environment = {}): Environment {
  return {
    TEMPORAL_ADDRESS: lab.byApiKey.address,
    TEMPORAL_TLS_SERVER_CA_CERT_PATH: lab.certificates.target.ca,
    TEMPORAL_API_KEY: secrets.apiKey,
    ...changes,
  };
}

function configured(config: ConfigFile, name: string): Environment {
  const file = join(lab.folder, `${name}.json`);
  writeFileSync(file, JSON.stringify(config));
  return { VTMIGRATE_CONFIG: file, VTMIGRATE_TASK_QUEUE: name };
}

interface Answer {
  code: number;
  output: string;
}

function type(environment: Environment, line: string): Promise<Answer> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [cli, ...line.split(' ')],
      { env: { ...process.env, ...environment } },
      (error, stdout, stderr) => {
        resolve({
          code: error === null ? 0 : typeof error.code === 'number' ? error.code : 127,
          output: stdout + stderr,
        });
      },
    );
  });
}

function expectNoSecret(text: string): void {
  for (const [name, secret] of Object.entries(secrets))
    expect(text.includes(secret), `the secret ${name} is shown`).toBe(false);
}

/** Everything Temporal keeps of a workflow and of what it is doing, with its payloads decoded. */
async function everythingOf(handle: WorkflowHandle): Promise<string> {
  const decode = (value: unknown): unknown => {
    if (value instanceof Uint8Array) return Buffer.from(value).toString();
    if (Array.isArray(value)) return value.map(decode);
    if (typeof value !== 'object' || value === null) return typeof value === 'bigint' ? String(value) : value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, decode(inner)]));
  };
  const [history, description] = await Promise.all([handle.fetchHistory(), handle.describe()]);
  return JSON.stringify([decode(history), decode(description.raw)]);
}

describe('a whole migration, let in by certificates, passwords and the least privileges', () => {
  let worker: RunningWorker;
  let environment: Environment;
  const seen: string[] = [];
  beforeAll(async () => {
    environment = { ...byCertificate(), ...configured(rightConfig(lab), 'whole') };
    worker = await startWorker(environment);
  });
  afterAll(() => worker.kill());

  const ok = async (line: string): Promise<string> => {
    const { code, output } = await type(environment, line);
    expect(output).not.toBe('');
    expect({ code, output }).toMatchObject({ code: 0 });
    seen.push(output);
    return output;
  };

  test('Mount, Create, Show, VDiff, Complete', async () => {
    await ok(
      `Mount -type vitess -topo_type etcd2 -topo_server ${lab.source.topoServer} -topo_root ${lab.source.topoRoot} ext1`,
    );
    await ok('Mount -list');
    await ok('Mount -show ext1');
    await ok('Migrate -all -source ext1.load Create commerce.wf');
    const handle = client.workflow.getHandle('commerce.wf');
    seen.push(await everythingOf(handle));
    await ok('Workflow Show commerce.wf');
    await ok('VDiff commerce.wf');
    seen.push(await everythingOf(handle));
    await ok('Migrate Complete commerce.wf');
    expect(await handle.result()).toMatchObject({
      outcome: 'completed',
      tables: { count: tables.length, names: tables },
    });
    const source = await rowCounts('source', 'load');
    expect(await rowCounts('target', 'commerce')).toEqual(source);
    expect(source['corder']).toBeGreaterThan(1_000);
  });

  test('Cancel puts everything back', async () => {
    for (const table of tables) await sql('target', 'commerce', `drop table \`${table}\``);
    await ok('Migrate -tables customer -source ext1.load Create commerce.back');
    const handle = client.workflow.getHandle('commerce.back');
    await until(handle, (status) => status.phase === 'replicating');
    seen.push(await everythingOf(handle));
    await ok('Migrate Cancel commerce.back');
    expect(await handle.result()).toMatchObject({ outcome: 'cancelled' });
    expect(await rowCounts('target', 'commerce')).toEqual({});
    await ok('Mount -unmount ext1');
  });

  test('a migration that is not let in fails at once, and says why', async () => {
    const config = rightConfig(lab);
    config.clusters.ext1.tablets.password = secrets.targetTablets;
    const queue = { ...byCertificate(), ...configured(config, 'refused') };
    const refused = await startWorker(queue);
    const mount = { topoType: 'etcd2', topoServer: lab.source.topoServer, topoRoot: lab.source.topoRoot };
    const handle = await client.workflow.start('migrate', {
      taskQueue: 'refused',
      workflowId: 'commerce.refused',
      args: [{ source: 'ext1.load', target: 'commerce.refused', all: true, mount }],
    });
    await expect(handle.result()).rejects.toMatchObject({
      cause: {
        type: 'ACCESS_REFUSED',
        message: expect.stringMatching(
          /invalid credentials \(cluster ext1, keyspace load, shard 0, tablet ext-0000000100\)/,
        ) as string,
      },
    });
    // At once: the step that was refused is not tried again.
    const { events } = await handle.fetchHistory();
    const attempts = events?.flatMap((event) => event.activityTaskStartedEventAttributes?.attempt ?? []);
    expect(attempts?.at(-1)).toBe(1);
    seen.push(await everythingOf(handle), refused.log(), (await type(queue, 'Workflow Show commerce.refused')).output);
    await refused.kill();
  });

  test('no secret is in any history, heartbeat, search attribute, log line or answer', async () => {
    for await (const { workflowId, runId } of client.workflow.list())
      seen.push(await everythingOf(client.workflow.getHandle(workflowId, runId)));
    seen.push(worker.log());
    expect(seen.length).toBeGreaterThan(12);
    for (const text of seen) expectNoSecret(text);
    // What is looked for would be found.
    expect(seen.join()).toContain('invalid credentials');
    expect(() => expectNoSecret(`…${secrets.vtgate}…`)).toThrow();
  });
});

describe('Temporal', () => {
  const start = (environment: Environment, name: string) =>
    startWorker({ ...environment, ...configured(rightConfig(lab), name) });

  test('lets a worker and the command line in by API key', async () => {
    const worker = await start(byApiKey(), 'by-key');
    const answer = await type({ ...byApiKey(), VTMIGRATE_TASK_QUEUE: 'by-key' }, 'Mount -list');
    expect(answer).toMatchObject({ code: 0, output: 'ext1\n' });
    expectNoSecret(worker.log());
    await worker.kill();
  });

  const wrongs: { what: string; environment: () => Environment; says: RegExp }[] = [
    {
      what: 'a wrong API key',
      environment: () => byApiKey({ TEMPORAL_API_KEY: `${secrets.apiKey}-wrong` }),
      says: /API key is not valid/,
    },
    { what: 'no API key', environment: () => byApiKey({ TEMPORAL_API_KEY: undefined }), says: /API key is not valid/ },
    {
      what: 'an authority that did not issue its certificate',
      environment: () => byCertificate({ TEMPORAL_TLS_SERVER_CA_CERT_PATH: lab.certificates.stranger.ca }),
      says: /its certificate is not trusted/,
    },
    // Node's server, which the door is made of, hangs up without a word.
    {
      what: 'a client certificate of a stranger',
      environment: () =>
        byCertificate({
          TEMPORAL_TLS_CLIENT_CERT_PATH: lab.certificates.worker.stranger.cert,
          TEMPORAL_TLS_CLIENT_KEY_PATH: lab.certificates.worker.stranger.key,
        }),
      says: /Temporal at \S+ does not answer|Temporal does not answer/,
    },
    {
      what: 'no client certificate',
      environment: () =>
        byCertificate({ TEMPORAL_TLS_CLIENT_CERT_PATH: undefined, TEMPORAL_TLS_CLIENT_KEY_PATH: undefined }),
      says: /wants a client certificate/,
    },
    {
      what: 'another server name',
      environment: () => byCertificate({ TEMPORAL_TLS_SERVER_NAME: 'elsewhere.example' }),
      says: /its certificate is not for elsewhere\.example/,
    },
    {
      what: 'no TLS',
      environment: () => ({ TEMPORAL_ADDRESS: lab.byCertificate.address }),
      says: /it speaks TLS, and no TLS is configured/,
    },
    {
      what: 'a certificate that is not there',
      environment: () => byCertificate({ TEMPORAL_TLS_CLIENT_CERT_PATH: '/nowhere/cert.pem' }),
      says: /\/nowhere\/cert\.pem/,
    },
  ];
  /** The refused ones run side by side: each has a configuration file of its own. */
  let refusals = 0;
  test.concurrent.each(wrongs)(
    'with $what: the worker does not start, the command line fails, both say why',
    async ({ environment, says }) => {
      const [refused, answer] = await Promise.all([
        start(environment(), `refused-${++refusals}`).catch((error: unknown) => error),
        type(environment(), 'Mount -list'),
      ]);
      expect(refused).toBeInstanceOf(Error);
      expect(String(refused)).toMatch(says);
      expect(answer).toMatchObject({ code: 1, output: expect.stringMatching(says) as string });
      expectNoSecret(String(refused) + answer.output);
    },
  );
});

test('no help shows a secret of the environment', async () => {
  const environment = {
    ...byApiKey(),
    VTMIGRATE_ETCD_PASSWORD: secrets.targetEtcd,
    VTMIGRATE_TABLETS_PASSWORD: secrets.targetTablets,
    VTMIGRATE_VTGATE_PASSWORD: secrets.vtgate,
  };
  for (const line of ['--help', 'Migrate --help']) {
    const answer = await type(environment, line);
    expect(answer.code).toBe(0);
    expectNoSecret(answer.output);
  }
});

/** Runs a statement on the MySQL of a cluster's only shard, as an account that Vitess does not use. */
async function sql(
  cluster: 'source' | 'target',
  keyspace: string,
  statement: string,
): Promise<Record<string, unknown>[]> {
  const connection = await lab[cluster].mysql(keyspace, '0');
  try {
    const [rows] = await connection.query(statement);
    return rows as Record<string, unknown>[];
  } finally {
    await connection.end();
  }
}

async function rowCounts(cluster: 'source' | 'target', keyspace: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { name } of await sql(
    cluster,
    keyspace,
    'select table_name as name from information_schema.tables where table_schema = database() order by 1',
  )) {
    const [row] = await sql(cluster, keyspace, `select count(*) as n from \`${String(name)}\``);
    counts[String(name)] = Number(row?.['n']);
  }
  return counts;
}

async function until(handle: WorkflowHandle, wanted: (status: Status) => boolean): Promise<void> {
  for (;;) {
    const status = await handle.query<Status>('status');
    if (wanted(status)) return;
    if (status.phase === 'failed') throw new Error(JSON.stringify(status));
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}
