import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Hooks } from '../../src/hooks/hooks.js';
import type { HookEvent } from '../../src/migration/proof/fence-hook.js';
import { MigrationError } from '../../src/migration/problem/errors.js';

const event: HookEvent = {
  event: 'fenced',
  attempt: 1,
  workflow: 'commerce.wf',
  runId: 'r1',
  source: 'ext1.load',
  keyspace: 'commerce',
  tables: ['customer', 'order line'],
};
const forever = new AbortController().signal;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'vtmigrate-hooks-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const hooks = () => new Hooks({ commands: directory, urls: [] });
const written = (name: string) => readFileSync(join(directory, name), 'utf8');
/** A process that nobody has waited for is dead all the same. */
const lives = (pid: string) => {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid.trim()}/stat`, 'utf8'));
  } catch {
    return false;
  }
};

function command(name: string, script: string, mode = 0o755): void {
  writeFileSync(join(directory, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(directory, name), mode);
}

/** The message of a failure. */
const failure = (call: Promise<void>): Promise<string> =>
  call.then(
    () => 'none',
    (error: unknown) => {
      expect(error).toBeInstanceOf(MigrationError);
      expect(error).toMatchObject({ code: 'FENCE_HOOK_FAILED', retryable: false });
      return (error as MigrationError).what;
    },
  );

describe('a command', () => {
  it('is told what happens, and gets nothing of the environment of the worker', async () => {
    process.env['VTMIGRATE_SECRET'] = 'hunter2';
    command('switch-router', 'cat > told; env > environment');
    await hooks().call('switch-router', event, 10_000, forever);
    delete process.env['VTMIGRATE_SECRET'];
    expect(JSON.parse(written('told'))).toEqual(event);
    const names = written('environment')
      .split('\n')
      .map((line) => line.split('=')[0] ?? '');
    // A shell sets the last three itself.
    expect(names.filter((name) => !['', 'PATH', 'PWD', 'OLDPWD', '_', 'SHLVL'].includes(name))).toEqual([]);
  });

  it('need not read what it is told', async () => {
    command('switch-router', 'exit 0');
    const tables = Array.from({ length: 20_000 }, (_, i) => `table ${i}`);
    await hooks().call('switch-router', { ...event, tables }, 10_000, forever);
  });

  it('that fails says it with its last lines, and without what a terminal would obey', async () => {
    command('switch-router', `for i in 1 2 3 4 5 6 7; do printf '\\033[31mline %s\\n' $i >&2; done; exit 3`);
    expect(await failure(hooks().call('switch-router', event, 10_000, forever))).toBe(
      'switch-router has failed (fenced): exit code 3: line 3 | line 4 | line 5 | line 6 | line 7',
    );
  });

  it('that takes too long is killed, with what it has started', async () => {
    command('switch-router', 'echo $$ > parent; sleep 60 & echo $! > child; wait');
    const began = Date.now();
    expect(await failure(hooks().call('switch-router', event, 1_000, forever))).toMatch(
      /\(fenced\): no end within 1 s$/,
    );
    expect(Date.now() - began).toBeLessThan(5_000);
    await expect.poll(() => [lives(written('parent')), lives(written('child'))]).toEqual([false, false]);
  });

  it('is killed when nobody waits for it any more', async () => {
    command('switch-router', 'echo $$ > parent; sleep 60');
    const given = new AbortController();
    const call = failure(hooks().call('switch-router', event, 30_000, given.signal));
    await expect
      .poll(() => {
        try {
          return written('parent').trim() !== '';
        } catch {
          return false;
        }
      })
      .toBe(true);
    given.abort();
    expect(await call).toMatch(/ended by SIGKILL$/);
    await expect.poll(() => lives(written('parent'))).toBe(false);
  });

  it('that leaves a process behind is not waited for', async () => {
    command('switch-router', 'sleep 30 & echo $! > child');
    const began = Date.now();
    await hooks().call('switch-router', event, 20_000, forever);
    expect(Date.now() - began).toBeLessThan(5_000);
    process.kill(Number(written('child')));
  });

  it.each([
    ['is missing', 'switch-router', () => undefined, /cannot be run \(ENOENT\)/],
    ['may not be run', 'switch-router', () => command('switch-router', 'exit 0', 0o644), /./],
    ['may be written by everybody', 'switch-router', () => command('switch-router', '', 0o757), /written by everybody/],
    ['is a directory', 'sub', () => mkdirSync(join(directory, 'sub')), /not a file/],
    ['is elsewhere', '../sh', () => undefined, /not the name of a command/],
    ['is hidden', '.', () => undefined, /not the name of a command/],
  ])('that %s is refused, and not run', async (what, name, make, why) => {
    make();
    // root may run what has one executable bit; a file with none, nobody.
    expect(hooks().refusal(name), what).toMatch(why);
    expect(await failure(hooks().call(name, event, 1_000, forever))).toMatch(why);
  });

  it('is refused by a worker that has none', () => {
    command('switch-router', 'exit 0');
    expect(new Hooks({ urls: [] }).refusal('switch-router')).toMatch(/runs no command/);
    expect(hooks().refusal('switch-router')).toBeNull();
  });
});

describe('a webhook', () => {
  let server: Server;
  let origin: string;
  let told: { method: string | undefined; url: string | undefined; type: string | undefined; body: string }[];
  let answer: (response: ServerResponse) => void;
  beforeEach(async () => {
    told = [];
    answer = (response) => response.end();
    server = createServer((request: IncomingMessage, response) => {
      let body = '';
      request.on('data', (more: Buffer) => (body += more.toString()));
      request.on('end', () => {
        told.push({ method: request.method, url: request.url, type: request.headers['content-type'], body });
        answer(response);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });
  const allowed = (...urls: string[]) => new Hooks({ urls });

  it('is posted what happens', async () => {
    await allowed(origin).call(`${origin}/switch?to=new`, event, 10_000, forever);
    expect(told).toEqual([
      { method: 'POST', url: '/switch?to=new', type: 'application/json', body: `${JSON.stringify(event)}\n` },
    ]);
  });

  it('that answers anything but 2xx fails, and is not followed elsewhere', async () => {
    answer = (response) => response.writeHead(503).end('router\n is   down');
    const call = () => failure(allowed(origin).call(`${origin}/a`, event, 10_000, forever));
    expect(await call()).toMatch(/\(fenced\): status 503: router is down$/);
    answer = (response) => response.writeHead(307, { location: `${origin}/elsewhere` }).end();
    expect(await call()).toMatch(/status 307$/);
    expect(told.map(({ url }) => url)).toEqual(['/a', '/a']);
  });

  it('that does not answer in time, or is not there, fails', async () => {
    answer = () => undefined;
    const hook = `${origin}/a`;
    expect(await failure(allowed(hook).call(hook, event, 1_000, forever))).toMatch(/no end within 1 s$/);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    expect(await failure(allowed(hook).call(hook, event, 1_000, forever))).toMatch(/no answer \(.*ECONNREFUSED/);
  });

  it('is aborted when nobody waits for it any more', async () => {
    answer = () => undefined;
    const given = new AbortController();
    const call = failure(allowed(origin).call(`${origin}/a`, event, 30_000, given.signal));
    await expect.poll(() => told.length).toBe(1);
    given.abort();
    expect(await call).toMatch(/no answer/);
  });

  it('is refused, and not called, unless the operator lists it', async () => {
    const own = `${origin}/switch`;
    expect(allowed(own).refusal(own)).toBeNull();
    expect(allowed(`${origin}/`).refusal(own)).toBeNull();
    for (const [entry, url] of [
      [own, `${own}/more`],
      [own, `${own}?x=1`],
      [own, `${origin}/other`],
      [origin, `${origin}1/switch`],
      [origin, `${origin}.evil.example/switch`],
      ['https://router.mine', 'http://router.mine/switch'],
    ] as const) {
      expect(allowed(entry).refusal(url), url).not.toBeNull();
      expect(await failure(allowed(entry).call(url, event, 1_000, forever)), url).not.toBe('none');
    }
    expect(told).toEqual([]);
  });
});
