import { visible } from './control.js';
import { cut, oneLine, wrapped } from './format.js';

/** Milliseconds between two lines of progress when the output is not a terminal. */
const plainInterval = 5_000;

/**
 * The output of a command: answers to stdout, errors and progress to stderr, so that an answer can be
 * piped. Makes control characters visible: whatever is printed may contain names and messages from a
 * database. Leaves the screen tidy on Ctrl-C.
 */
export class Terminal {
  private progressShown = false;
  private lastKey = '';
  private lastAt = 0;
  private fullScreen = false;
  private lastFrame: readonly string[] = [];
  /** Printed when Ctrl-C ends the command. */
  farewell = '';

  constructor(
    private readonly stdout: NodeJS.WriteStream = process.stdout,
    private readonly stderr: NodeJS.WriteStream = process.stderr,
  ) {}

  /** Lines of the answer. */
  print(...lines: string[]): void {
    this.clearProgress();
    this.stdout.write(`${joined(lines)}\n`);
  }

  /** Lines for a person, apart from the answer. */
  note(...lines: string[]): void {
    this.clearProgress();
    this.stderr.write(`${joined(lines)}\n`);
  }

  /**
   * The current state. A terminal shows it on one line, which is rewritten; elsewhere a line is printed
   * when `key` changes, and otherwise every few seconds.
   */
  progress(state: string, key: string): void {
    const line = visible(oneLine(state));
    if (this.stderr.isTTY) {
      const width = this.stderr.columns > 0 ? this.stderr.columns - 1 : 79;
      this.stderr.write(`\r\x1b[K${cut(line, width)}`);
      this.progressShown = true;
      return;
    }
    if (key === this.lastKey && Date.now() - this.lastAt < plainInterval) return;
    this.lastKey = key;
    this.lastAt = Date.now();
    this.stderr.write(`${line}\n`);
  }

  /** The size of the terminal; undefined when stdout is none. */
  get size(): { rows: number; columns: number } | undefined {
    return this.stdout.isTTY ? { rows: this.stdout.rows, columns: this.stdout.columns } : undefined;
  }

  /** Redraws the whole screen, and keeps `whole` to leave behind on it; without a terminal, prints the lines. */
  draw(lines: readonly string[], whole = lines): void {
    if (!this.stdout.isTTY) {
      this.stdout.write(`${joined(lines)}\n\n`);
      return;
    }
    this.lastFrame = whole;
    const { columns, rows } = this.stdout;
    const visible = lines
      .flatMap((line) => joined([line]).split('\n'))
      .flatMap((line) => wrapped(line, columns))
      .slice(0, rows - 1)
      .map((line) => `${line}\x1b[K`);
    this.stdout.write(`${this.fullScreen ? '' : '\x1b[?1049h'}\x1b[H${visible.join('\n')}\x1b[J`);
    this.fullScreen = true;
  }

  /** Leaves the redrawn screen; its last frame stays readable. */
  leave(): void {
    this.clearProgress();
    if (!this.fullScreen) return;
    this.fullScreen = false;
    this.stdout.write(`\x1b[?1049l${joined(this.lastFrame)}\n`);
  }

  /** Makes Ctrl-C, and the end of a pipe's reader, end the command quietly. */
  handleSignals(): void {
    process.once('SIGINT', () => {
      this.leave();
      if (this.farewell !== '') this.stderr.write(`\n${visible(this.farewell)}\n`);
      process.exit(130);
    });
    this.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(0);
      throw error;
    });
  }

  private clearProgress(): void {
    if (!this.progressShown) return;
    this.stderr.write('\r\x1b[K');
    this.progressShown = false;
  }
}

/** Lines as they go to a terminal. */
function joined(lines: readonly string[]): string {
  return lines.map(visible).join('\n');
}
