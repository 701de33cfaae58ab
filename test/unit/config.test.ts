import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.js';

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
    expect(readConfig(least)).toMatchObject({ topoServer: 'localhost:2379', topoRoot: '/vitess/global', vtgate: { host: 'localhost', port: 15306 }, vtgateUser: undefined, vtgatePassword: undefined, taskQueue: 'vtmigrate' });
  });

  it('comes from the environment', () => {
    const all = { VTMIGRATE_TOPO_SERVER: 'a:1,[::1]:2', VTMIGRATE_TOPO_ROOT: '/x', VTMIGRATE_VTGATE: 'db.example:3306', VTMIGRATE_VTGATE_USER: 'me', VTMIGRATE_VTGATE_PASSWORD: 'secret', VTMIGRATE_TASK_QUEUE: 'q', PATH: '/bin' };
    expect(readConfig(all)).toMatchObject({ topoServer: 'a:1,[::1]:2', topoRoot: '/x', vtgate: { host: 'db.example', port: 3306 }, vtgateUser: 'me', vtgatePassword: 'secret', taskQueue: 'q' });
  });

  it('comes from a file, over which the environment wins, unless it is empty', () => {
    const content = { topoServer: 'a:1', topoRoot: '/file', vtgate: 'b:2', vtgateUser: 'file', taskQueue: 'file' };
    expect(readConfig(file(content))).toMatchObject({ topoServer: 'a:1', vtgate: { host: 'b', port: 2 } });
    expect(readConfig({ ...file(content), VTMIGRATE_TOPO_ROOT: '/environment', VTMIGRATE_TASK_QUEUE: '' })).toMatchObject({ topoServer: 'a:1', topoRoot: '/environment', taskQueue: 'file', vtgateUser: 'file' });
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
    ]) expect(() => readConfig(environment)).toThrow(line);
  });

  it.each(['localhost', 'localhost:', ':3306', 'a:1,b', 'http://a:1', 'a b:1', ''])('does not take the topology server %j', (server) => {
    expect(() => readConfig({ ...least, VTMIGRATE_TOPO_SERVER: server })).toThrow('VTMIGRATE_TOPO_SERVER');
  });

  it('says which file cannot be read, and why', () => {
    expect(() => readConfig({ ...least, VTMIGRATE_CONFIG: join(folder, 'nothing.json') })).toThrow(/nothing\.json \(VTMIGRATE_CONFIG\) cannot be read: ENOENT/);
    expect(() => readConfig({ ...least, ...file('{"topoServer":') })).toThrow(/config\.json \(VTMIGRATE_CONFIG\) cannot be read: .*JSON/);
  });

  it.each([{ content: '[]' }, { content: '"x"' }, { content: 'null' }])('a file that holds $content sets nothing', ({ content }) => {
    expect(() => readConfig(file(content))).toThrow('is not set');
  });
});
