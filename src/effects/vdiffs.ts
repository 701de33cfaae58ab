import { parseDuration } from '../migration/input/duration.js';
import type { WorkflowIdentifier } from '../migration/input/identifier.js';
import type { MigrateInput } from '../migration/input/input.js';
import { tabletTypes } from '../migration/input/stream-options.js';
import { targetPlace, type Plan } from '../migration/plan/plan.js';
import { isHeldByVDiff, type Stream } from '../migration/watch/stream.js';
import { noVDiffTablet, vdiffTablets } from '../migration/proof/vdiff-tablets.js';
import type { Clients } from '../vitess/clients.js';
import { removeDeadVDiffLocks, vdiffLock, type VDiffLock } from '../vitess/topology/lock.js';
import type { TabletHandle } from '../vitess/tablet/tablet-handle.js';
import type { VDiffOptions } from '../vitess/tablet/vdiffs.js';
import { describeBehind } from './behind.js';
import { sideBySide } from './side-by-side.js';
import { sourceOf } from './source/open-source.js';
import { unlessAway } from './unless-away.js';

/** The VDiff of one lane. */
export interface VDiffLane {
  workflow: string;
  uuid: string;
}

/** The VDiff of a lane on one target shard. */
export interface ShardVDiff extends VDiffLane {
  shard: string;
}

/** VDiffs of workflows. Each takes the named lock of its workflow itself while it begins: only `make` needs ours. */
export const vdiffs = {
  /** Those that are not there. */
  async lacking(clients: Clients, keyspace: string, wanted: readonly ShardVDiff[]): Promise<ShardVDiff[]> {
    const there = await sideBySide(wanted, async ({ shard, workflow, uuid }) => {
      const tablet = await clients.primary(clients.target, keyspace, shard);
      return (await tablet.vdiffs(workflow, keyspace)).some((each) => each.uuid === uuid);
    });
    return wanted.filter((_, index) => there[index] !== true);
  },

  /**
   * How VDiffs are to be run now.
   * @param again an earlier one has ended without a verdict
   * @returns `why` it reads primaries first although nobody has asked for it; null when it does not
   * @throws MigrationError NO_VDIFF_TABLET
   */
  async choose(
    clients: Clients,
    { input, plan }: { input: MigrateInput; plan: Plan },
    again: boolean,
  ): Promise<{ options: VDiffOptions; why: string | null }> {
    await refuseWithoutTablet(clients, { input, plan });
    const { tabletTypes: types, why } = vdiffTablets(input, await targetBehind(clients, plan), again);
    return { options: vdiffOptions(input, await cellsNow(clients, input, plan), types), why };
  },

  /**
   * Of the streams of a shard, those that are still held for a VDiff although none of their workflow runs. Vitess
   * forgets them when it cannot start them after it has its snapshots (`restartTargetVReplicationStreams`).
   */
  async left(tablet: TabletHandle, keyspace: string, streams: readonly Stream[]): Promise<Stream[]> {
    const left: Stream[] = [];
    for (const workflow of new Set(streams.filter(isHeldByVDiff).map((stream) => stream.workflow))) {
      if ((await tablet.vdiffs(workflow, keyspace)).some(({ underWay }) => underWay)) continue;
      // One that has ended meanwhile has started them.
      left.push(...(await tablet.streams([workflow])).filter(isHeldByVDiff));
    }
    return left;
  },

  /** Starts VDiffs. To be called under the named locks of their lanes, for which they wait. */
  async make(
    clients: Clients,
    keyspace: string,
    wanted: readonly ShardVDiff[],
    options: VDiffOptions,
    beforeEffect: () => Promise<void>,
  ): Promise<void> {
    const made = await sideBySide(wanted, async (each) => ({
      ...each,
      tablet: await clients.primary(clients.target, keyspace, each.shard),
    }));
    await beforeEffect();
    await sideBySide(made, ({ tablet, workflow, uuid }) => tablet.createVDiff(workflow, keyspace, uuid, options));
  },

  /** The lock on a workflow's name, if a VDiff holds it. */
  lock(clients: Clients, id: WorkflowIdentifier): Promise<VDiffLock | undefined> {
    return vdiffLock(clients.target, id);
  },

  /** Removes a lock whose holder is gone. The VDiffs that wait for it go on. */
  async removeLock(clients: Clients, { entry }: VDiffLock): Promise<void> {
    await clients.target.kv.delete(entry.key, entry.revision);
  },

  /**
   * Deletes every VDiff of workflows on every serving shard, which also releases the named lock that a hanging
   * one holds, and removes the locks of VDiffs whose tablets have died.
   */
  async undo(clients: Clients, keyspace: string, workflows: readonly string[]): Promise<void> {
    const shards = await clients.target.servingShards(keyspace);
    await sideBySide(shards, async ({ name }) => {
      const tablet = await clients.primary(clients.target, keyspace, name);
      await tablet.deleteVDiffs(workflows, keyspace);
    });
    await Promise.all(workflows.map((workflow) => removeDeadVDiffLocks(clients.target, { keyspace, workflow })));
  },
};

/**
 * Each shard of both sides must have a tablet of the types that VDiff was told to read.
 * @throws MigrationError NO_VDIFF_TABLET
 */
export async function refuseWithoutTablet(
  clients: Clients,
  { input, plan }: { input: MigrateInput; plan: Plan },
): Promise<void> {
  const { cells, vdiffTabletTypes: types } = input;
  if (types === undefined) return;
  const source = await sourceOf(clients, plan);
  for (const [shard, found] of Object.entries(await source.tabletCells(types)))
    if (!found.some((cell) => cells?.includes(cell) ?? true)) throw noVDiffTablet(types, source.place({ shard }));
  for (const { name: shard } of plan.target.shards) {
    const tablets = await clients.tablets(clients.target, plan.target.keyspace, shard);
    if (!tablets.some(({ type }) => types.some((each) => each === type)))
      throw noVDiffTablet(types, targetPlace(plan, { shard }));
  }
}

/** The cells in which a VDiff may read, as the tablets are now. */
async function cellsNow(
  clients: Clients,
  input: MigrateInput,
  plan: Plan,
): Promise<{ source: string; target: string }> {
  const source = await sourceOf(clients, plan);
  const found = await unlessAway(async () => Object.values(await source.tabletCells(tabletTypes)).flat());
  const sourceCells = input.cells ?? [...new Set([...(found ?? []), ...plan.source.cells])].sort();
  const targetCells = (await unlessAway(() => clients.target.cells())) ?? plan.target.cells;
  return { source: sourceCells.join(','), target: targetCells.join(',') };
}

/** Which replica of the target is far behind, in words. What cannot be told does not keep a VDiff from being tried. */
async function targetBehind(clients: Clients, { target }: Plan): Promise<string | null> {
  for (const { name } of target.shards) {
    const tablets = await unlessAway(() => clients.tablets(clients.target, target.keyspace, name));
    const words = await describeBehind((tablets ?? []).filter(({ type }) => type === 'REPLICA' || type === 'RDONLY'));
    if (words !== null) return words;
  }
  return null;
}

/** The defaults of `vtctldclient VDiff create`, but for what was asked for, and with no retry of its own. */
function vdiffOptions(
  { vdiffWaitTime }: MigrateInput,
  cells: { source: string; target: string },
  types: string,
): VDiffOptions {
  return {
    pickerOptions: { tabletTypes: types, sourceCell: cells.source, targetCell: cells.target },
    coreOptions: {
      autoRetry: false,
      maxRows: 9_223_372_036_854_775_807n,
      samplePct: 100n,
      timeoutSeconds: BigInt(Math.ceil(parseDuration(vdiffWaitTime) / 1_000)),
      maxExtraRowsToCompare: 1000n,
    },
    reportOptions: { format: 'json', maxSampleRows: 10n, rowDiffColumnTruncateAt: 128n },
  };
}
