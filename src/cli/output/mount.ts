import type { MountInput } from '../../migration/input/input.js';
import type { MountResult } from '../../workflows/mount.js';

/** The result of a `Mount`, for a person. */
export function renderMount(input: MountInput, { mounts, mount }: MountResult): string[] {
  switch (input.action) {
    case 'list':
      return mounts.length === 0 ? ['no external cluster is mounted'] : mounts;
    case 'unmount':
      return [`Unmounted ${input.name}`];
    case 'mount':
      return [`Mounted ${input.name} (vitess)`, ...facts(mount)];
    case 'show':
      return [`${input.name} (vitess)`, ...facts(mount)];
  }
}

function facts(mount: MountResult['mount']): string[] {
  if (mount === null) return [];
  return [
    `  topology:  ${mount.topoType} ${mount.topoServer}, root ${mount.topoRoot}`,
    `  cells:     ${mount.cells.join(', ')}`,
    `  keyspaces: ${mount.keyspaces.join(', ')}`,
  ];
}
