import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { migrateFlags } from '../../src/cli/args/migrate-flags.js';
import { refusedFlags, unsupportedFlags } from '../../src/cli/args/unsupported-flags.js';
import { migrateInputSchema, parseWith } from '../../src/migration/input/input.js';
import { defaultOf, type Option } from '../../src/migration/input/option.js';
import { fieldsOf, keptFields, options } from '../../src/migration/input/options.js';
import { streamOptionsOf } from '../../src/migration/input/stream-options.js';

const document = readFileSync(new URL('../../docs/input.md', import.meta.url), 'utf8');

/** The row of an option, as docs/input.md has to show it. */
function row(field: keyof typeof options): string {
  const option: Option = options[field];
  const meaning = option.about.replaceAll(/docs\/([\w-]+)\.md/g, '[$1]($1.md)');
  return `| \`${field}\` | ${option.kind.json} | ${defaultColumn(option)} | ${meaning} |`;
}

function defaultColumn(option: Option): string {
  const value = defaultOf(option);
  if (value !== undefined) return `\`${JSON.stringify(value)}\``;
  return option.schema.safeParse(undefined).success ? (option.absent ?? '') : 'required';
}

describe('docs/input.md', () => {
  it('has a row for each option of Create, in the order of the declarations', () => {
    const rows = document.split('\n').filter((line) => /^\| `\w+` \| .* \| .* \| .* \|$/.test(line));
    expect(rows).toEqual(fieldsOf('Create').map(row));
  });

  it('names the fields of the payloads of complete, updateOptions and adopt', () => {
    const payload = /^\| `complete` \| none, or any of (.*), which win/m.exec(document)?.[1];
    expect(payload?.match(/\w+/g)?.sort()).toEqual([...fieldsOf('Complete')].sort());
    const update = /^\| `updateOptions` \| any of (.*?) \|/m.exec(document)?.[1];
    expect(update?.match(/\w+/g)?.sort()).toEqual([...fieldsOf('Update')].sort());
    const adopt = /Optional with `complete`:\s([^;]*);/.exec(document)?.[1];
    expect(adopt?.match(/\w+/g)?.sort()).toEqual(
      fieldsOf('Adopt')
        .filter((field) => field !== 'source' && field !== 'target')
        .sort(),
    );
  });
});

describe('the options', () => {
  it('have flags with one meaning each, none of which is refused as unsupported', () => {
    const names = migrateFlags.known.flatMap(({ name, aliases }) => [name, ...(aliases ?? [])]);
    expect(new Set(names).size).toBe(names.length);
    expect([...unsupportedFlags, ...Object.keys(refusedFlags)].filter((name) => names.includes(name))).toEqual([]);
    for (const field of fieldsOf('Create').filter((each) => each !== 'target' && each !== 'mount'))
      expect(options[field], field).toHaveProperty('flag');
  });

  it('show the default of the schema in the help', () => {
    const shown = Object.fromEntries(migrateFlags.known.map((flag) => [flag.name, flag.default]));
    expect(shown).toMatchObject({
      all: 'false',
      exclude: 'none',
      cells: 'every cell with a fitting tablet',
      'tablet-types': 'in_order:REPLICA,PRIMARY',
      'auto-start': 'true',
      'on-ddl': 'IGNORE',
      'vdiff-max-age': '24h',
      'source-tables': 'keep; for Complete, what Create was given',
      force: 'false',
    });
    expect(shown['tables']).toBeUndefined();
  });

  it('of the streams are one value', () => {
    const input = parseWith(
      migrateInputSchema,
      { source: 'ext1.load', target: 'commerce.wf', all: true, onDdl: 'STOP', tabletTypes: ['RDONLY'] },
      'the input',
    );
    expect(streamOptionsOf(input)).toEqual({
      tabletTypes: ['RDONLY'],
      tabletTypesInPreferenceOrder: true,
      autoStart: true,
      stopAfterCopy: false,
      deferSecondaryKeys: true,
      onDdl: 'STOP',
      configOverrides: {},
    });
  });

  it('keep what Create was given, unless Complete names another value', () => {
    expect(keptFields).toEqual([
      'copyHours',
      'maxThreadsRunning',
      'maxReplicationLag',
      'vdiffMaxAge',
      'vdiffTabletTypes',
      'vdiffWaitTime',
      'vdiffStallTimeout',
      'catchUpTimeout',
      'maxReplicationLagAllowed',
      'fenceSource',
      'insideFence',
      'insideFenceTimeout',
      'sourceTables',
      'sourceTablesAfter',
      'initializeTargetSequences',
      'repairFloats',
    ]);
  });
});
