import { defineConfig } from 'vitest/config';
import { everyFault } from './test/support/fault-part.js';

/**
 * Milliseconds. They end what hangs, and judge no speed: nothing that works comes near them, on a slow and busy
 * machine neither. Each project names its own, for it does not inherit them.
 */
const patient = { testTimeout: 600_000, hookTimeout: 600_000 };

/** Characters: messages of failures show what was compared, also in the summary at the end of `npm test`. */
const told = { chaiConfig: { truncateThreshold: 2_000 } };

/** The files of a worker share what they import: loading the SDK again for each takes most of the time. */
const shared = { isolate: false };

/** Most of the time of these files is waiting, and two of them keep two cores busy. */
const sideBySide = 2;

/** Files that only compute. */
const simulated = { maxWorkers: sideBySide, sequence: { groupOrder: 3 } };

/** In `npm run test:faults` every file has a process, for hours: those with servers wait for them most of the time. */
const allFaults = { maxWorkers: 4, sequence: { groupOrder: 4 } };

export default defineConfig({
  test: {
    pool: 'forks',
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'test/contract/fake/**/*.test.ts'],
          ...patient,
          ...told,
          ...shared,
        },
      },
      { test: { name: 'package', include: ['test/package/**/*.test.ts'], ...patient, ...told } },
      { test: { name: 'replay', include: ['test/replay/**/*.test.ts'], ...patient, ...told, ...shared } },
      {
        test: {
          name: 'workflow',
          include: ['test/workflow/**/*.test.ts'],
          ...patient,
          ...told,
          ...shared,
          maxWorkers: sideBySide,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'servers',
          include: ['test/contract/*.test.ts', 'test/e2e/**/*.test.ts', 'test/referee/**/*.test.ts'],
          ...patient,
          ...told,
          ...shared,
          globalSetup: ['test/support/lab/lab-setup.ts'],
          // Each worker has one of the labs for itself: there are as many.
          maxWorkers: sideBySide,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'simulation',
          include: ['test/simulation/{odd,even}.test.ts'],
          setupFiles: ['test/simulation/skipped-time.ts'],
          ...patient,
          ...told,
          ...simulated,
        },
      },
      {
        test: {
          name: 'effects',
          include: ['test/simulation/effects.test.ts'],
          setupFiles: ['test/simulation/skipped-time.ts'],
          ...patient,
          ...told,
          ...(everyFault ? allFaults : simulated),
        },
      },
      // Each file has servers of its own, to harm.
      {
        test: {
          name: 'security',
          include: ['test/security/**/*.test.ts'],
          ...patient,
          ...told,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'faults',
          include: ['test/faults/**/*.test.ts'],
          ...patient,
          ...told,
          ...(everyFault ? allFaults : { fileParallelism: false }),
          testTimeout: 1_800_000,
        },
      },
    ],
  },
});
