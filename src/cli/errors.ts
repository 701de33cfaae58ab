/** The command line is wrong: no server has been contacted. Exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The command did not do what it was asked for. Exit code 1. */
export class CommandError extends Error {
  override readonly name: string = 'CommandError';
}

/** A failure that may pass by itself, such as a server that does not answer: following a migration outlasts it. */
export class PassingError extends CommandError {
  override readonly name = 'PassingError';
}
