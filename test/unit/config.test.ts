import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeAuthority } from '../../lab/certificates.js';
import { readConfig } from '../../src/config/config.js';

const least = { VTMIGRATE_TOPO_SERVER: 'localhost:2379', VTMIGRATE_VTGATE: 'localhost:15306' };

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vtmigrate-config-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A configuration file with this content, as the environment names it. */
function file(content: unknown): { VTMIGRATE_CONFIG: string } {
  const path = join(folder, 'config.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return { VTMIGRATE_CONFIG: path };
}

describe('the configuration', () => {
  it('needs two settings; the others have defaults', () => {
    expect(readConfig(least)).toMatchObject({
      topoServer: 'localhost:2379',
      topoRoot: '/vitess/global',
      vtgate: { host: 'localhost', port: 15306 },
      vtgateUser: undefined,
      vtgatePassword: undefined,
      taskQueue: 'vtmigrate',
    });
  });

  it('comes from the environment', () => {
    const all = {
      VTMIGRATE_TOPO_SERVER: 'a:1,[::1]:2',
      VTMIGRATE_TOPO_ROOT: '/x',
      VTMIGRATE_VTGATE: 'db.example:3306',
      VTMIGRATE_VTGATE_USER: 'me',
      VTMIGRATE_VTGATE_PASSWORD: 'secret',
      VTMIGRATE_TASK_QUEUE: 'q',
      PATH: '/bin',
    };
    expect(readConfig(all)).toMatchObject({
      topoServer: 'a:1,[::1]:2',
      topoRoot: '/x',
      vtgate: { host: 'db.example', port: 3306 },
      vtgateUser: 'me',
      vtgatePassword: 'secret',
      taskQueue: 'q',
    });
  });

  it('says what may be called inside a fence, and nothing by default', () => {
    expect(readConfig(least).hooks).toEqual({ urls: [] });
    const urls = 'https://router.mine, http://localhost:8080/switch';
    expect(readConfig({ ...least, VTMIGRATE_HOOK_COMMANDS: folder, VTMIGRATE_HOOK_URLS: urls }).hooks).toEqual({
      commands: folder,
      urls: ['https://router.mine', 'http://localhost:8080/switch'],
    });
    const open = join(folder, 'open');
    mkdirSync(open);
    chmodSync(open, 0o777);
    for (const [commands, why] of [
      ['hooks', /VTMIGRATE_HOOK_COMMANDS .*from the root/],
      [join(folder, 'nothing'), /is not a directory/],
      [open, /can be written by everybody/],
    ] as const)
      expect(() => readConfig({ ...least, VTMIGRATE_HOOK_COMMANDS: commands })).toThrow(why);
    expect(() => readConfig({ ...least, VTMIGRATE_HOOK_URLS: 'router.mine' })).toThrow(
      /must be URLs, joined by commas/,
    );
  });

  it('comes from a file, over which the environment wins, unless it is empty', () => {
    const content = { topoServer: 'a:1', topoRoot: '/file', vtgate: 'b:2', vtgateUser: 'file', taskQueue: 'file' };
    expect(readConfig(file(content))).toMatchObject({ topoServer: 'a:1', vtgate: { host: 'b', port: 2 } });
    expect(
      readConfig({ ...file(content), VTMIGRATE_TOPO_ROOT: '/environment', VTMIGRATE_TASK_QUEUE: '' }),
    ).toMatchObject({ topoServer: 'a:1', topoRoot: '/environment', taskQueue: 'file', vtgateUser: 'file' });
  });

  it('is refused with every problem at once, each with both names of the setting', () => {
    const environment = { ...file({ vtgate: 'nowhere', keyspace: 'x', port: 1 }), VTMIGRATE_TOPO_ROOT: 'vitess' };
    expect(() => readConfig(environment)).toThrow(/^the configuration is not valid:\n(  - .*\n?){5}$/);
    for (const line of [
      'VTMIGRATE_TOPO_SERVER (topoServer in the file) is not set',
      'VTMIGRATE_TOPO_ROOT (topoRoot in the file) must be a path such as /vitess/global',
      'VTMIGRATE_VTGATE (vtgate in the file) must be host:port',
      'keyspace in the file is not a setting; the settings are topoServer, topoRoot, vtgate',
      'port in the file is not a setting',
    ])
      expect(() => readConfig(environment)).toThrow(line);
  });

  it.each(['localhost', 'localhost:', ':3306', 'a:1,b', 'http://a:1', 'a b:1', ''])(
    'does not take the topology server %j',
    (server) => {
      expect(() => readConfig({ ...least, VTMIGRATE_TOPO_SERVER: server })).toThrow('VTMIGRATE_TOPO_SERVER');
    },
  );

  it('says which file cannot be read, and why', () => {
    expect(() => readConfig({ ...least, VTMIGRATE_CONFIG: join(folder, 'nothing.json') })).toThrow(
      /nothing\.json \(VTMIGRATE_CONFIG\) cannot be read: ENOENT/,
    );
    expect(() => readConfig({ ...least, ...file('{"topoServer":') })).toThrow(
      /config\.json \(VTMIGRATE_CONFIG\) cannot be read: .*JSON/,
    );
  });

  it.each([{ content: '[]' }, { content: '"x"' }, { content: 'null' }])(
    'a file that holds $content sets nothing',
    ({ content }) => {
      expect(() => readConfig(file(content))).toThrow('is not set');
    },
  );

  it('does not quote a file that is not JSON: there may be a password in it', () => {
    expect(() => readConfig({ ...least, ...file('{"vtgatePassword":"hunter2" oops') })).toThrow(
      /^(?!.*hunter2).*config\.json \(VTMIGRATE_CONFIG\) cannot be read: it is not JSON/,
    );
  });
});

describe('credentials', () => {
  const pem = (name: string) => join(folder, name);
  beforeAll(async () => {
    const ca = await makeAuthority(folder, 'ca');
    await ca.issue('worker', { client: true });
    await ca.issue('other', { client: true });
    writeFileSync(pem('password'), 'hunter2\n');
    writeFileSync(pem('empty'), '\n');
    writeFileSync(pem('no.pem'), 'not a certificate');
  });
  const tls = () => ({ ca: pem('ca.pem'), cert: pem('worker.pem'), key: pem('worker-key.pem') });

  it('are read by cluster, with the files they name', () => {
    const config = readConfig({
      ...least,
      ...file({
        clusters: {
          ext1: {
            etcd: { tls: tls(), user: 'reader', passwordFile: pem('password') },
            tablets: { tls: { ca: pem('ca.pem'), serverName: 'tablet.ext' } },
          },
        },
      }),
    });
    const read = (name: string) => readFileSync(pem(name));
    expect(config.clusters).toEqual({
      ext1: {
        etcd: {
          tls: { ca: read('ca.pem'), cert: read('worker.pem'), key: read('worker-key.pem') },
          user: 'reader',
          password: 'hunter2',
        },
        tablets: { tls: { ca: read('ca.pem'), serverName: 'tablet.ext' } },
      },
    });
  });

  it("of the target come from the environment as well, over the file's", () => {
    const environment = {
      ...least,
      ...file({ clusters: { target: { etcd: { tls: tls(), user: 'file', password: 'file' } } } }),
      VTMIGRATE_ETCD_USER: 'environment',
      VTMIGRATE_TABLETS_TLS_CA: pem('ca.pem'),
      VTMIGRATE_TABLETS_TLS_SERVER_NAME: 't',
      VTMIGRATE_VTGATE_TLS_CA: pem('ca.pem'),
      VTMIGRATE_VTGATE_USER: 'me',
      VTMIGRATE_VTGATE_PASSWORD_FILE: pem('password'),
    };
    const config = readConfig(environment);
    expect(config.clusters?.['target']).toMatchObject({
      etcd: { user: 'environment', password: 'file' },
      tablets: { tls: { serverName: 't' } },
    });
    expect(config).toMatchObject({
      vtgateUser: 'me',
      vtgatePassword: 'hunter2',
      vtgateTls: { ca: readFileSync(pem('ca.pem')) },
    });
  });

  it.each([
    {
      what: 'a file that is not there',
      clusters: () => ({ target: { etcd: { tls: { ca: '/nowhere/ca.pem' } } } }),
      message:
        'VTMIGRATE_ETCD_TLS_CA (clusters.target.etcd.tls.ca in the file) cannot be read: /nowhere/ca.pem (ENOENT)',
    },
    {
      what: 'no authority',
      clusters: () => ({ ext1: { etcd: { tls: { cert: pem('worker.pem'), key: pem('worker-key.pem') } } } }),
      message: 'clusters.ext1.etcd.tls.ca in the file must be a string',
    },
    {
      what: 'an authority that is none',
      clusters: () => ({ ext1: { etcd: { tls: { ca: pem('no.pem') } } } }),
      message: 'clusters.ext1.etcd.tls.ca in the file holds no certificate',
    },
    {
      what: 'a certificate without its key',
      clusters: () => ({ ext1: { tablets: { tls: { ca: pem('ca.pem'), cert: pem('worker.pem') } } } }),
      message: 'clusters.ext1.tablets.tls.key in the file is needed: a certificate and its key belong together',
    },
    {
      what: "another's key",
      clusters: () => ({ ext1: { tablets: { tls: { ...tls(), key: pem('other-key.pem') } } } }),
      message:
        'clusters.ext1.tablets.tls.cert in the file and tls.key cannot be used together (ERR_OSSL_X509_KEY_VALUES_MISMATCH)',
    },
    {
      what: 'a user without a password',
      clusters: () => ({ ext1: { etcd: { tls: tls(), user: 'u' } } }),
      message: 'clusters.ext1.etcd.password in the file or passwordFile is needed with user',
    },
    {
      what: 'a password without a user',
      clusters: () => ({ ext1: { etcd: { tls: tls(), password: 'hunter2' } } }),
      message: 'clusters.ext1.etcd.user in the file is needed with a password',
    },
    {
      what: 'a password in plain text',
      clusters: () => ({ ext1: { tablets: { user: 'u', password: 'hunter2' } } }),
      message:
        'clusters.ext1.tablets.tls in the file is needed with user and password: they are not sent in plain text',
    },
    {
      what: 'both spellings of a password',
      clusters: () => ({
        ext1: { etcd: { tls: tls(), user: 'u', password: 'hunter2', passwordFile: pem('password') } },
      }),
      message: 'clusters.ext1.etcd.password in the file and passwordFile exclude each other',
    },
    {
      what: 'an empty file for a password',
      clusters: () => ({ ext1: { etcd: { tls: tls(), user: 'u', passwordFile: pem('empty') } } }),
      message: 'clusters.ext1.etcd.passwordFile in the file is empty',
    },
    {
      what: 'a password no header can hold',
      clusters: () => ({ ext1: { tablets: { tls: tls(), user: 'u', password: 'hunter2é' } } }),
      message: 'clusters.ext1.tablets.user in the file and password must be printable ASCII',
    },
    {
      what: 'a server name for etcd',
      clusters: () => ({ target: { etcd: { tls: { ...tls(), serverName: 'x' } } } }),
      message: 'clusters.target.etcd.tls.serverName in the file cannot be set',
    },
    {
      what: 'a vtgate of a mount',
      clusters: () => ({ ext1: { vtgate: { tls: tls() } } }),
      message: 'clusters.ext1.vtgate in the file is not a setting',
    },
    { what: 'a mount nobody can have', clusters: () => ({ 'a/b': {} }), message: 'clusters in the file names "a/b"' },
    {
      what: 'an address instead of a name for vtgate',
      clusters: () => ({ target: { vtgate: { tls: tls() } } }),
      vtgate: '127.0.0.1:3306',
      message: 'VTMIGRATE_VTGATE_TLS_SERVER_NAME (clusters.target.vtgate.tls.serverName in the file) is needed',
    },
    { what: 'something else', clusters: () => 'hunter2', message: 'clusters in the file must be an object' },
  ])('are refused with $what, and no password is shown', ({ clusters, vtgate, message }) => {
    const environment = {
      ...least,
      ...(vtgate === undefined ? {} : { VTMIGRATE_VTGATE: vtgate }),
      ...file({ clusters: clusters() }),
    };
    expect(() => readConfig(environment)).toThrow(message);
    expect(() => readConfig(environment)).not.toThrow('hunter2');
  });

  it('and the older fields for vtgate exclude each other', () => {
    const environment = {
      ...least,
      ...file({ vtgateUser: 'a', vtgatePassword: 'b', clusters: { target: { vtgate: { user: 'c', password: 'd' } } } }),
    };
    expect(() => readConfig(environment)).toThrow(
      /vtgateUser[^\n]*exclude each other\n.*vtgatePassword.*exclude each other/,
    );
  });
});
