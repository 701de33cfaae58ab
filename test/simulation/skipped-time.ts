import { vi } from 'vitest';

// What the program sleeps, it sleeps by the clock of the simulation.
vi.mock(import('node:timers/promises'), async (original) => ({
  ...(await original()),
  setTimeout: (await import('./clock.js')).sleep as never,
}));
