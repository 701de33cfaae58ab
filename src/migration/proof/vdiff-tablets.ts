import { tabletTypes as everyType } from '../input/stream-options.js';
import type { MigrateInput } from '../input/input.js';
import { MigrationError, type Place } from '../problem/errors.js';

/** The tablets that a VDiff reads on both sides, as Vitess's option for them. */
export interface VDiffTablets {
  tabletTypes: string;
  /** Why primaries are read first although nobody has asked for it, in words; null when they are not. */
  why: string | null;
}

/**
 * Those that the streams read, and others where there is none: on the source, a VDiff waits in vain for a tablet that
 * is further behind than the streams. On the target it does not wait, and what a replica lacks counts as a difference.
 * @param behind which replica of the target is behind, in words
 * @param again an earlier VDiff has ended without a verdict
 */
export function vdiffTablets(
  { tabletTypes, vdiffTabletTypes }: Pick<MigrateInput, 'tabletTypes' | 'vdiffTabletTypes'>,
  behind: string | null,
  again: boolean,
): VDiffTablets {
  if (vdiffTabletTypes !== undefined) return { tabletTypes: inOrder(vdiffTabletTypes), why: null };
  const usual = [...new Set([...tabletTypes, ...everyType])];
  const why = behind ?? (again ? 'a VDiff of replicas has ended without a verdict' : null);
  if (why === null || usual[0] === 'PRIMARY') return { tabletTypes: inOrder(usual), why: null };
  return { tabletTypes: inOrder([...new Set(['PRIMARY', ...usual])]), why };
}

/** A shard that no VDiff could read: Vitess would wait for a tablet of the types that were asked for. */
export function noVDiffTablet(types: readonly string[], place: Place): MigrationError {
  return new MigrationError(
    'NO_VDIFF_TABLET',
    `no tablet of type ${types.join(' or ')}, which VDiff is to read`,
    place,
    'start one, or choose other types (-vdiff_tablet_types, or -tablet_types of VDiff)',
  );
}

function inOrder(types: readonly string[]): string {
  return `in_order:${types.join(',')}`;
}
