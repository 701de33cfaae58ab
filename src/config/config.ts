import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import { z } from 'zod';
import { accessSchema, readAccess, requirePair, type AccessText } from './access.js';
import { isName } from '../migration/input/identifier.js';
import { isUrl } from '../migration/input/hook.js';
import { parseAddress, rootPattern, serversPattern } from '../migration/input/address.js';
import type { Access, ClusterAccess, Tls } from '../net/access.js';

/** The configuration of a worker. Temporal's own part comes from its standard environment and profiles. */
export interface Config {
  /** `host:port` of the target's global topology server, or several joined by commas. */
  topoServer: string;
  topoRoot: string;
  vtgate: { host: string; port: number };
  vtgateUser: string | undefined;
  vtgatePassword: string | undefined;
  vtgateTls?: Tls;
  /** Credentials by cluster: `target`, or the name of a mount. A cluster that is not here gets none, and plain text. */
  clusters?: Record<string, ClusterAccess>;
  taskQueue: string;
  /** What migrations may call inside a fence. */
  hooks?: { commands?: string; urls: string[] };
}

const accessFields = {
  'tls.ca': 'TLS_CA',
  'tls.cert': 'TLS_CERT',
  'tls.key': 'TLS_KEY',
  'tls.serverName': 'TLS_SERVER_NAME',
  user: 'USER',
  password: 'PASSWORD',
  passwordFile: 'PASSWORD_FILE',
} as const;

function accessVariables(end: 'etcd' | 'tablets' | 'vtgate', without: readonly string[]): Record<string, string> {
  const fields = Object.entries(accessFields).filter(([field]) => !without.includes(field));
  return Object.fromEntries(
    fields.map(([field, variable]) => [
      `clusters.target.${end}.${field}`,
      `VTMIGRATE_${end.toUpperCase()}_${variable}`,
    ]),
  );
}

/** The fields of the configuration file, and the environment variables that win over them. */
const fields: Readonly<Record<string, string>> = {
  topoServer: 'VTMIGRATE_TOPO_SERVER',
  topoRoot: 'VTMIGRATE_TOPO_ROOT',
  vtgate: 'VTMIGRATE_VTGATE',
  vtgateUser: 'VTMIGRATE_VTGATE_USER',
  vtgatePassword: 'VTMIGRATE_VTGATE_PASSWORD',
  taskQueue: 'VTMIGRATE_TASK_QUEUE',
  'hooks.commands': 'VTMIGRATE_HOOK_COMMANDS',
  'hooks.urls': 'VTMIGRATE_HOOK_URLS',
  ...accessVariables('etcd', ['tls.serverName']),
  ...accessVariables('tablets', []),
  ...accessVariables('vtgate', ['user', 'password']),
};

// Vitess knows no server name for etcd either.
const etcdSchema = accessSchema.refine((access) => access.tls?.serverName === undefined, {
  path: ['tls', 'serverName'],
  error: 'cannot be set: the certificate of etcd has to be for its address',
});
/** What a gRPC header can hold. */
const tabletsSchema = accessSchema.refine(
  (access) => /^[\x20-\x7e]*$/.test(`${access.user ?? ''}${access.password ?? ''}`),
  { path: ['user'], error: 'and password must be printable ASCII' },
);
const clusterSchema = z.strictObject({ etcd: etcdSchema.optional(), tablets: tabletsSchema.optional() });
const targetSchema = clusterSchema.extend({ vtgate: accessSchema.optional() });

function invalidAddress(context: z.core.$RefinementCtx): never {
  context.issues.push({ code: 'custom', message: 'must be host:port', input: context.value });
  return z.NEVER;
}

const schema = z.strictObject({
  topoServer: z
    .string({ error: 'is not set: the target topology server, for example localhost:2379' })
    .regex(serversPattern, { error: 'must be host:port, or several joined by commas' }),
  topoRoot: z.string().regex(rootPattern, { error: 'must be a path such as /vitess/global' }).default('/vitess/global'),
  vtgate: z
    .string({ error: 'is not set: host:port of the MySQL protocol of a vtgate of the target' })
    .transform((text, context) => parseAddress(text) ?? invalidAddress(context)),
  vtgateUser: z.string().optional(),
  vtgatePassword: z.string().optional(),
  taskQueue: z.string().min(1).default('vtmigrate'),
  hooks: z
    .strictObject({
      commands: z.string().startsWith('/', { error: 'must be the path of a directory, from the root' }).optional(),
      urls: z
        .string()
        .transform((text) => text.split(',').map((url) => url.trim()))
        .refine((urls) => urls.every(isUrl), { error: 'must be URLs, joined by commas' })
        .default([]),
    })
    .prefault({}),
  clusters: z.object({ target: targetSchema.optional() }).catchall(clusterSchema).prefault({}),
});
type Valid = z.output<typeof schema>;

/**
 * Reads the configuration: the JSON file named by VTMIGRATE_CONFIG, then the environment; and the
 * certificates and passwords in the files they name.
 * @throws Error that lists every problem at once, and the value of no password
 */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const file = environment['VTMIGRATE_CONFIG'];
  const given = file === undefined || file === '' ? {} : readFile(file);
  for (const [field, variable] of Object.entries(fields))
    if (environment[variable]) set(given, field, environment[variable]);
  const result = schema.safeParse(given);
  if (!result.success) throw invalid(result.error.issues.flatMap(describe));
  const problems: string[] = [];
  const say = (field: string, what: string): void => void problems.push(`${nameOf(field)} ${what}`);
  const { topoServer, topoRoot, taskQueue } = result.data;
  const { commands, urls } = result.data.hooks;
  if (commands !== undefined) checkDirectory(commands, say);
  const clusters = readClusters(result.data.clusters, say);
  const vtgate = readVtgate(result.data, say);
  if (problems.length > 0) throw invalid(problems);
  const hooks = { ...(commands === undefined ? {} : { commands }), urls };
  return { topoServer, topoRoot, taskQueue, hooks, clusters, ...vtgate };
}

/** What is in it can be run by whoever starts a migration: nobody else may put anything there. */
function checkDirectory(directory: string, say: Say): void {
  const stat = statSync(directory, { throwIfNoEntry: false });
  if (stat?.isDirectory() !== true) say('hooks.commands', `is not a directory: ${directory}`);
  else if ((stat.mode & 0o002) !== 0) say('hooks.commands', `can be written by everybody: ${directory}`);
}

type Say = (field: string, what: string) => void;

function readClusters(given: Valid['clusters'], say: Say): Record<string, ClusterAccess> {
  const clusters: Record<string, ClusterAccess> = {};
  for (const [name, ends] of Object.entries(given)) {
    if (!isName(name)) say('clusters', `names ${JSON.stringify(name)}, which cannot be the name of a mount`);
    const read = (end: 'etcd' | 'tablets'): Access => {
      const text: AccessText = ends?.[end] ?? {};
      const sayHere: Say = (field, what) => say(`clusters.${name}.${end}.${field}`, what);
      requirePair(text, sayHere);
      return readAccess(text, sayHere);
    };
    clusters[name] = { etcd: read('etcd'), tablets: read('tablets') };
  }
  return clusters;
}

function readVtgate(given: Valid, say: Say): Pick<Config, 'vtgate' | 'vtgateUser' | 'vtgatePassword' | 'vtgateTls'> {
  const text = given.clusters.target?.vtgate ?? {};
  const { user, password, tls } = readAccess(text, (field, what) => say(`clusters.target.vtgate.${field}`, what));
  if (given.vtgateUser !== undefined && user !== undefined)
    say('vtgateUser', 'and clusters.target.vtgate.user exclude each other');
  if (given.vtgatePassword !== undefined && password !== undefined)
    say('vtgatePassword', 'and the password of clusters.target.vtgate exclude each other');
  const { vtgate } = given;
  if (tls !== undefined && isIP(tls.serverName ?? vtgate.host) !== 0) {
    say(
      'clusters.target.vtgate.tls.serverName',
      'is needed: vtgate is given by an IP address, and TLS to it goes by the name in its certificate',
    );
  }
  return {
    vtgate,
    vtgateUser: given.vtgateUser ?? user,
    vtgatePassword: given.vtgatePassword ?? password,
    ...(tls === undefined ? {} : { vtgateTls: tls }),
  };
}

/** Puts a variable's value where the file would have it. What is not an object there is refused later. */
function set(given: Record<string, unknown>, field: string, value: string): void {
  const [first = '', ...rest] = field.split('.');
  if (rest.length === 0) {
    given[first] = value;
    return;
  }
  given[first] ??= {};
  const inner = given[first];
  if (typeof inner === 'object' && inner !== null) set(inner as Record<string, unknown>, rest.join('.'), value);
}

function readFile(file: string): Record<string, unknown> {
  const text = readText(file);
  try {
    const content: unknown = JSON.parse(text);
    return typeof content === 'object' && content !== null && !Array.isArray(content)
      ? (content as Record<string, unknown>)
      : {};
  } catch (error) {
    // The parser's own message quotes what is in the file.
    const position = /position \d+/.exec(error instanceof Error ? error.message : '')?.[0];
    throw new Error(
      `the configuration file ${file} (VTMIGRATE_CONFIG) cannot be read: it is not JSON` +
        (position === undefined ? '' : ` (${position})`),
    );
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(
      `the configuration file ${file} (VTMIGRATE_CONFIG) cannot be read: ` +
        (error instanceof Error ? error.message : String(error)),
    );
  }
}

function invalid(problems: string[]): Error {
  return new Error(`the configuration is not valid:\n${problems.map((line) => `  - ${line}`).join('\n')}`);
}

function describe(issue: z.core.$ZodIssue): string[] {
  const field = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    const known =
      field === ''
        ? Object.keys(schema.shape)
        : [
            ...new Set([
              ...Object.keys(accessFields).map((key) => key.replace(/\..*/, '')),
              ...Object.keys(targetSchema.shape),
              'ca',
              'cert',
              'key',
              'serverName',
            ]),
          ];
    return issue.keys.map(
      (key) =>
        `${field === '' ? key : `${field}.${key}`} in the file is not a setting; the settings are ${known.join(', ')}`,
    );
  }
  const text =
    issue.code === 'invalid_type' && issue.message.startsWith('Invalid input')
      ? `must be ${issue.expected === 'object' ? 'an object' : `a ${issue.expected}`}`
      : issue.message;
  return [`${nameOf(field)} ${text}`];
}

/** The two names of a setting: in the file and in the environment. */
function nameOf(field: string): string {
  const variable = fields[field];
  return variable === undefined ? `${field} in the file` : `${variable} (${field} in the file)`;
}
