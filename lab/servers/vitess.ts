import { binaries } from '../install.js';
import { stagePrograms } from '../folder.js';
import { run, type Outcome } from '../run.js';
import type { SecurityFlags } from '../security.js';

/** What every Vitess program of one cluster has to know. */
export interface VitessContext {
  cell: string;
  topoServer: string;
  topoRoot: string;
  vttablet: string;
  vtgate: string;
  vtctldclient: string;
  /** Where the cluster lets in by certificate only. */
  security?: SecurityFlags;
  /** A vtctld for `vtctldclient`; without one it does the work itself. */
  vtctld?: string;
}

/** The Vitess programs for a cluster, with its topology; `folder` gets links to the programs. */
export async function vitessContext(
  folder: string,
  topology: { cell: string; topoServer: string; topoRoot: string; security?: SecurityFlags },
): Promise<VitessContext> {
  const { vttablet, vtgate, vtctldclient } = binaries();
  const [tablet, gate] = await stagePrograms([vttablet, vtgate], folder);
  return { ...topology, vttablet: tablet ?? vttablet, vtgate: gate ?? vtgate, vtctldclient };
}

/** The flags that name the topology, the same for all programs. */
export function topologyFlags(context: VitessContext): string[] {
  return [
    '--topo-implementation',
    'etcd2',
    '--topo-global-server-address',
    context.topoServer,
    '--topo-global-root',
    context.topoRoot,
    ...(context.security?.topology ?? []),
  ];
}

/** Runs `vtctldclient`; answers its exit code whatever it is. */
export function vtctldclient(context: VitessContext, args: string[]): Promise<Outcome> {
  const server =
    context.vtctld === undefined ? ['--server', 'internal', ...topologyFlags(context)] : ['--server', context.vtctld];
  return run(context.vtctldclient, [...server, ...args]);
}

/** Runs a `vtctldclient` command that has to succeed. */
export async function mustVtctldclient(context: VitessContext, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await vtctldclient(context, args);
  if (code !== 0) throw new Error(`vtctldclient ${args.join(' ')} failed (exit code ${code}): ${stderr.trim()}`);
  return stdout;
}
