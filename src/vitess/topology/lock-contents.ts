/** The JSON that Vitess's `topo.Lock` writes into a lock, so that others can say who holds it. */
interface LockContents {
  Action?: string;
  HostName?: string;
  UserName?: string;
  Time?: string;
}

/** What a lock says of its holder. */
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
