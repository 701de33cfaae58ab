import type { MountReport } from '../activities/index.js';
import { mountInputSchema, parseWith, type MountInput } from '../migration/input/input.js';
import { quick } from './activities.js';
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

async function act({ action, name = '', config }: MountInput): Promise<MountResult> {
  if (action === 'mount' && config !== undefined) return { mounts: [name], mount: await quick.mount(name, config) };
  if (action === 'show') return { mounts: [name], mount: await quick.showMount(name) };
  if (action === 'unmount') {
    await quick.unmount(name);
    return { mounts: [], mount: null };
  }
  return { mounts: await quick.listMounts(), mount: null };
}
