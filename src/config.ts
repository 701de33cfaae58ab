import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** The configuration of a worker. Temporal's own part comes from its standard environment and profiles. */
export interface Config {
  /** `host:port` of the target's global topology server, or several joined by commas. */
  topoServer: string;
  topoRoot: string;
  vtgate: { host: string; port: number };
  vtgateUser: string | undefined;
  vtgatePassword: string | undefined;
  taskQueue: string;
}

/** The fields of the configuration file, and the environment variables that win over them. */
const fields = {
  topoServer: 'VTMIGRATE_TOPO_SERVER',
  topoRoot: 'VTMIGRATE_TOPO_ROOT',
  vtgate: 'VTMIGRATE_VTGATE',
  vtgateUser: 'VTMIGRATE_VTGATE_USER',
  vtgatePassword: 'VTMIGRATE_VTGATE_PASSWORD',
  taskQueue: 'VTMIGRATE_TASK_QUEUE',
} as const;

const address = /^(\[[0-9a-fA-F:]+\]|[^\s:,/]+):(\d{1,5})$/;

const schema = z.strictObject({
  topoServer: z.string({ error: 'is not set: the target topology server, for example localhost:2379' }).refine((text) => text.split(',').every((one) => address.test(one)), { error: 'must be host:port, or several joined by commas' }),
  topoRoot: z.string().regex(/^\/\S*[^/\s]$/, { error: 'must be a path such as /vitess/global' }).default('/vitess/global'),
  vtgate: z.string({ error: 'is not set: host:port of the MySQL protocol of a vtgate of the target' }).regex(address, { error: 'must be host:port' }),
  vtgateUser: z.string().optional(),
  vtgatePassword: z.string().optional(),
  taskQueue: z.string().min(1).default('vtmigrate'),
});

/**
 * Reads the configuration: the JSON file named by VTMIGRATE_CONFIG, then the environment.
 * @throws Error that lists every problem at once
 */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const file = environment['VTMIGRATE_CONFIG'];
  const fromFile = file === undefined || file === '' ? {} : readFile(file);
  const fromEnvironment = Object.fromEntries(
    Object.entries(fields).flatMap(([field, variable]) => (environment[variable] ? [[field, environment[variable]]] : [])),
  );
  const result = schema.safeParse({ ...fromFile, ...fromEnvironment });
  if (!result.success) throw new Error(`the configuration is not valid:\n${result.error.issues.flatMap(describe).map((line) => `  - ${line}`).join('\n')}`);
  const [, host = '', port = ''] = address.exec(result.data.vtgate) ?? [];
  return { ...result.data, vtgateUser: result.data.vtgateUser, vtgatePassword: result.data.vtgatePassword, vtgate: { host, port: Number(port) } };
}

function readFile(file: string): Record<string, unknown> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  } catch (error) {
    throw new Error(`the configuration file ${file} (VTMIGRATE_CONFIG) cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function describe(issue: z.core.$ZodIssue): string[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => `${key} in the file is not a setting; the settings are ${Object.keys(fields).join(', ')}`);
  const field = String(issue.path[0]) as keyof typeof fields;
  return [`${fields[field]} (${field} in the file) ${issue.message}`];
}
