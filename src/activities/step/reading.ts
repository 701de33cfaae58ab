import type { MigrationRecord } from '../../effects/journal.js';
import { sourceOf } from '../../effects/source/open-source.js';
import { streams } from '../../effects/streams.js';
import { unlessAway } from '../../effects/unless-away.js';
import { readingFrom } from '../../migration/plan/reading.js';
import type { LockedStep, Step } from './step.js';

/** Makes the streams look for tablets in the cells that have some now, unless a person has chosen the cells. */
export async function followTablets(step: LockedStep): Promise<void> {
  const record = await step.journals.requireRecord(step.ref.runId);
  if (record.input.cells !== undefined || record.input.allCells) return;
  const followed = await unlessAway(() => withTabletCells(step, record));
  if (followed === undefined || followed.plan.source.cells.join() === record.plan.source.cells.join()) return;
  await writeRecord(step, followed);
}

/**
 * Writes the record and makes the streams as it says. Streams last: an attempt that was cut off before finds in the
 * record what they are to be like.
 */
export async function writeRecord(step: LockedStep, record: MigrationRecord): Promise<void> {
  const { clients, journals, ref } = step;
  const { target } = record.plan;
  await step.beforeEffect();
  await journals.amendRecord(ref.runId, () => record);
  for (const shard of target.shards) {
    const tablet = await clients.primary(clients.target, target.keyspace, shard.name);
    await streams.change(step, record.plan, shard, tablet);
  }
}

/**
 * The record with the cells in which its streams find tablets now.
 * @throws MigrationError NO_SOURCE_TABLET
 */
export async function withTabletCells(step: Step, record: MigrationRecord): Promise<MigrationRecord> {
  const source = await sourceOf(step.clients, record.plan);
  return readingFrom(record, await source.tabletCells(record.plan.stream.tabletTypes), source.place());
}
