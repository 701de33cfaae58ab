import { wrapped } from './format.js';

/** Milliseconds between two lines of progress where a line cannot be rewritten. */
const plainInterval = 5_000;

/**
 * What a command prints: answers to stdout, errors and progress to stderr, so that an answer can
 * be piped. Leaves the screen tidy on Ctrl-C.
 */
export class Terminal {
  private progressShown = false;
  private lastKey = '';
  private lastAt = 0;
  private fullScreen = false;
  private lastFrame: readonly string[] = [];
  /** What is said when the command is left with Ctrl-C. */
  farewell = '';

  constructor(
    private readonly stdout: NodeJS.WriteStream = process.stdout,
    private readonly stderr: NodeJS.WriteStream = process.stderr,
  ) {}

  /** A line, or several, of the answer. */
  print(...lines: string[]): void {
    this.clearProgress();
    this.stdout.write(`${lines.join('\n')}\n`);
  }

  /** A line for a person, beside the answer. */
  note(line: string): void {
    this.clearProgress();
    this.stderr.write(`${line}\n`);
  }

  /**
   * Where things stand. On a terminal one line is rewritten; elsewhere a line is printed when
   * `key` changes, and otherwise every few seconds.
   */
  progress(line: string, key: string): void {
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

  /** The size of a redrawn screen; undefined where nothing can be redrawn. */
  get size(): { rows: number; columns: number } | undefined {
    return this.stdout.isTTY ? { rows: this.stdout.rows, columns: this.stdout.columns } : undefined;
  }

  /** Redraws the whole screen, where `whole` is what is left behind on it; elsewhere prints below what was before. */
  draw(lines: readonly string[], whole = lines): void {
    if (!this.stdout.isTTY) {
      this.stdout.write(`${lines.join('\n')}\n\n`);
      return;
    }
    this.lastFrame = whole;
    const { columns, rows } = this.stdout;
    const visible = lines
      .flatMap((line) => wrapped(line, columns))
      .slice(0, rows - 1)
      .map((line) => `${line}\x1b[K`);
    this.stdout.write(`${this.fullScreen ? '' : '\x1b[?1049h'}\x1b[H${visible.join('\n')}\x1b[J`);
    this.fullScreen = true;
  }

  /** Leaves a redrawn screen; what it showed last stays readable. */
  leave(): void {
    this.clearProgress();
    if (!this.fullScreen) return;
    this.fullScreen = false;
    this.stdout.write(`\x1b[?1049l${this.lastFrame.join('\n')}\n`);
  }

  /** Ctrl-C, and a reader of a pipe that goes away, end the command and nothing else. */
  handleSignals(): void {
    process.once('SIGINT', () => {
      this.leave();
      if (this.farewell !== '') this.stderr.write(`\n${this.farewell}\n`);
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

/** As much of a line as fits into a width, without tearing a character apart. */
function cut(line: string, width: number): string {
  return Array.from(line).slice(0, width).join('');
}
