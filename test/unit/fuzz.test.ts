import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { migrateContract } from '../../src/migration/preflight/contract.js';
import { UsageError } from '../../src/cli/errors.js';
import { parseMigrate } from '../../src/cli/args/migrate.js';
import { parseMount } from '../../src/cli/args/mount.js';
import { parseVDiff } from '../../src/cli/args/vdiff.js';
import { parseWorkflow } from '../../src/cli/args/workflow.js';
import { MigrationError } from '../../src/migration/problem/errors.js';
import { namePattern, splitIdentifier } from '../../src/migration/input/identifier.js';
import {
  completeRequestSchema,
  mountInputSchema,
  parseWith,
  type MountInput,
} from '../../src/migration/input/input.js';
import { quoteName, quoteString } from '../../src/migration/sql/quote.js';
import { JournalStore } from '../../src/effects/journal.js';
import type { Kv } from '../../src/vitess/topology/kv.js';
import { Mounts } from '../../src/vitess/topology/mounts.js';
import { Topology } from '../../src/vitess/topology/topology.js';
import { hostileNames } from '../support/secure/hostile-names.js';

/** How many inputs each property is tried with. */
const numRuns = 2_000;
const check = <T>(arbitrary: fc.Arbitrary<T>, property: (value: T) => void): void =>
  fc.assert(fc.property(arbitrary, property), { numRuns });

const hostile = fc.oneof(fc.constantFrom(...hostileNames), fc.string({ unit: 'binary' }), fc.string());
const identifier = fc.oneof(
  hostile,
  fc.tuple(hostile, hostile).map(([a, b]) => `${a}.${b}`),
  fc.constantFrom('ext1.load', 'commerce.wf'),
);
const mount = fc.oneof(
  fc.record({
    topoType: fc.oneof(hostile, fc.constant('etcd2')),
    topoServer: fc.oneof(
      hostile,
      fc.constant('h:1'),
      hostile.map((host) => `${host}:2379`),
    ),
    topoRoot: fc.oneof(
      hostile,
      hostile.map((root) => `/${root}`),
    ),
  }),
  fc.anything(),
);
const anyInput = fc.oneof(
  fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true, withMap: true }),
  fc.record(
    {
      source: fc.oneof(identifier, fc.anything()),
      target: fc.oneof(identifier, fc.anything()),
      all: fc.oneof(fc.boolean(), fc.anything()),
      tables: fc.oneof(fc.array(hostile), fc.anything()),
      exclude: fc.oneof(fc.array(hostile), fc.anything()),
      cells: fc.oneof(fc.array(hostile), fc.anything()),
      tabletTypes: fc.oneof(fc.array(fc.oneof(hostile, fc.constant('replica'))), fc.anything()),
      mount,
      complete: fc.oneof(hostile, fc.constant('auto')),
      name: hostile,
      action: fc.oneof(hostile, fc.constantFrom('mount', 'unmount', 'show', 'list')),
      config: mount,
      force: fc.anything(),
      dryRun: fc.oneof(fc.boolean(), fc.anything()),
      ['__proto__']: fc.anything(),
      constructor: fc.anything(),
    },
    { requiredKeys: [] },
  ),
);

/** The result, or undefined where it was refused as it has to be. Any other error is a failure. */
function accepted<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof MigrationError && error.code === 'INVALID_INPUT') return undefined;
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}

function expectIdentifier(text: string): void {
  expect(splitIdentifier(text)).toBeDefined();
  for (const part of text.split('.')) expect(part).toMatch(namePattern);
}

function expectServer({ topoServer, topoRoot }: { topoServer: string; topoRoot: string }): void {
  expect(topoServer).toMatch(/^[A-Za-z0-9._:,[\]-]+:\d+$/);
  expect(
    topoRoot
      .split('/')
      .slice(1)
      .every((part) => part !== '' && part !== '.' && part !== '..'),
  ).toBe(true);
}

function expectMount(input: MountInput): void {
  if (input.action !== 'list') expect(input.name).toMatch(namePattern);
  if (input.action === 'mount') expectServer(input.config);
}

describe('the JSON contract: whatever comes is taken or refused, and what is taken is safe', () => {
  test('migrate', () => {
    let taken = 0;
    check(anyInput, (value) => {
      const input = accepted(() => parseWith(migrateContract, value, 'the input'));
      if (input === undefined) return;
      taken++;
      expectIdentifier(input.source);
      expectIdentifier(input.target);
      for (const cell of input.cells ?? []) expect(cell).toMatch(namePattern);
      for (const table of [...(input.tables ?? []), ...input.exclude]) expect(table).not.toContain('\0');
      if (input.mount !== undefined) expectServer(input.mount);
      expect(parseWith(migrateContract, input, 'again')).toEqual(input);
    });
    expect(taken).toBeLessThan(numRuns / 2);
  });

  test('mount', () => {
    check(anyInput, (value) => {
      const input = accepted(() => parseWith(mountInputSchema, value, 'the input'));
      if (input === undefined) return;
      expectMount(input);
    });
  });

  test('complete', () => {
    check(anyInput, (value) => {
      const request = accepted(() => parseWith(completeRequestSchema, value, 'the input'));
      if (request !== undefined) expect(typeof request.force).toBe('boolean');
    });
  });

  test('a valid input with one hostile value: refused, or that value is a table', () => {
    const valid: Record<string, unknown> = {
      source: 'ext1.load',
      target: 'commerce.wf',
      tables: ['t'],
      mount: { topoType: 'etcd2', topoServer: 'h:1', topoRoot: '/r' },
    };
    const fields = Object.keys(migrateContract.def.shape);
    check(
      fc.tuple(fc.constantFrom(...fields), fc.oneof(hostile, fc.array(hostile, { minLength: 1 }))),
      ([field, value]) => {
        const input = accepted(() => parseWith(migrateContract, { ...valid, [field]: value }, 'the input'));
        if (input === undefined) return;
        expectIdentifier(input.source);
        expectIdentifier(input.target);
      },
    );
  });

  test('nothing reaches the prototype of other objects', () => {
    check(anyInput, (value) => {
      accepted(() => parseWith(migrateContract, value, 'the input'));
      expect(Object.keys(Object.prototype)).toEqual([]);
    });
  });
});

describe('the command line: whatever is typed is taken or refused', () => {
  const words = [
    'Create',
    'create',
    'Complete',
    'Cancel',
    'show',
    'register',
    'unregister',
    'list',
    'last',
    'commerce.wf',
    'ext1',
  ];
  const flags = [
    '-source',
    '--source',
    '-all',
    '--tables',
    '-exclude',
    '--cells',
    '-tablet_types',
    '--topo-server',
    '-topo_root',
    '-topo_type',
    '-type',
    '--mount-name',
    '--workflow',
    '--target-keyspace',
    '--name',
    '-dry_run',
    '-json',
    '-watch',
    '-force',
    '-complete',
    '--on-ddl',
    '--',
    '-',
    '---x',
    '-unmount',
    '-list',
  ];
  const token = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...words, ...flags) },
    hostile,
    fc.tuple(fc.constantFrom(...flags), hostile).map(([flag, value]) => `${flag}=${value}`),
    identifier,
  );
  const line = fc.array(token, { maxLength: 10 });

  test('Mount', () => {
    check(line, (argv) => {
      const request = accepted(() => parseMount(argv));
      if (request !== undefined) expectMount(request);
    });
  });

  test.each([
    ['Migrate', parseMigrate],
    ['Workflow', parseWorkflow],
    ['VDiff', parseVDiff],
  ] as const)('%s', (_name, parse: (argv: readonly string[]) => { id: string }) => {
    check(line, (argv) => {
      const request = accepted(() => parse(argv));
      if (request !== undefined) expectIdentifier(request.id);
    });
  });

  test.each(hostileNames)('%j is the name of nothing', (name) => {
    // Blanks around the names of a list are no part of them.
    const cells = namePattern.test(name.trim())
      ? []
      : [['-all', '-cells', name, '-source', 'ext1.load', 'Create', 'commerce.wf']];
    for (const argv of [
      ['-all', '-source', `${name}.load`, 'Create', 'commerce.wf'],
      ['-all', '-source', `ext1.${name}`, 'Create', 'commerce.wf'],
      ['-all', '-source', 'ext1.load', 'Create', `${name}.wf`],
      ['-all', '-source', 'ext1.load', 'Create', `commerce.${name}`],
      ...cells,
      ['Complete', name],
      ['Cancel', `commerce.${name}`],
    ]) {
      expect(
        accepted(() => parseMigrate(argv)),
        argv.join(' '),
      ).toBeUndefined();
    }
    expect(accepted(() => parseMount(['-topo_server', 'h:1', '-topo_root', '/r', name]))).toBeUndefined();
    expect(accepted(() => parseMount(['-topo_server', name, '-topo_root', '/r', 'ext1']))).toBeUndefined();
    expect(
      accepted(() => parseMount(['-topo_server', `user:secret@${name}:1`, '-topo_root', '/r', 'ext1'])),
    ).toBeUndefined();
  });
});

describe('what is made of names', () => {
  test('a quoted name is one name, and no other', () => {
    check(hostile, (name) => {
      const quoted = quoteName(name);
      if (quoted === name) expect(name).toMatch(/^[A-Za-z_][A-Za-z0-9_]*$/);
      else {
        expect(quoted).toMatch(/^`(?:[^`]|``)*`$/);
        expect(quoted.slice(1, -1).replaceAll('``', '`')).toBe(name);
      }
    });
  });

  test('a quoted string is one literal', () => {
    check(hostile, (value) => {
      expect(quoteString(value)).toMatch(/^'(?:[^'\\]|\\[^])*'$/);
    });
  });

  test('a path of the topology has the parts it should have, whatever is accepted as a name', async () => {
    const name = fc.oneof(hostile, fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_-]{0,20}$/));
    const seen: string[] = [];
    const kv: Kv = {
      server: '',
      get: (key) => {
        seen.push(key);
        return Promise.resolve(undefined);
      },
      list: (key) => {
        seen.push(key);
        return Promise.resolve([]);
      },
      heads: () => Promise.resolve([]),
      put: () => Promise.resolve(true),
      delete: () => Promise.resolve(true),
      lock: () => Promise.reject(new Error('unused')),
      close: () => undefined,
    };
    const topology = new Topology('target', 'h:1', '/r', () => kv);
    let tried = 0;
    await fc.assert(
      fc.asyncProperty(name, name, async (keyspace, workflow) => {
        const id = splitIdentifier(`${keyspace}.${workflow}`);
        if (id === undefined) return;
        tried++;
        seen.length = 0;
        await topology.vschema(id[0]);
        await new JournalStore(topology, { keyspace: id[0], workflow: id[1] }).read();
        await new Mounts(topology).get(id[0]);
        await topology.servingShards(id[0]);
        expect(seen).toEqual([
          `/r/keyspaces/${keyspace}/VSchema`,
          `/r/vtmigrate/${keyspace}/${workflow}`,
          `/r/ExternalClusters/vitess/${keyspace}`,
          `/r/keyspaces/${keyspace}/shards/`,
        ]);
        for (const key of seen)
          expect(
            key
              .split('/')
              .slice(1)
              .some((part) => part === '..' || part === '.'),
          ).toBe(false);
      }),
      { numRuns },
    );
    expect(tried).toBeGreaterThan(100);
  });
});
