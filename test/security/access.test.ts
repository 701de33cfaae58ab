import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AccessText } from '../../src/config/access.js';
import { readConfig } from '../../src/config/config.js';
import { buildClients } from '../../src/worker.js';
import { parseAddress } from '../../src/migration/input/address.js';
import { ruleBehind } from '../../src/migration/proof/table-trials.js';
import type { Clients } from '../../src/vitess/clients.js';
import { TabletHandle } from '../../src/vitess/tablet/tablet-handle.js';
import { TabletConnections } from '../../src/vitess/tablet/transport.js';
import { absent } from '../../src/vitess/topology/kv.js';
import type { Topology } from '../../src/vitess/topology/topology.js';
import { TabletSchema } from '../../src/vitess/wire/topodata_pb.js';
import { rightConfig, type ConfigFile } from '../support/secure/secure-config.js';
import { secrets, startSecureLab, type SecureLab } from '../support/secure/secure-lab.js';

let lab: SecureLab;
beforeAll(async () => {
  lab = await startSecureLab(300);
});
afterAll(() => lab.stop());

/** Writes a configuration file, and gives the environment that names it. */
function environmentOf(config: ConfigFile): { VTMIGRATE_CONFIG: string } {
  const file = join(lab.folder, 'config.json');
  writeFileSync(file, JSON.stringify(config));
  return { VTMIGRATE_CONFIG: file };
}

/** Does something with the clients of a configuration file, as the worker reads it. */
async function withClients<T>(config: ConfigFile, work: (clients: Clients) => Promise<T>): Promise<T> {
  const { clients, close } = buildClients(readConfig(environmentOf(config)));
  try {
    return await work(clients);
  } finally {
    await close();
  }
}

const sourceOf = (clients: Clients) =>
  clients.external('ext1', { topoType: 'etcd2', topoServer: lab.source.topoServer, topoRoot: lab.source.topoRoot });

/** The ways out of the program, each with a question that anybody who is let in may ask. */
const ends: Record<
  string,
  { access: (config: ConfigFile) => AccessText; ask: (clients: Clients) => Promise<unknown> }
> = {
  "the target's etcd": {
    access: (config) => config.clusters.target.etcd,
    ask: (clients) => clients.target.keyspaces(),
  },
  "the source's etcd": {
    access: (config) => config.clusters.ext1.etcd,
    ask: (clients) => sourceOf(clients).keyspaces(),
  },
  "the target's tablets": {
    access: (config) => config.clusters.target.tablets,
    ask: async (clients) => (await clients.primary(clients.target, 'commerce', '0')).tables(),
  },
  "the source's tablets": {
    access: (config) => config.clusters.ext1.tablets,
    ask: async (clients) => (await clients.primary(sourceOf(clients), 'load', '0')).tables(),
  },
  vtgate: { access: (config) => config.clusters.target.vtgate, ask: (clients) => clients.vtgate.ping() },
};

const tlsOf = (access: AccessText) => {
  if (access.tls === undefined) throw new Error('the right configuration has TLS');
  return access.tls;
};

/** What may be wrong with credentials, and what a person is told. */
const wrongs: { what: string; spoil: (access: AccessText) => void; says: RegExp; not?: string[] }[] = [
  {
    what: 'an authority that did not issue its certificate',
    spoil: (access) => {
      tlsOf(access).ca = lab.certificates.stranger.ca;
    },
    says: /certificate is not trusted|unable to verify|self-signed/,
  },
  {
    what: 'no client certificate',
    spoil: (access) => {
      delete tlsOf(access).cert;
      delete tlsOf(access).key;
    },
    says: /wants a client certificate|CERTIFICATE_REQUIRED|BAD_CERTIFICATE|certificate required|bad certificate/,
  },
  {
    what: 'a client certificate of a stranger',
    spoil: (access) => {
      Object.assign(tlsOf(access), lab.certificates.worker.stranger);
    },
    says: /does not accept the client certificate|ALERT|alert/,
  },
  {
    what: 'another server name',
    spoil: (access) => {
      tlsOf(access).serverName = 'elsewhere.example';
    },
    says: /is not for elsewhere\.example|does not match certificate's altnames/,
    not: ["the target's etcd", "the source's etcd"],
  },
  {
    what: 'a wrong password',
    spoil: (access) => {
      access.password = 'sEcret-wrong';
    },
    says: /authentication failed|invalid credentials|Access denied/,
  },
  {
    what: 'no user',
    spoil: (access) => {
      delete access.user;
      delete access.password;
    },
    says: /permission denied|user name is empty|username and password must be provided|Access denied/,
  },
  {
    what: 'no TLS',
    spoil: (access) => {
      delete access.tls;
      delete access.user;
      delete access.password;
    },
    says: /it speaks TLS, and no TLS is configured/,
    not: ['vtgate'],
  },
];

describe.each(Object.entries(ends))('%s', (name, { access, ask }) => {
  test('lets the right credentials in', async () => {
    await withClients(rightConfig(lab), ask);
  });

  test.each(wrongs.filter(({ not }) => not?.includes(name) !== true))(
    'with $what: refused',
    async ({ spoil, says }) => {
      const config = rightConfig(lab);
      spoil(access(config));
      const error = await withClients(config, ask).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toMatchObject({
        code: 'ACCESS_REFUSED',
        retryable: false,
        message: expect.stringMatching(says) as string,
      });
      for (const secret of [...Object.values(secrets), 'sEcret-wrong'])
        expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(secret);
    },
  );
});

/** A server that speaks no TLS, keeps what it is sent and, if it is to speak first, says `greeting`. */
async function plainServer(
  greeting?: Buffer,
): Promise<{ address: string; received: Buffer[]; close: () => Promise<void> }> {
  const received: Buffer[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    if (greeting !== undefined) socket.write(greeting);
    socket.once('data', (chunk) => {
      received.push(chunk);
      socket.end('this is not TLS');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(() => resolve()));
  };
  return { address: `localhost:${(server.address() as AddressInfo).port}`, received, close };
}

describe('a server without TLS, where TLS is configured', () => {
  const tlsRecord = 0x16;

  test('etcd: is sent nothing but handshakes', async () => {
    const server = await plainServer();
    const error: unknown = await withClients({ ...rightConfig(lab), topoServer: server.address }, (clients) =>
      clients.target.keyspaces(),
    ).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'ACCESS_REFUSED',
      message: expect.stringContaining('it does not speak TLS') as string,
    });
    expect(server.received.length).toBeGreaterThan(0);
    for (const chunk of server.received) expect(chunk[0]).toBe(tlsRecord);
    await server.close();
  });

  test('a tablet: is sent nothing but handshakes', async () => {
    const server = await plainServer();
    const { host, port } = parseAddress(server.address) ?? { host: '', port: 0 };
    const record = create(TabletSchema, { keyspace: 'commerce', shard: '0', hostname: host, portMap: { grpc: port } });
    const { clusters } = readConfig(environmentOf(rightConfig(lab)));
    const tablet = new TabletHandle(
      record,
      'target',
      new TabletConnections((cluster) => clusters?.[cluster]?.tablets ?? {}),
    );
    await expect(tablet.tables()).rejects.toMatchObject({
      code: 'ACCESS_REFUSED',
      message: expect.stringContaining('it does not speak TLS') as string,
    });
    expect(server.received.length).toBeGreaterThan(0);
    for (const chunk of server.received) expect(chunk[0]).toBe(tlsRecord);
    await server.close();
  });

  test('vtgate: is sent nothing at all', async () => {
    // MySQL's greeting of protocol 10, without the capability CLIENT_SSL.
    const greeting = Buffer.concat([
      Buffer.from([10]),
      Buffer.from('8.0.0\0'),
      Buffer.from([1, 0, 0, 0]),
      Buffer.alloc(8, 0x61),
      Buffer.from([0, 0x00, 0x82, 33, 2, 0, 0x08, 0, 21]),
      Buffer.alloc(10),
      Buffer.alloc(12, 0x62),
      Buffer.from('\0mysql_native_password\0'),
    ]);
    const header = Buffer.from([greeting.length, 0, 0, 0]);
    const server = await plainServer(Buffer.concat([header, greeting]));
    const error: unknown = await withClients({ ...rightConfig(lab), vtgate: server.address }, (clients) =>
      clients.vtgate.ping(),
    ).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'ACCESS_REFUSED',
      message: expect.stringContaining('does not support secure connection') as string,
    });
    expect(server.received).toEqual([]);
    await server.close();
  });
});

test('vtgate without TLS, where it wants TLS: refused in its own words', async () => {
  const config = rightConfig(lab);
  delete config.clusters.target.vtgate.tls;
  await expect(withClients(config, (clients) => clients.vtgate.ping())).rejects.toMatchObject({
    message: expect.stringMatching(/client must use SSL\/TLS/) as string,
  });
});

test('vtgate under another name than its address', async () => {
  const config = rightConfig(lab);
  config.vtgate = config.vtgate.replace('localhost', '127.0.0.1');
  tlsOf(config.clusters.target.vtgate).serverName = 'vtgate.target';
  await withClients(config, (clients) => clients.vtgate.ping());
});

/** Tries a table with the privileges of a user of vtgate, and says which rule refuses. */
async function tried(user: string, password: string) {
  const config = rightConfig(lab);
  Object.assign(config.clusters.target.vtgate, { user, password });
  return withClients(config, async (clients) => {
    const tablet = await clients.primary(clients.target, 'commerce', '0');
    await tablet.applySchema('create table tried (id bigint primary key)');
    const trial = clients.vtgate.trial('commerce');
    try {
      const [read, write] = [await trial.read('tried'), await trial.write('tried', '0')];
      return { read, write: write === undefined ? undefined : ruleBehind(write), said: write };
    } finally {
      await trial.close();
      await tablet.dropTable('tried');
    }
  });
}

test('a reader may read, and its write is refused by the table ACL', async () => {
  expect(await tried('vtmigrate', secrets.vtgate)).toMatchObject({
    read: undefined,
    write: 'acl',
    said: expect.stringMatching(/command denied to user 'vtmigrate' for table 'tried' \(ACL check error\)/) as string,
  });
});

test("a writer's write is refused by MySQL, where the tablets' account may only read", async () => {
  expect(await tried('owner', 'owner')).toMatchObject({
    read: undefined,
    write: 'grants',
    said: expect.stringMatching(/DELETE command denied to user 'vt_app'.*errno 1142/) as string,
  });
});

test('a server whose certificate has run out: refused', async () => {
  const { cert, key } = await lab.certificates.target.issue('expired', { days: -1 });
  const server = createTlsServer({ cert: readFileSync(cert), key: readFileSync(key) });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `localhost:${(server.address() as AddressInfo).port}`;
  await expect(
    withClients({ ...rightConfig(lab), topoServer: address }, (clients) => clients.target.keyspaces()),
  ).rejects.toMatchObject({ code: 'ACCESS_REFUSED', message: expect.stringContaining('CERT_HAS_EXPIRED') as string });
  server.close();
});

test('what a role does not grant is refused by name', async () => {
  const config = rightConfig(lab);
  Object.assign(config.clusters.ext1.etcd, { user: 'nobody' });
  await withClients(config, async (clients) => {
    await expect(sourceOf(clients).cells()).rejects.toMatchObject({
      code: 'ACCESS_REFUSED',
      message: expect.stringMatching(
        /user nobody in: permission denied for reading \/vitess\/global\/cells\//,
      ) as string,
    });
    const write = (topology: Topology, keyspace: string) =>
      topology.kv.put(`${topology.root}/keyspaces/${keyspace}/VSchema`, new Uint8Array(), absent);
    await expect(write(clients.target, 'other')).rejects.toMatchObject({
      code: 'ACCESS_REFUSED',
      message: expect.stringMatching(
        /permission denied for writing \/vitess\/global\/keyspaces\/other\/VSchema/,
      ) as string,
    });
    await expect(write(sourceOf(clients), 'load')).rejects.toMatchObject({ code: 'ACCESS_REFUSED' });
  });
});

test("a mount cannot be called target: it would be given the target's credentials", async () => {
  const server = await plainServer();
  await withClients(rightConfig(lab), (clients) => {
    expect(() => clients.external('target', { topoType: 'etcd2', topoServer: server.address, topoRoot: '/' })).toThrow(
      /cannot be the name of a mount/,
    );
    return Promise.resolve();
  });
  expect(server.received).toEqual([]);
  await server.close();
});
