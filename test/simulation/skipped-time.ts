import type { setTimeout } from 'node:timers/promises';
import { vi } from 'vitest';

// What the program sleeps during a simulation, it sleeps by its clock.
vi.mock(import('node:timers/promises'), async (original) => {
  const real = await original();
  const { isSkipping, sleep } = await import('./clock.js');
  const either = (...args: Parameters<typeof sleep>) => (isSkipping() ? sleep : real.setTimeout)(...args);
  return { ...real, setTimeout: either as typeof setTimeout };
});
