import { describe, expect, test } from 'vitest';
import { commandHelp, generalHelp } from '../../src/cli/args/help.js';
import { migrateFlags } from '../../src/cli/args/migrate-flags.js';
import { migrateHelp, parseMigrate } from '../../src/cli/args/migrate.js';
import { mountHelp, parseMount } from '../../src/cli/args/mount.js';
import { refusedFlags } from '../../src/cli/args/unsupported-flags.js';
import { parseVDiff, vdiffHelp } from '../../src/cli/args/vdiff.js';
import { parseWorkflow, workflowHelp } from '../../src/cli/args/workflow.js';
import { migrateInputSchema, parseWith } from '../../src/migration/input/input.js';

/** A command line as a shell splits it: quotes keep blanks together. */
const split = (line: string) => [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');
const migrate = (line: string) => parseMigrate(split(line));
const created = (line: string) => {
  const request = migrate(line);
  if (request.action !== 'Create') throw new Error(request.action);
  return request.input;
};
/** The input with the defaults of the contract. */
const input = (given: object) => parseWith(migrateInputSchema, given, 'input');
/** The payload of a plain Complete. */
const payload = { force: false, dryRun: false };

describe('Create', () => {
  test("the document's own line", () => {
    expect(migrate('-all -source ext1.load Create commerce.wf')).toEqual({
      action: 'Create',
      id: 'commerce.wf',
      input: input({ source: 'ext1.load', target: 'commerce.wf', all: true }),
    });
  });

  const modern = '--workflow wf --target-keyspace commerce create --source-keyspace load --mount-name ext1';
  test.each([
    ['-all -source ext1.load Create commerce.wf', `${modern} --all-tables`],
    ['CREATE -source=ext1.load -all commerce.wf', `${modern} --all-tables=true`],
    [
      "-tables 'customer, order line' -exclude=a -source ext1.load create commerce.wf",
      `${modern} --tables 'customer,order line' --exclude-tables a`,
    ],
    [
      '-all -tablet_types in_order:replica,primary -source ext1.load Create commerce.wf',
      `${modern} --all-tables --tablet-types REPLICA,PRIMARY`,
    ],
    [
      '-all -tablet_types RDONLY -source ext1.load Create commerce.wf',
      `${modern} --all-tables --tablet-types rdonly --tablet-types-in-preference-order=false`,
    ],
    [
      '-all -cells a,b -auto_start=false -stop_after_copy -on-ddl exec -defer-secondary-keys=false -source ext1.load Create commerce.wf',
      `${modern} --all-tables --cells a --cells b --auto-start=false --stop-after-copy --on-ddl EXEC --defer-secondary-keys=false`,
    ],
    [
      '-all -dry_run -complete auto -source ext1.load Create commerce.wf',
      `${modern} --all-tables --dry-run --complete=auto`,
    ],
  ])('%s says the same in both spellings', (old, now) => {
    expect(created(now)).toEqual(created(old));
  });

  test('what was not typed has the default of the contract', () => {
    expect(created('-all -source ext1.load Create commerce.wf')).toMatchObject({
      tabletTypes: ['REPLICA', 'PRIMARY'],
      tabletTypesInPreferenceOrder: true,
      deferSecondaryKeys: true,
      autoStart: true,
      onDdl: 'IGNORE',
      complete: 'signal',
    });
  });

  test('in the old spelling only the prefix makes an order of preference', () => {
    expect(created('-all -tablet_types REPLICA,PRIMARY -source ext1.load Create commerce.wf')).toMatchObject({
      tabletTypes: ['REPLICA', 'PRIMARY'],
      tabletTypesInPreferenceOrder: false,
    });
  });

  test('names of tables may be JSON, and hold blanks, dots and commas', () => {
    expect(created(`-tables '["a,b"," c"]' -source ext1.load Create commerce.wf`).tables).toEqual(['a,b', ' c']);
    expect(created("-tables 'order line,v1.2' -source ext1.load Create commerce.wf").tables).toEqual([
      'order line',
      'v1.2',
    ]);
  });
});

describe('the other actions of Migrate', () => {
  test.each([
    ['Complete commerce.wf', { action: 'Complete', id: 'commerce.wf', payload }],
    [
      '-dry_run -force complete commerce.wf',
      { action: 'Complete', id: 'commerce.wf', payload: { force: true, dryRun: true } },
    ],
    ['--workflow wf --target-keyspace commerce complete', { action: 'Complete', id: 'commerce.wf', payload }],
    [
      '-fence_source -rename_tables --source-tables-after 7d Complete commerce.wf',
      {
        action: 'Complete',
        id: 'commerce.wf',
        payload: { ...payload, fenceSource: true, sourceTables: 'rename', sourceTablesAfter: '7d' },
      },
    ],
    [
      '-keep_data Complete commerce.wf',
      { action: 'Complete', id: 'commerce.wf', payload: { ...payload, sourceTables: 'keep' } },
    ],
    [
      '-keep_data=false Complete commerce.wf',
      { action: 'Complete', id: 'commerce.wf', payload: { ...payload, sourceTables: 'drop' } },
    ],
    [
      '-keep_data=false -rename_tables Complete commerce.wf',
      { action: 'Complete', id: 'commerce.wf', payload: { ...payload, sourceTables: 'rename' } },
    ],
    [
      '-timeout 2m -max_replication_lag_allowed=30s Complete commerce.wf',
      {
        action: 'Complete',
        id: 'commerce.wf',
        payload: { ...payload, catchUpTimeout: '2m', maxReplicationLagAllowed: '30s' },
      },
    ],
    ['Cancel commerce.wf', { action: 'Cancel', id: 'commerce.wf' }],
    ['-w wf --target-keyspace commerce CANCEL', { action: 'Cancel', id: 'commerce.wf' }],
  ])('%s', (line, request) => {
    expect(migrate(line)).toEqual(request);
  });
});

describe('Migrate refuses, before anything is contacted', () => {
  test.each([...migrateFlags.notYet])('-%s by name', (name) => {
    expect(() => migrate(`-${name.replaceAll('-', '_')}=1 -all -source ext1.load Create commerce.wf`)).toThrow(
      `-${name.replaceAll('-', '_')} is not supported yet`,
    );
  });

  test.each(Object.entries(refusedFlags))('-%s, with the reason', (name, reason) => {
    expect(() => migrate(`--${name} -all -source ext1.load Create commerce.wf`)).toThrow(
      `--${name} is refused: ${reason}`,
    );
    expect(reason).toMatch(/Migrate|Complete/);
  });

  test.each([
    [
      'SwitchTraffic commerce.wf',
      /^invalid action for Migrate: switchtraffic\. .*one-way.*no routing rules.*no traffic to switch.*no reverse replication/,
    ],
    ['ReverseTraffic commerce.wf', /^invalid action for Migrate: reversetraffic\. /],
    [
      'Progress commerce.wf',
      /^invalid action for Migrate: progress\. .*one-way.*no reverse replication\. To watch, use vtmigrate Workflow Show commerce\.wf$/,
    ],
    ['show commerce.x', /use vtmigrate Workflow Show commerce\.x$/],
    ['constructor commerce.wf', /^invalid action for Migrate: constructor/],
    ['', /which action\?/],
    ['Complete', /which migration\?.*vtmigrate Migrate Complete commerce\.wf/],
    ['-keep_data -rename_tables Complete commerce.wf', /contradict each other: keep and rename/],
    ['-source_tables=burn Complete commerce.wf', /sourceTables must be one of keep, rename, drop/],
    ['-keep_data Cancel commerce.wf', /-keep_data is not an option of Cancel/],
    ['Complete commerce', /invalid workflow identifier: "commerce"/],
    ['Complete a.b.c', /invalid workflow identifier/],
    ['Complete commerce.wf extra', /too many words: extra/],
    ['Complete commerce.wf --workflow wf', /both name the migration/],
    ['Complete --workflow wf', /-target-keyspace is needed/],
    ['Complete -all commerce.wf', /-all is not an option of Complete: it belongs to Create/],
    ['Cancel -dry_run commerce.wf', /-dry_run is not an option of Cancel/],
    ['-all -a -cells ext -source ext1.load Create commerce.wf', /cells and allCells exclude each other/],
    ['-all -source_time_zone system -source ext1.load Create commerce.wf', /sourceTimeZone must be a time zone/],
    ['-all Create commerce.wf', /-source <mount>\.<keyspace> is needed/],
    ['-all -source load Create commerce.wf', /invalid format for external source cluster: "load"/],
    ['-all -source ext1.load --mount-name ext1 Create commerce.wf', /-source names both the mount and the keyspace/],
    ['-source ext1.load Create commerce.wf', /-all or -tables must be given/],
    ['-source ext1.load -all -tables a Create commerce.wf', /-all and -tables exclude each other/],
    ['-source ext1.load -tables a,,b Create commerce.wf', /-tables contains an empty name: "a,,b"/],
    [
      `-source ext1.load -tables '{"t":{}}' Create commerce.wf`,
      /-tables with a JSON VSchema of tables is not supported yet/,
    ],
    [`-source ext1.load -tables '["a"' Create commerce.wf`, /looks like JSON but is not/],
    [`-source ext1.load -tables '[1]' Create commerce.wf`, /must be a JSON list of names/],
    [
      '-source ext1.load -all -tablet_types in_order:PRIMARY --tablet-types-in-preference-order=false Create commerce.wf',
      /says in_order:/,
    ],
    [
      '-source ext1.load -all -tablet_types SPARE -on-ddl LATER -complete now Create commerce.wf',
      /tabletTypes.*must be one of.*onDdl must be one of.*complete must be/,
    ],
    ['-source ext1.load -all -exclued a Create commerce.wf', /unknown option -exclued: did you mean -exclude\?/],
  ])('%s', (line, message) => {
    expect(() => migrate(line)).toThrow(message);
  });
});

describe('Mount', () => {
  const config = { topoType: 'etcd2', topoServer: 'localhost:12379', topoRoot: '/vitess/global' };
  test.each([
    [
      '-type vitess -topo_type etcd2 -topo_server localhost:12379 -topo_root /vitess/global ext1',
      { action: 'mount', name: 'ext1', config },
    ],
    [
      'register --name ext1 --topo-type etcd2 --topo-server localhost:12379 --topo-root /vitess/global',
      { action: 'mount', name: 'ext1', config },
    ],
    ['-list', { action: 'list' }],
    ['list', { action: 'list' }],
    ['-show ext1', { action: 'show', name: 'ext1' }],
    ['Show --name ext1', { action: 'show', name: 'ext1' }],
    ['-unmount ext1', { action: 'unmount', name: 'ext1' }],
    ['unregister --name ext1', { action: 'unmount', name: 'ext1' }],
  ])('%s', (line, input) => {
    expect(parseMount(split(line))).toEqual(input);
  });

  test.each([
    ['-type mysql ext1', /^mysql cluster type not yet supported$/],
    ['-topo_type consul -topo_server a:1 -topo_root /x ext1', /^-topo_type consul is not supported yet/],
    ['register --name ext1 --topo-type zookeeper', /^--topo-type zookeeper is not supported yet/],
    ['ext1', /-topo_server <host:port> is needed/],
    ['-topo_server nonsense -topo_root /x ext1', /config\.topoServer must be host:port/],
    ['-show', /which mount\?/],
    ['-list ext1', /list takes no name/],
    ['-list -show ext1', /exclude each other/],
    ['-show -topo_root /x ext1', /-topo_root is not an option of show/],
    ['-show a/b', /name must be a name/],
  ])('%s is refused', (line, message) => {
    expect(() => parseMount(split(line))).toThrow(message);
  });
});

describe('Workflow and VDiff', () => {
  test.each(['Show commerce.wf', 'commerce.wf show', '--keyspace commerce show --workflow wf'])(
    'Workflow %s',
    (line) => {
      expect(parseWorkflow(split(line))).toEqual({ action: 'show', id: 'commerce.wf', json: false, watch: false });
    },
  );

  test.each([
    ['Stop commerce.wf', 'pause'],
    ['pause commerce.wf', 'pause'],
    ['commerce.wf start', 'resume'],
    ['--keyspace commerce start --workflow wf', 'resume'],
    ['Resume commerce.wf', 'resume'],
  ])('Workflow %s', (line, action) => {
    expect(parseWorkflow(split(line))).toMatchObject({ action, id: 'commerce.wf' });
    expect(() => parseWorkflow(['-json', ...split(line)])).toThrow(/-json is not an option of .*: it belongs to Show/);
  });

  test('Workflow Show -json -watch', () => {
    expect(parseWorkflow(['-json', 'Show', 'commerce.wf', '--watch'])).toEqual({
      action: 'show',
      id: 'commerce.wf',
      json: true,
      watch: true,
    });
    expect(parseWorkflow(split('-page 3 -format json Show commerce.wf'))).toMatchObject({ page: 3, json: true });
    for (const page of ['0', '-1', 'x', '1.5'])
      expect(() => parseWorkflow([`-page=${page}`, 'Show', 'commerce.wf'])).toThrow(/-page must be a number from 1 on/);
    expect(() => parseWorkflow(split('-page 3 -watch Show commerce.wf'))).toThrow(/exclude each other/);
    expect(() => parseWorkflow(split('-page 3 Stop commerce.wf'))).toThrow(/belongs to Show/);
    expect(() => parseWorkflow(['delete', 'commerce.wf'])).toThrow(/^invalid action for Workflow: delete/);
    expect(() => parseWorkflow([])).toThrow(/which action\?/);
  });

  test.each([
    ['commerce.wf', 'create'],
    ['--workflow wf --target-keyspace commerce create', 'create'],
    ['create commerce.wf', 'create'],
    ['--workflow wf --target-keyspace commerce show', 'show'],
    ['--workflow wf --target-keyspace commerce show last', 'show'],
  ])('VDiff %s', (line, action) => {
    expect(parseVDiff(split(line))).toEqual({ action, id: 'commerce.wf', json: false, payload: null });
  });

  test.each([
    ['-tablet_types PRIMARY,replica Update commerce.wf', { tabletTypes: ['PRIMARY', 'REPLICA'], inOrder: false }],
    ['-tablet_types in_order:RDONLY commerce.wf update', { tabletTypes: ['RDONLY'], inOrder: true }],
    ['--keyspace commerce update --workflow wf --tablet-types RDONLY', { tabletTypes: ['RDONLY'], inOrder: true }],
  ])('Workflow %s', (line, { tabletTypes, inOrder }) => {
    expect(parseWorkflow(split(line))).toEqual({
      action: 'update',
      id: 'commerce.wf',
      payload: { tabletTypes, tabletTypesInPreferenceOrder: inOrder },
    });
  });

  test('Workflow Update changes what is named', () => {
    const line =
      '-cells a,b -on_ddl stop -vdiff_tablet_types primary -vdiff_wait_time 2m -vdiff_stall_timeout 1h -timeout 5m ' +
      '-vdiff-max-age 7d Update commerce.wf';
    expect(parseWorkflow(split(line))).toEqual({
      action: 'update',
      id: 'commerce.wf',
      payload: {
        cells: ['a', 'b'],
        onDdl: 'STOP',
        vdiffTabletTypes: ['PRIMARY'],
        vdiffWaitTime: '2m',
        vdiffStallTimeout: '1h',
        catchUpTimeout: '5m',
        vdiffMaxAge: '7d',
      },
    });
  });

  test.each([
    ['Update commerce.wf', /names no option: it takes cells, tabletTypes/],
    ['-tablet_types SPARE Update commerce.wf', /tabletTypes.0 must be one of PRIMARY, REPLICA, RDONLY/],
    ['-timeout 2h Update commerce.wf', /catchUpTimeout must be a duration from 1s to 30m/],
    ['-timeout 0s Update commerce.wf', /catchUpTimeout must be a duration from 1s to 30m/],
    ['-vdiff_stall_timeout soon Update commerce.wf', /vdiffStallTimeout must be a duration from 10s to 7d/],
    ['-cells zone1 Stop commerce.wf', /-cells is not an option of Stop: it belongs to Update/],
    ['-config_overrides a=b Update commerce.wf', /names a, which is none of vreplication-/],
    ['-config_overrides a Update commerce.wf', /-config_overrides takes names with values, such as a=1: a/],
    [
      '-config_overrides vreplication-parallel-insert-workers=x Update commerce.wf',
      /takes a number for vreplication-parallel-insert-workers, not "x"/,
    ],
  ])('Workflow %s is refused', (line, message) => {
    expect(() => parseWorkflow(split(line))).toThrow(message);
  });

  test('VDiff may name its tablets and its time', () => {
    const line = '-tablet_types in_order:PRIMARY,RDONLY -filtered_replication_wait_time 2m commerce.wf';
    expect(parseVDiff(split(line))).toMatchObject({
      payload: { vdiffTabletTypes: ['PRIMARY', 'RDONLY'], vdiffWaitTime: '2m' },
    });
  });

  test.each([
    ['--wait --format json create commerce.wf', 'create', true],
    ['--format=TEXT show last commerce.wf', 'show', false],
    ['-json --format=json show commerce.wf', 'show', true],
  ])('VDiff %s', (line, action, json) => {
    expect(parseVDiff(split(line))).toMatchObject({ action, id: 'commerce.wf', json });
  });

  test.each([
    ['--workflow wf --target-keyspace commerce', /needs create or show/],
    ['-tablet_types PRIMARY show commerce.wf', /Show compares nothing/],
    ['--workflow wf --target-keyspace commerce resume', /invalid action for VDiff: resume/],
    ['stop commerce.wf', /invalid action for VDiff: stop/],
    ['-wait=false commerce.wf', /VDiff waits for the result; Ctrl-C ends the wait, not the VDiff/],
    ['-format xml commerce.wf', /-format must be text or json, not xml/],
    ['-format text -json show commerce.wf', /-format text and -json=true contradict each other/],
    ['-v1 commerce.wf', /-v1 is refused: the first VDiff is in no Vitess any more/],
    ['-only_pks commerce.wf', /-only_pks is not supported yet/],
    ['', /which migration\?/],
  ])('VDiff %s is refused', (line, message) => {
    expect(() => parseVDiff(split(line))).toThrow(message);
  });
});

test('help names every option, its default, and what is not there yet', () => {
  const help = commandHelp(migrateHelp);
  for (const flag of migrateFlags.known) expect(help).toContain(`-${flag.name}`);
  for (const name of [...migrateFlags.notYet, ...Object.keys(refusedFlags)]) expect(help).toContain(`-${name}`);
  expect(help).toMatch(/-tablet-types .*default in_order:REPLICA,PRIMARY/);
  expect(generalHelp([mountHelp, migrateHelp, workflowHelp, vdiffHelp])).toContain(
    'vtmigrate Migrate -all -source ext1.load Create commerce.wf',
  );
});
