/** The command line is wrong: nothing has been contacted. Exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What was asked for did not happen. Exit code 1. */
export class CommandError extends Error {
  override readonly name: string = 'CommandError';
}

/** A failure that may pass without anybody typing anything: following a migration outlasts it. */
export class PassingError extends CommandError {
  override readonly name = 'PassingError';
}
