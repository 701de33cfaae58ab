import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, it } from 'vitest';
import { Script } from '../support/workflow/scripted-activities.js';

it('a script counts an activity once, though its first attempt never came', async () => {
  const script = new Script();
  const call = (activityId: string, attempt: number) =>
    new MockActivityEnvironment({ activityId, attempt }).run(() => script.run('serve', []));
  await call('7', 2);
  await call('7', 3);
  expect(script.steps()).toEqual(['serve']);
  await call('8', 1);
  expect(script.steps()).toEqual(['serve', 'serve']);
});
