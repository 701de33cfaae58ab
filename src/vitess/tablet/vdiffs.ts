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
  return known.includes(uuid) ? show(tablet, workflow, keyspace, uuid) : [];
}

export async function listVDiffs(tablet: TabletConnection, workflow: string, keyspace: string): Promise<string[]> {
  const rows = await show(tablet, workflow, keyspace, 'all');
  return rows.flatMap((row) => row['vdiff_uuid'] ?? []);
}

/** `VDiffState`: one of these runs, or runs as soon as the tablet's engine can. */
const underWay: ReadonlySet<unknown> = new Set(['pending', 'started']);

export async function isVDiffUnderWay(tablet: TabletConnection, workflow: string, keyspace: string): Promise<boolean> {
  const rows = await show(tablet, workflow, keyspace, 'all');
  return rows.some(({ state }) => underWay.has(state));
}

async function show(tablet: TabletConnection, workflow: string, keyspace: string, which: string): Promise<NamedRow[]> {
  const { output } = await tablet.ask('VDiff show', (options) =>
    tablet.manager.vDiff({ keyspace, workflow, action: 'show', actionArg: which }, options),
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
