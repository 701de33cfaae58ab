import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { binaries } from '../../lab/install.js';
import { readConfig } from '../../src/config/config.js';

interface Service {
  command?: string[];
  entrypoint?: string[];
  depends_on?: Record<string, { condition: string }>;
  environment?: Record<string, string>;
}

const text = readFileSync(fileURLToPath(new URL('../../docker-compose.yml', import.meta.url)), 'utf8');
const { services } = parse(text, { merge: true }) as { services: Record<string, Service> };
const named = Object.entries(services);

/** The long flags a real binary lists. */
function flagsOf(program: 'vttablet' | 'vtgate' | 'vtctldclient' | 'temporal', ...args: string[]): Set<string> {
  let help = '';
  try {
    help = execFileSync(binaries()[program], [...args, '--help'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    help = stdout + stderr;
  }
  return new Set([...help.matchAll(/--([a-z][a-z0-9-]+)/g)].map((match) => match[1] ?? ''));
}

describe('docker-compose.yml', () => {
  test.each(['vttablet', 'vtgate'] as const)('every flag of %s is one it has', (program) => {
    const known = flagsOf(program);
    const used = named
      .filter(([, service]) => service.command?.[0] === program)
      .flatMap(([, service]) => service.command?.slice(1) ?? []);
    expect(used.length).toBeGreaterThan(10);
    expect(
      used.map((flag) => /^--([a-z0-9-]+)=/.exec(flag)?.[1] ?? flag.slice(2)).filter((flag) => !known.has(flag)),
    ).toEqual([]);
  });

  test('every flag of vtctldclient and of the Temporal server is one they have', () => {
    const scripts = named
      .filter(([, service]) => service.entrypoint !== undefined)
      .map(([, service]) => service.command?.[0] ?? '');
    const commands = ['AddCellInfo', 'CreateKeyspace', 'TabletExternallyReparented'];
    const known = new Set([
      ...flagsOf('vtctldclient'),
      ...commands.flatMap((command) => [...flagsOf('vtctldclient', command)]),
    ]);
    const used = scripts.flatMap((script) => [...script.matchAll(/--([a-z-]+)/g)].map((match) => match[1] ?? ''));
    expect(used.filter((flag) => !known.has(flag))).toEqual([]);
    const temporal = flagsOf('temporal', 'server', 'start-dev');
    const flags = (services['temporal']?.command ?? []).filter((word) => word.startsWith('--'));
    expect(flags.filter((flag) => !temporal.has(flag.slice(2)))).toEqual([]);
  });

  test('whoever is waited for is there', () => {
    for (const [name, service] of named) {
      for (const other of Object.keys(service.depends_on ?? {}))
        expect(services, `${name} waits for ${other}`).toHaveProperty(other);
    }
  });

  test("the worker's environment is a valid configuration", () => {
    expect(readConfig(services['worker']?.environment ?? {})).toMatchObject({
      topoServer: 'etcd-target:2379',
      vtgate: { host: 'vtgate-target', port: 15306 },
    });
  });
});
