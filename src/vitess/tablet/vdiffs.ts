import type { MessageInitShape } from '@bufbuild/protobuf';
import type { VDiffOptionsSchema } from '../wire/tabletmanagerdata_pb.js';
import type { TabletConnection } from './connection.js';
import { namedRows, type NamedRow } from './rows.js';

/** The options of Vitess's `VDiff create`. */
export type VDiffOptions = MessageInitShape<typeof VDiffOptionsSchema>;

export async function createVDiff(
  tablet: TabletConnection,
  workflow: string,
  keyspace: string,
  uuid: string,
  options: VDiffOptions,
): Promise<void> {
  await tablet.change('VDiff create', (callOptions) =>
    tablet.manager.vDiff({ keyspace, workflow, action: 'create', vdiffUuid: uuid, options }, callOptions),
  );
}

/** Vitess answers a UUID it does not know with an error, so this looks at the list first. */
export async function showVDiff(
  tablet: TabletConnection,
  workflow: string,
  keyspace: string,
  uuid: string,
): Promise<NamedRow[]> {
  const known = await listVDiffs(tablet, workflow, keyspace);
  return known.some((each) => each.uuid === uuid) ? show(tablet, workflow, keyspace, uuid) : [];
}

/** A VDiff, without what it has found. */
export interface ListedVDiff {
  uuid: string;
  /** It runs, or does so as soon as the tablet's engine can. */
  underWay: boolean;
}

/** States of `VDiffState` in which a VDiff is under way. */
const underWay: ReadonlySet<unknown> = new Set(['pending', 'started']);

export async function listVDiffs(tablet: TabletConnection, workflow: string, keyspace: string): Promise<ListedVDiff[]> {
  const rows = await show(tablet, workflow, keyspace, 'all');
  return rows.map((row) => ({ uuid: row['vdiff_uuid'] ?? '', underWay: underWay.has(row['state']) }));
}

async function show(tablet: TabletConnection, workflow: string, keyspace: string, which: string): Promise<NamedRow[]> {
  const { output } = await tablet.ask(
    'VDiff show',
    (options) => tablet.manager.vDiff({ keyspace, workflow, action: 'show', actionArg: which }, options),
    [keyspace, workflow, which].join(' '),
  );
  return namedRows(output);
}

export async function deleteVDiffs(
  tablet: TabletConnection,
  workflows: readonly string[],
  keyspace: string,
): Promise<void> {
  for (const workflow of workflows)
    await tablet.change('VDiff delete', (options) =>
      tablet.manager.vDiff({ keyspace, workflow, action: 'delete', actionArg: 'all' }, options),
    );
}
