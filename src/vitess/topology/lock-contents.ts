import { hostname, userInfo } from 'node:os';
import { MigrationError, type Place } from '../../migration/problem/errors.js';

/** The JSON that Vitess's `topo.Lock` writes into a lock's key. */
interface LockContents {
  Action?: string;
  HostName?: string;
  UserName?: string;
  Time?: string;
}

/** What a lock's key says about its holder. */
export interface LockHolder {
  /** `MoveTablesCreate`, `vdiff` …; empty when it is not there. */
  action: string;
  /** `MoveTablesCreate of root@host` */
  who: string;
  /** As it was written, usually ISO 8601 or Go's form; null when it is not there. */
  since: string | null;
}

/** @param value the value of a lock's key */
export function lockHolder(value: Uint8Array): LockHolder {
  const contents = Buffer.from(value).toString();
  try {
    const { Action, UserName, HostName, Time } = JSON.parse(contents) as LockContents;
    return {
      action: Action ?? '',
      who: `${Action ?? 'unknown'} of ${UserName ?? '?'}@${HostName ?? '?'}`,
      since: Time ?? null,
    };
  } catch {
    return { action: '', who: JSON.stringify(contents), since: null };
  }
}

/** `MoveTablesCreate of root@host since …`, from the value of a lock's key. */
export function describeHolder(value: Uint8Array): string {
  const { who, since } = lockHolder(value);
  return since === null ? who : `${who} since ${since}`;
}

/** The contents for a lock of this process, in the form of Vitess's `topo.Lock`: `vtctldclient` prints them. */
export function ownContents(action: string): string {
  const lock = {
    Action: action,
    HostName: hostname(),
    UserName: userInfo().username,
    Time: new Date().toISOString(),
    Status: 'Running',
  };
  return JSON.stringify(lock, null, 2);
}

/** The error for a lock with another holder. @param contents the value of the holder's key */
export function lockedBy(dir: string, contents: Uint8Array, place: Place): MigrationError {
  return new MigrationError(
    'LOCKED',
    `${dir} is locked by ${describeHolder(contents)}`,
    place,
    'wait until it is done. VDiff and Cancel of the migration clear the lock of a VDiff whose tablet has died; ' +
      'any other named lock of a dead holder expires after 24 hours',
  );
}
