import { mountInputSchema, parseWith, type MountConfig, type MountInput } from '../../migration/input/input.js';
import { topoTypes } from '../../migration/input/kinds.js';
import { UsageError } from '../errors.js';
import type { Help } from './help.js';
import { parseArguments, type Arguments, type FlagSet } from './parse.js';

const mountFlags: FlagSet = {
  known: [
    { name: 'type', takes: '<type>', default: 'vitess', about: 'what kind of cluster it is: vitess', of: ['mount'] },
    {
      name: 'topo-type',
      takes: '<type>',
      default: 'etcd2',
      about: `of its topology server: ${topoTypes.join(', ')}`,
      of: ['mount'],
    },
    {
      name: 'topo-server',
      takes: '<host:port>',
      about: 'its topology server, or several joined by commas',
      of: ['mount'],
    },
    { name: 'topo-root', takes: '<path>', about: 'its global root, for example /vitess/global', of: ['mount'] },
    {
      name: 'name',
      takes: '<name>',
      about: 'the name of the mount, instead of the word',
      of: ['mount', 'show', 'unmount'],
    },
    { name: 'list', default: 'false', about: 'list all mounts' },
    { name: 'show', default: 'false', about: 'show a mount, with the cells and keyspaces found there' },
    { name: 'unmount', default: 'false', about: 'forget a mount' },
  ],
  notYet: ['format'],
};

export const mountHelp: Help = {
  name: 'Mount',
  about: 'Mount makes an external Vitess cluster known under a name.',
  lines: [
    [
      'Mount -type vitess -topo_type etcd2 -topo_server localhost:12379 -topo_root /vitess/global ext1',
      'mount it, after a look at what is there',
    ],
    ['Mount -list', 'names of all mounts'],
    ['Mount -show ext1', 'what it points to, with the cells and keyspaces found there'],
    ['Mount -unmount ext1', 'forget it'],
  ],
  flags: mountFlags,
  notes: [
    'The modern spelling does the same:',
    '  vtmigrate Mount register --name ext1 --topo-type etcd2 --topo-server localhost:12379 --topo-root /vitess/global',
    '  vtmigrate Mount list | show --name ext1 | unregister --name ext1',
  ],
};

const modern = new Map<string, MountInput['action']>([
  ['register', 'mount'],
  ['list', 'list'],
  ['show', 'show'],
  ['unregister', 'unmount'],
]);

/**
 * Parses a command line of `Mount` into the input of the workflow type `mount`.
 * @throws UsageError, MigrationError INVALID_INPUT
 */
export function parseMount(argv: readonly string[]): MountInput {
  const args = parseArguments(argv, mountFlags, 'Mount');
  const { action, words } = actionOf(args);
  args.only(action);
  if (action === 'list') {
    if (words[0] !== undefined) throw new UsageError(`list takes no name: ${words[0]}`);
    return { action };
  }
  const name = nameOf(args, words);
  const input = action === 'mount' ? { action, name, config: configOf(args) } : { action, name };
  return parseWith(mountInputSchema, input, 'Mount');
}

function actionOf(args: Arguments): { action: MountInput['action']; words: readonly string[] } {
  const asked = (['list', 'show', 'unmount'] as const).filter((flag) => args.bool(flag) === true);
  if (asked.length > 1) throw new UsageError(`-${asked.join(' and -')} exclude each other`);
  if (asked[0] !== undefined) return { action: asked[0], words: args.words };
  const action = modern.get(args.words[0]?.toLowerCase() ?? '');
  return action === undefined ? { action: 'mount', words: args.words } : { action, words: args.words.slice(1) };
}

function nameOf(args: Arguments, words: readonly string[]): string {
  const [word, ...more] = words;
  if (more.length > 0) throw new UsageError(`too many words: ${more.join(' ')}. Mount takes one name`);
  if (word !== undefined && args.has('name'))
    throw new UsageError(`${word} and -name both name the mount: give one of them`);
  const name = word ?? args.text('name');
  if (name === undefined)
    throw new UsageError('which mount? Give its name, for example ext1; all options: vtmigrate Mount --help');
  return name;
}

function configOf(args: Arguments): MountConfig {
  const type = args.text('type') ?? 'vitess';
  if (type === 'mysql') throw new UsageError('mysql cluster type not yet supported');
  if (type !== 'vitess') throw new UsageError(`${args.typed('type')} must be vitess, not ${type}`);
  const given = args.text('topo-type') ?? 'etcd2';
  const topoType = topoTypes.find((each) => each === given);
  if (topoType === undefined)
    throw new UsageError(`${args.typed('topo-type')} ${given} is not supported yet: only ${topoTypes.join(', ')}`);
  const [topoServer, topoRoot] = [args.text('topo-server'), args.text('topo-root')];
  if (topoServer === undefined)
    throw new UsageError(
      '-topo_server <host:port> is needed to mount (to look at a mount: vtmigrate Mount -show <name>)',
    );
  if (topoRoot === undefined)
    throw new UsageError('-topo_root <path> is needed to mount, for example -topo_root /vitess/global');
  return { topoType, topoServer, topoRoot };
}
