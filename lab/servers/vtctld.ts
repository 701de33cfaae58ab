import { chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { binaries } from '../install.js';
import { stagePrograms } from '../folder.js';
import { NOBODY } from '../process.js';
import type { Site } from '../site.js';
import { topologyFlags, type VitessContext } from './vitess.js';

const HOST = '127.0.0.1';

/** Starts a vtctld, on loopback only; answers its address for `vtctldclient`, which itself cannot speak TLS to etcd. */
export async function startVtctld(site: Site, context: VitessContext): Promise<string> {
  const folder = join(site.folder, 'vtctld');
  await mkdir(folder, { recursive: true });
  if (process.getuid?.() === 0) await chown(folder, NOBODY, NOBODY);
  const [program] = await stagePrograms([binaries().vtctld], `${site.folder}/bin`);
  const port = await site.ports.take();
  const grpcPort = await site.ports.take();
  await site.start({
    name: `vtctld ${context.cell}`,
    command: program ?? binaries().vtctld,
    args: [
      ...topologyFlags(context),
      ...(context.security?.managerClient ?? []),
      '--cell',
      context.cell,
      '--port',
      String(port),
      '--grpc-port',
      String(grpcPort),
      '--bind-address',
      HOST,
      '--grpc-bind-address',
      HOST,
      '--service-map',
      'grpc-vtctld',
      '--onterm-timeout',
      '1s',
    ],
    env: { VTDATAROOT: folder },
    cwd: folder,
    log: join(folder, 'vtctld.log'),
    unprivileged: true,
    needsOthers: true,
    ready: async () => (await fetch(`http://${HOST}:${port}/debug/vars`)).ok,
  });
  return `${HOST}:${grpcPort}`;
}
