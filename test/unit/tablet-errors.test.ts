import { Code, ConnectError } from '@connectrpc/connect';
import { expect, test } from 'vitest';
import { MigrationError } from '../../src/migration/problem/errors.js';
import { callTablet } from '../../src/vitess/tablet/transport.js';

async function errorOf(text: string, code = Code.Unknown): Promise<MigrationError> {
  try {
    await callTablet({ tablet: 'zone1-0000000200' }, 'ApplySchema', 1_000, () =>
      Promise.reject(new ConnectError(text, code)),
    );
  } catch (error) {
    if (error instanceof MigrationError) return error;
  }
  throw new Error('there was no error of ours');
}

test.each([Code.Unknown, Code.Unavailable, Code.PermissionDenied])(
  'of a long text, both ends are kept (code %i)',
  async (code) => {
    const error = await errorOf(`begin ${'statement '.repeat(2_000)} (errno 1064) (sqlstate 42000): the end`, code);
    expect(error.message).toMatch(/begin statement .*\[… \d+ characters …\].*\(errno 1064\).*the end/s);
    // A failure has both, and Temporal cuts one of more than 4 kB.
    expect(error.message.length + JSON.stringify(error.toProblem()).length).toBeLessThan(3_500);
    expect(error.cause).toBeUndefined();
  },
);

test('a short text is as it was, with its cause', async () => {
  const error = await errorOf('table exists');
  expect(error.what).toBe('ApplySchema failed: table exists');
  expect(error.cause).toBeInstanceOf(ConnectError);
});
