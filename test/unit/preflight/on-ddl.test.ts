import { expect, it } from 'vitest';
import { onDdl } from '../../../src/migration/preflight/checks/on-ddl.js';
import { onDdlActions } from '../../../src/migration/input/stream-options.js';
import { ask, planned, said, source, target, unsharded } from './facts.js';

it('a notice says what the streams do with statements that are of no table', () => {
  const { plan, ...rest } = planned({ ...source({ tables: ['t'] }), ...target(unsharded) });
  const by = (action: (typeof onDdlActions)[number]) =>
    said(ask(['on-ddl'], { ...rest, plan: { ...plan, stream: { ...plan.stream, onDdl: action } } }));
  expect(onDdl.severity).toBe('notice');
  expect(onDdlActions.map(by)).toEqual([
    [],
    [
      expect.stringMatching(
        /on-ddl STOP, .* about triggers, functions, events, users and roles also stop the streams,/,
      ),
    ],
    [expect.stringMatching(/on-ddl EXEC, .* are also run on the target, and one that fails there stops the streams,/)],
    [expect.stringMatching(/on-ddl EXEC_IGNORE, .* are also run on the target,/)],
  ]);
});
