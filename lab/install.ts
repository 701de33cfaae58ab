import { join } from 'node:path';
import { installed, sayOnStderr, type Say } from './install/cache.js';
import { etcdPath, installEtcd } from './install/etcd.js';
import { installGoPrograms, type GoPrograms } from './install/go.js';
import { installMysql, MYSQL, mysqlProgram, mysqlTemplate, type MysqlProgram } from './install/mysql.js';
import { installTimeSkipping, TIME_SKIPPING, TIME_SKIPPING_SCRIPT } from './install/time-skipping.js';
import { onPath } from './run.js';

export { cacheRoot, type Say } from './install/cache.js';
export { initializeData, MYSQL_PASSWORD, MYSQL_USER, type MysqlProgram } from './install/mysql.js';
export { installEtcd, installMysql, installTimeSkipping };

/** Versions of Vitess's Go module that can be installed; the servers of the lab are 0.24.0. */
export type VitessVersion = '0.24.0' | '0.22.1';

const VITESS: Record<VitessVersion, GoPrograms> = {
  '0.24.0': vitess('0.24.0', '24.0.0', '1.26'),
  // Does not compile with Go 1.26.
  '0.22.1': { ...vitess('0.22.1', '22.0.1', '1.24.4'), toolchain: 'go1.24.4' },
};

// Apart from the others: only a secured lab needs it.
const VTCTLD: GoPrograms = {
  ...vitess('0.24.0', '24.0.0', '1.26'),
  name: 'vtctld-0.24.0',
  title: 'vtctld of Vitess 24.0.0',
  minutes: 1,
  packages: ['vitess.io/vitess/go/cmd/vtctld'],
};

const TEMPORAL: GoPrograms = {
  name: 'temporal-1.5.1',
  title: 'the Temporal dev server 1.29.1',
  minutes: 3,
  module: 'github.com/temporalio/cli',
  version: 'v1.5.1',
  packages: ['github.com/temporalio/cli/cmd/temporal'],
  go: '1.26',
};

/** Paths of everything the lab starts. Reading one that is not installed throws. */
export interface Binaries {
  readonly etcd: string;
  readonly vttablet: string;
  readonly vtgate: string;
  readonly vtctldclient: string;
  readonly vtctld: string;
  readonly temporal: string;
  /** A script, for `existing-path` of Temporal's test environment. */
  readonly timeSkippingServer: string;
  readonly mysqld: MysqlProgram & { template: string };
  /** MySQL's command-line client. */
  readonly mysql: MysqlProgram;
}

/** Builds vttablet, vtgate and vtctldclient of one Vitess version, once; answers their folder. */
export function installVitess(version: VitessVersion = '0.24.0', say: Say = sayOnStderr): Promise<string> {
  return installGoPrograms(VITESS[version], say);
}

/** Builds vtctld, once; answers its folder. */
export function installVtctld(say: Say = sayOnStderr): Promise<string> {
  return installGoPrograms(VTCTLD, say);
}

/** Builds the `temporal` command with its dev server and web UI, once; answers its folder. */
export function installTemporal(say: Say = sayOnStderr): Promise<string> {
  return installGoPrograms(TEMPORAL, say);
}

/** What to install besides the servers of `startLab`. */
export interface InstallOptions {
  /** The Java time-skipping server for workflow tests; default true. */
  timeSkipping?: boolean;
  say?: Say;
}

/** Installs everything that is not there yet, side by side where that is faster. */
export async function installAll(options: InstallOptions = {}): Promise<Binaries> {
  const say = options.say ?? sayOnStderr;
  if (onPath('setpriv') === undefined) {
    throw new Error('setpriv is needed to run servers and is not on PATH: use Linux with util-linux, or Docker.');
  }
  const steps = [installVitess('0.24.0', say), installTemporal(say), installEtcd(say), installMysql(say)];
  if (options.timeSkipping !== false) steps.push(installTimeSkipping(say));
  // All of them end before errors are reported, so that no build goes on behind them.
  const results = await Promise.allSettled(steps);
  const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  if (errors.length > 0) throw new Error(errors.map(messageOf).join('\n'), { cause: errors[0] });
  return binaries();
}

/** Where the installed programs are. */
export function binaries(): Binaries {
  const vitessFolder = (): string => need('Vitess', installed(VITESS['0.24.0'].name));
  const mysqlFolder = (): string => need('MySQL', installed(MYSQL));
  return {
    get etcd() {
      return need('etcd', etcdPath());
    },
    get vttablet() {
      return join(vitessFolder(), 'vttablet');
    },
    get vtgate() {
      return join(vitessFolder(), 'vtgate');
    },
    get vtctldclient() {
      return join(vitessFolder(), 'vtctldclient');
    },
    get vtctld() {
      return join(need('vtctld', installed(VTCTLD.name)), 'vtctld');
    },
    get temporal() {
      return join(need('Temporal', installed(TEMPORAL.name)), 'temporal');
    },
    get timeSkippingServer() {
      return join(need('The time-skipping server', installed(TIME_SKIPPING)), TIME_SKIPPING_SCRIPT);
    },
    get mysqld() {
      return { ...mysqlProgram(mysqlFolder(), 'mysqld'), template: mysqlTemplate(mysqlFolder()) };
    },
    get mysql() {
      return mysqlProgram(mysqlFolder(), 'mysql');
    },
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function need<T>(what: string, found: T | undefined): T {
  if (found === undefined) throw new Error(`${what} is not installed: call installAll() of lab/install.ts first.`);
  return found;
}

function vitess(version: string, title: string, go: string): GoPrograms {
  return {
    name: `vitess-${version}`,
    title: `Vitess ${title}`,
    minutes: 4,
    module: 'vitess.io/vitess',
    version: `v${version}`,
    packages: ['vttablet', 'vtgate', 'vtctldclient'].map((name) => `vitess.io/vitess/go/cmd/${name}`),
    go,
  };
}
