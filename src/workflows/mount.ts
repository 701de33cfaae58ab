import type { MountReport } from '../activities/index.js';
import { mountInputSchema, parseWith, type MountInput } from '../migration/input/input.js';
import { mounting, quick } from './activities.js';
import { toWorkflowFailure } from './failures.js';

/** What the workflow `mount` returns: for `list` the names, for `unmount` nothing more than that. */
export interface MountResult {
  mounts: string[];
  mount: MountReport | null;
}

/**
 * Mounts, unmounts, shows or lists external clusters: step 1 of the document by itself.
 * @param rawInput see `mountInputSchema`
 */
export async function mount(rawInput: unknown): Promise<MountResult> {
  try {
    return await act(parseWith(mountInputSchema, rawInput ?? {}, 'the input of the workflow mount'));
  } catch (error) {
    throw toWorkflowFailure(error);
  }
}

async function act(input: MountInput): Promise<MountResult> {
  switch (input.action) {
    case 'mount':
      return { mounts: [input.name], mount: await mounting.mount(input.name, input.config) };
    case 'show':
      return { mounts: [input.name], mount: await quick.showMount(input.name) };
    case 'unmount':
      await mounting.unmount(input.name);
      return { mounts: [], mount: null };
    case 'list':
      return { mounts: await quick.listMounts(), mount: null };
  }
}
