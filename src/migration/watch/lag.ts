/** The three times of a row in `_vt.vreplication`, in seconds since 1970; 0 stands for never. */
export interface StreamTimes {
  transaction: number;
  updated: number;
  heartbeat: number;
}

/**
 * Transaction lag in seconds, by the rule of Vitess's `getVReplicationTrxLag`: the age of the
 * last transaction applied, or of the last heartbeat where nothing but heartbeats came after it.
 */
export function transactionLag(times: StreamTimes, nowSeconds: number): number {
  const onlyHeartbeats = times.updated === times.heartbeat && times.updated > times.transaction;
  const last = times.transaction === 0 || onlyHeartbeats ? times.updated : times.transaction;
  return Math.max(0, nowSeconds - last);
}
