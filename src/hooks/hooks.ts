import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';
import { isName } from '../migration/input/identifier.js';
import { isUrl } from '../migration/input/hook.js';
import type { FenceHooks, HookEvent } from '../migration/proof/fence-hook.js';
import { MigrationError } from '../migration/problem/errors.js';
import { runCommand } from './command.js';
import { post } from './webhook.js';

/** What the operator of a worker lets migrations call. */
export interface HookConfig {
  /** A directory: each executable file in it may be called by its name. */
  commands?: string;
  /** URLs that may be called; one without a path stands for all of that server. */
  urls: readonly string[];
}

/** Commands and webhooks that a worker's configuration allows, and nothing else. */
export class Hooks implements FenceHooks {
  constructor(private readonly config: HookConfig) {}

  refusal(hook: string): string | null {
    return isUrl(hook) ? this.urlRefusal(hook) : this.commandRefusal(hook);
  }

  async call(hook: string, event: HookEvent, timeoutMs: number, signal: AbortSignal): Promise<void> {
    const refusal = this.refusal(hook);
    if (refusal !== null) throw hookFailed(hook, event, refusal);
    const ended = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const body = `${JSON.stringify(event)}\n`;
    const failure = isUrl(hook) ? await post(hook, body, ended) : await runCommand(this.file(hook), body, ended);
    if (failure === null) return;
    throw hookFailed(hook, event, ended.aborted && !signal.aborted ? `no end within ${timeoutMs / 1000} s` : failure);
  }

  private file(name: string): string {
    return join(this.config.commands ?? '', name);
  }

  private urlRefusal(url: string): string | null {
    const allowed = this.config.urls.some(
      (entry) => url === entry || (isServer(entry) && url.startsWith(`${entry.replace(/\/$/, '')}/`)),
    );
    return allowed ? null : `VTMIGRATE_HOOK_URLS of the worker does not list ${url}`;
  }

  private commandRefusal(name: string): string | null {
    if (this.config.commands === undefined) return 'the worker has no VTMIGRATE_HOOK_COMMANDS, so it runs no command';
    if (!isName(name)) return `${JSON.stringify(name)} is not the name of a command`;
    const file = this.file(name);
    try {
      const stat = statSync(file);
      if (!stat.isFile()) return `${file} of the worker is not a file`;
      if ((stat.mode & othersMayWrite) !== 0) return `${file} of the worker can be written by everybody`;
      accessSync(file, constants.X_OK);
      return null;
    } catch (error) {
      return `${file} of the worker cannot be run (${codeOf(error)})`;
    }
  }
}

const othersMayWrite = 0o002;

/** A URL without a path. */
function isServer(url: string): boolean {
  return /^https?:\/\/[^/]+\/?$/.test(url);
}

function hookFailed(hook: string, { event }: HookEvent, what: string): MigrationError {
  return new MigrationError(
    'FENCE_HOOK_FAILED',
    `${hook} has failed (${event}): ${what}`,
    {},
    'fix it, or what it calls; Complete is tried again',
  );
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
