import { PassThrough } from 'node:stream';
import { beforeEach, describe, expect, test } from 'vitest';
import { visible } from '../../src/cli/output/control.js';
import { Terminal } from '../../src/cli/output/terminal.js';
import { hostileNames } from '../support/secure/hostile-names.js';

/** A table name and a message of MySQL that try to control the terminal: ESC, BEL, CR, DEL, C1's CSI and OSC. */
const table = 'a\x1b[2Jb\x07c\rd';
const message = "Table 'x\x9b31my\x9d0;title\x9c\x7f' doesn't exist\nsecond line\t!";
/** What a terminal would obey. */
const controls = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/;

class Screen extends PassThrough {
  isTTY = false;
  rows = 24;
  columns = 80;
  get text(): string {
    return String(this.read() ?? '');
  }
}

let stdout: Screen;
let stderr: Screen;
let terminal: Terminal;
beforeEach(() => {
  [stdout, stderr] = [new Screen(), new Screen()];
  terminal = new Terminal(stdout as unknown as NodeJS.WriteStream, stderr as unknown as NodeJS.WriteStream);
});

/** What was written, without the sequences that the terminal itself uses. */
const withoutOwn = (text: string) => text.replaceAll(/\r\x1b\[K|\x1b\[(?:\?1049[hl]|H|J|K)/g, '');

describe('control characters never reach a terminal', () => {
  test('in answers and notes', () => {
    terminal.print(table, message);
    expect(stdout.text).toBe(
      "a\\u001b[2Jb\\u0007c\\u000dd\nTable 'x\\u009b31my\\u009d0;title\\u009c\\u007f' doesn't exist\nsecond line\t!\n",
    );
    terminal.note(table);
    expect(stderr.text).toBe('a\\u001b[2Jb\\u0007c\\u000dd\n');
  });

  test.each([true, false])('in progress (terminal: %s)', (isTTY) => {
    stderr.isTTY = isTTY;
    terminal.progress(`${table} — ${message}`, 'key');
    const text = withoutOwn(stderr.text);
    expect(text).not.toMatch(controls);
    expect(text).toContain('a\\u001b[2Jb\\u0007c d');
    expect(text.trimEnd()).not.toContain('\n');
  });

  test.each([true, false])('on a redrawn screen, and what it leaves behind (terminal: %s)', (isTTY) => {
    stdout.isTTY = isTTY;
    terminal.draw([table, message]);
    terminal.leave();
    const text = withoutOwn(stdout.text);
    expect(text).not.toMatch(controls);
    expect(text).toContain('a\\u001b[2Jb\\u0007c\\u000dd\n');
  });

  test.each(hostileNames)('in the name %j', (name) => {
    terminal.print(name);
    terminal.note(name);
    expect(stdout.text + stderr.text).not.toMatch(controls);
  });

  test('JSON stays JSON', () => {
    const value = { table, message, direction: '\u202e\u2066' };
    expect(JSON.parse(visible(JSON.stringify(value, null, 2)))).toEqual(value);
    expect(visible('\u202egnp.exe')).toBe('\\u202egnp.exe');
    expect(visible('表 🙂 👩‍👩‍👧 é')).toBe('表 🙂 👩‍👩‍👧 é');
  });
});

test('a line of progress fits the terminal, in columns', () => {
  stderr.isTTY = true;
  stderr.columns = 8;
  terminal.progress('表表表表表', 'key');
  expect(withoutOwn(stderr.text)).toBe('表表表');
});
