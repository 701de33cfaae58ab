/** Milliseconds: how long the fakes let things take. */
export interface Pace {
  /** How long a lock outlives its dead holder. */
  leaseTtl: number;
  /** Between two looks of one who waits for a lock. */
  lockPoll: number;
  /** Between two looks of a tablet that waits for a position. */
  waitPoll: number;
}

/** For tests in real time, which want to be through. */
export const hurried: Pace = { leaseTtl: 30, lockPoll: 2, waitPoll: 5 };

/** As of real servers: for tests in which time is skipped. */
export const lifelike: Pace = { leaseTtl: 10_000, lockPoll: 200, waitPoll: 250 };
