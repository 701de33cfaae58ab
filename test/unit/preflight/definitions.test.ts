import { describe, expect, it } from 'vitest';
import type { ConstraintFacts } from '../../../src/migration/plan/table-facts.js';
import type { Facts } from '../../../src/migration/preflight/facts.js';
import { ask, halves, planned, said, source, sourcePlace, table, target, targetPlace, unsharded } from './facts.js';

/** A definition as MySQL writes it, of these lines. */
const defined = (name: string, ...lines: string[]) =>
  `CREATE TABLE \`${name}\` (\n${lines.map((line) => `  ${line}`).join(',\n')}\n) ENGINE=InnoDB`;

/** A plan of these tables. */
function planOf(definitions: Record<string, string>, to: Parameters<typeof target>[2] = {}, changes = {}) {
  const from = source({ tables: Object.keys(definitions) });
  for (const { tables } of from.sourceSchemas) for (const each of tables) each.ddl = definitions[each.name] ?? '';
  return planned({ ...from, ...target(unsharded, undefined, to) }, changes);
}

const id = '`id` bigint NOT NULL';
const tables = {
  keyed: defined('keyed', id, 'PRIMARY KEY (`id`)'),
  telling: defined('telling', id, 'UNIQUE KEY `u` (`id`)'),
  nullable: defined('nullable', '`id` bigint DEFAULT NULL', 'UNIQUE KEY `u` (`id`)'),
  keyless: defined('keyless', id),
};

describe('sql_require_primary_key', () => {
  const check = 'primary-key-required';
  const servers = (value: string): Facts['targetServers'] => [
    { place: targetPlace, variables: { sql_require_primary_key: value } },
  ];
  const there = (...uniqueKeys: string[]): Facts['targetDetails'] => [
    {
      place: targetPlace,
      shard: '0',
      tables: [
        table({ name: 'telling', uniqueKeys: uniqueKeys.map((name) => ({ name, columns: ['id'], notNull: true })) }),
      ],
    },
  ];
  const isOn = (name: string) =>
    `${check}: table ${name} has no primary key, and sql_require_primary_key is ON in the target`;

  it.each([
    {
      what: 'ON',
      facts: { ...planOf(tables), targetServers: servers('ON'), targetDetails: [] },
      says: [
        `${isOn('telling')}: a stream cannot defer its unique key`,
        `${isOn('nullable')}: it cannot be created`,
        `${isOn('keyless')}: it cannot be created`,
      ],
    },
    { what: 'OFF', facts: { ...planOf(tables), targetServers: servers('OFF'), targetDetails: [] }, says: [] },
    {
      what: 'a MySQL without it',
      facts: { ...planOf(tables), targetServers: [{ place: targetPlace, variables: {} }], targetDetails: [] },
      says: [],
    },
    {
      what: 'a unique key that is not deferred',
      facts: {
        ...planOf({ telling: tables.telling }, {}, { deferSecondaryKeys: false }),
        targetServers: servers('ON'),
        targetDetails: [],
      },
      says: [],
    },
    {
      what: 'tables that are there',
      facts: {
        ...planOf(tables, { tables: ['telling', 'nullable', 'keyless'] }),
        targetServers: servers('ON'),
        targetDetails: there('PRIMARY', 'u'),
      },
      says: [],
    },
    {
      what: 'a table that is there without a primary key',
      facts: {
        ...planOf(tables, { tables: ['telling', 'nullable', 'keyless'] }),
        targetServers: servers('ON'),
        targetDetails: there('u'),
      },
      says: [`${isOn('telling')}: a stream cannot defer its unique key`],
    },
  ])('$what', ({ facts, says }) => {
    expect(said(ask([check], facts))).toEqual(says);
  });

  it('is looked at on each shard that has to make the table', () => {
    const vschema = { sharded: true, vindexes: {}, tables: {} };
    const facts = planned({ ...source({ tables: ['t'] }), ...target(vschema, halves) });
    for (const { tables: each } of facts.sourceSchemas) for (const one of each) one.ddl = tables.keyless;
    const at = (shard: string, value: string) => ({
      place: { ...targetPlace, shard },
      variables: { sql_require_primary_key: value },
    });
    const found = ask([check], { ...facts, targetServers: [at('-80', 'OFF'), at('80-', 'ON')], targetDetails: [] });
    expect(found.map(({ place }) => place)).toEqual([{ ...targetPlace, shard: '80-', table: 't' }]);
  });
});

describe('invisible primary keys', () => {
  const on = (value: string): Facts['targetServers'] => [
    { place: targetPlace, variables: { sql_generate_invisible_primary_key: value } },
  ];
  const shown = (...values: string[]): Facts['sourceServers'] =>
    values.map((value) => ({
      place: sourcePlace,
      variables: { show_gipk_in_create_table_and_information_schema: value },
    }));

  it('are not made on the target', () => {
    const check = 'invisible-primary-key';
    expect(said(ask([check], { ...planOf(tables), targetServers: on('ON') }))).toEqual([
      `${check}: sql_generate_invisible_primary_key is ON in the target, and tables are created as they are in the ` +
        'source, without such a key: nullable, keyless',
    ]);
    expect(ask([check], { ...planOf(tables), targetServers: on('OFF') })).toEqual([]);
    const there = planOf(tables, { tables: ['nullable', 'keyless'] });
    expect(ask([check], { ...there, targetServers: on('ON') })).toEqual([]);
  });

  it('may be hidden by the source', () => {
    const check = 'hidden-primary-key';
    const found = (servers: Facts['sourceServers']) =>
      said(ask([check], { ...planOf(tables), sourceServers: servers }));
    expect(found(shown('ON'))).toEqual([]);
    expect(found([{ place: sourcePlace, variables: {} }])).toEqual([]);
    expect(found(shown('ON', 'OFF'))).toEqual([
      expect.stringMatching(/^hidden-primary-key: table nullable has no primary key, or an invisible one/),
      expect.stringMatching(/^hidden-primary-key: table keyless has no primary key, or an invisible one/),
    ]);
  });
});

describe('names of constraints', () => {
  const check = 'constraint-name';
  const from = {
    stock: defined('stock', id, 'PRIMARY KEY (`id`)', 'CONSTRAINT `qty_é` CHECK ((`id` > 0))'),
    child: defined('child', id, 'KEY `fk` (`id`)', 'CONSTRAINT `fk_é` FOREIGN KEY (`id`) REFERENCES `stock` (`id`)'),
  };
  const taken = (...constraints: ConstraintFacts[]): Facts['targetConstraints'] => [
    { place: targetPlace, constraints },
  ];
  const found = (to: Facts['targetConstraints'], there: string[] = []) =>
    said(ask([check], { ...planOf(from, { tables: there }), targetConstraints: to }));

  it.each<{ what: string; to: ConstraintFacts[]; says: string[] }>([
    { what: 'free', to: [{ table: 'old', name: 'other', type: 'CHECK' }], says: [] },
    {
      what: 'a CHECK, in other case',
      to: [{ table: 'old', name: 'QTY_É', type: 'CHECK' }],
      says: [
        `${check}: table stock cannot be created: the name of its CHECK constraint \`qty_é\` ` +
          'is taken by table old of the target',
      ],
    },
    { what: 'a CHECK without the accent', to: [{ table: 'old', name: 'qty_e', type: 'CHECK' }], says: [] },
    {
      what: 'a FOREIGN KEY, without the accent',
      to: [{ table: 'old', name: 'FK_E', type: 'FOREIGN KEY' }],
      says: [
        `${check}: table child cannot be created: the name of its FOREIGN KEY constraint \`fk_é\` ` +
          'is taken by table old of the target',
      ],
    },
    {
      what: 'a name of the other kind',
      to: [
        { table: 'old', name: 'fk_é', type: 'CHECK' },
        { table: 'old', name: 'qty_é', type: 'FOREIGN KEY' },
      ],
      says: [],
    },
  ])('$what', ({ to, says }) => {
    expect(found(taken(...to))).toEqual(says);
  });

  it('of a table that is there are its own, and may be in the way of another one', () => {
    expect(found(taken({ table: 'stock', name: 'qty_é', type: 'CHECK' }), ['stock'])).toEqual([]);
    expect(found(taken({ table: 'stock', name: 'fk_é', type: 'FOREIGN KEY' }), ['stock'])).toEqual([
      expect.stringMatching(/table child .* is taken by table stock/),
    ]);
  });
});

describe('names in lower case', () => {
  const servers = (mode: string, place = targetPlace) => [{ place, variables: { lower_case_table_names: mode } }];
  const found = (mode: string, ...names: string[]) =>
    said(
      ask(['table-name-case'], {
        ...planOf(Object.fromEntries(names.map((name) => [name, '']))),
        targetServers: servers(mode),
      }),
    );

  it.each([
    { mode: '0', names: ['Mixed', 'mixed'], says: [] },
    { mode: '1', names: ['mixed', 'other'], says: [] },
    {
      mode: '1',
      names: ['Mixed', 'other'],
      says: ['lower_case_table_names is 1 in the target: table Mixed would be mixed there, where no stream finds it'],
    },
    {
      mode: '1',
      names: ['Mixed', 'mixed'],
      says: [
        'lower_case_table_names is 1 in the target: tables Mixed and mixed would be one',
        'lower_case_table_names is 1 in the target: tables mixed and Mixed would be one',
      ],
    },
    { mode: '2', names: ['Mixed', 'other'], says: [] },
    {
      mode: '2',
      names: ['Mixed', 'miXed'],
      says: [
        'lower_case_table_names is 2 in the target: tables Mixed and miXed would be one',
        'lower_case_table_names is 2 in the target: tables miXed and Mixed would be one',
      ],
    },
  ])('$mode: $names', ({ mode, names, says }) => {
    expect(found(mode, ...names)).toEqual(says.map((text) => `table-name-case: ${text}`));
  });

  it.each([
    ['0', '1', []],
    ['1', '1', []],
    ['1', '0', [expect.stringMatching(/^table-name-case-differs: lower_case_table_names is 1 in the source and 0 in/)]],
  ])('%s in the source and %s in the target', (from, to, says) => {
    const facts = { sourceServers: servers(from, sourcePlace), targetServers: servers(to) };
    expect(said(ask(['table-name-case-differs'], facts))).toEqual(says);
  });
});
