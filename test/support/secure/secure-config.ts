import type { AccessText } from '../../../src/config/access.js';
import { secrets, type SecureLab } from './secure-lab.js';

/** The configuration file of a worker. */
export interface ConfigFile {
  topoServer: string;
  topoRoot: string;
  vtgate: string;
  clusters: {
    target: { etcd: AccessText; tablets: AccessText; vtgate: AccessText };
    ext1: { etcd: AccessText; tablets: AccessText };
  };
}

/** A configuration with which everything is let in. */
export function rightConfig({
  target,
  certificates: { worker, source: sourceAuthority, target: targetAuthority },
}: SecureLab): ConfigFile {
  const tls = {
    source: { ca: sourceAuthority.ca, ...worker.source },
    target: { ca: targetAuthority.ca, ...worker.target },
  };
  const config: ConfigFile = {
    topoServer: target.topoServer,
    topoRoot: target.topoRoot,
    vtgate: `localhost:${target.vtgate?.port ?? 0}`,
    clusters: {
      target: {
        etcd: { tls: tls.target, user: 'writer', password: secrets.targetEtcd },
        tablets: { tls: tls.target, user: 'vtmigrate', password: secrets.targetTablets },
        vtgate: { tls: tls.target, user: 'vtmigrate', password: secrets.vtgate },
      },
      ext1: {
        etcd: { tls: tls.source, user: 'reader', password: secrets.sourceEtcd },
        tablets: { tls: tls.source, user: 'vtmigrate', password: secrets.sourceTablets },
      },
    },
  };
  // Nothing shared: tests spoil one end and mean that one only.
  return JSON.parse(JSON.stringify(config)) as ConfigFile;
}
