import { join } from 'node:path';
import { makeFolder } from './folder.js';
import { binaries } from './install.js';
import type { Server } from './process.js';
import { run, type Outcome } from './run.js';
import { Site } from './site.js';

/** Types of custom search attributes, as the dev server spells them. */
export type SearchAttributeType = 'Text' | 'Keyword' | 'Int' | 'Double' | 'Bool' | 'Datetime' | 'KeywordList';

export interface TemporalOptions {
  /** Preferred ports, used when free; defaults 7233 and 8233. */
  port?: number;
  uiPort?: number;
  /** SQLite file; by default one in the server's folder, so that a restart keeps everything. */
  dbFile?: string;
  searchAttributes?: Record<string, SearchAttributeType>;
  /** Seconds until a worker's poll ends without a task, and is made anew; Temporal's default is 60. */
  pollSeconds?: number;
  /** Folder for files; without it, a temporary one that `stop` removes. */
  folder?: string;
}

/** A running Temporal dev server. */
export interface Temporal {
  address: string;
  uiUrl: string;
  server: Server;
  /** Runs the `temporal` command against this server. */
  cli(...args: string[]): Promise<Outcome>;
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';

/** Starts a Temporal dev server with its web UI. */
export async function startTemporal(options: TemporalOptions = {}): Promise<Temporal> {
  const own = options.folder === undefined ? await makeFolder() : undefined;
  const site = new Site(options.folder ?? own?.path ?? '');
  const stop = async (): Promise<void> => {
    await site.close();
    await own?.remove();
  };
  try {
    return { ...(await launch(options, site)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Path of the script that starts the Java time-skipping test server. */
export function timeSkippingServerPath(): string {
  return binaries().timeSkippingServer;
}

async function launch(options: TemporalOptions, site: Site): Promise<Omit<Temporal, 'stop'>> {
  const port = await site.ports.take(options.port ?? 7233);
  const ui = await site.ports.take(options.uiPort ?? 8233);
  const http = await site.ports.take();
  const metrics = await site.ports.take();
  const { temporal } = binaries();
  const attributes = Object.entries(options.searchAttributes ?? {});
  const server = await site.start({
    name: 'temporal',
    command: temporal,
    args: [
      'server',
      'start-dev',
      '--ip',
      HOST,
      '--port',
      String(port),
      '--ui-port',
      String(ui),
      '--http-port',
      String(http),
      '--metrics-port',
      String(metrics),
      '--headless=false',
      '--db-filename',
      options.dbFile ?? join(site.folder, 'temporal.sqlite'),
      '--log-level',
      'warn',
      ...(options.pollSeconds === undefined
        ? []
        : ['--dynamic-config-value', `matching.longPollExpirationInterval="${options.pollSeconds}s"`]),
      ...attributes.flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]),
    ],
    cwd: site.folder,
    log: join(site.folder, 'temporal.log'),
    ready: async () => (await fetch(`http://${HOST}:${http}/api/v1/namespaces/default`)).ok,
  });
  const address = `${HOST}:${port}`;
  return {
    address,
    uiUrl: `http://${HOST}:${ui}`,
    server,
    cli: (...args) => run(temporal, [...args, '--address', address]),
  };
}
