import { defineCheck } from '../check.js';

/** The privileges that a stream needs. An account with roles is left to the stream that was tried. */
const needed = ['SELECT', 'LOCK TABLES', 'REPLICATION SLAVE'];

export const sourcePrivileges = defineCheck({
  name: 'source-privileges',
  severity: 'error',
  needs: ['streamAccounts'],
  unread: 'source-privileges-unknown',
  judge: ({ streamAccounts }) =>
    streamAccounts.flatMap(({ place, user, grants }) => {
      const missing = needed.filter((privilege) => grants?.includes(privilege) === false);
      if (missing.length === 0) return [];
      return [
        {
          message: `the account ${user}, which the source's tablets use for streams, lacks ${missing.join(', ')}`,
          place,
          remedy: `grant ${missing.join(', ')} on *.* to it`,
        },
      ];
    }),
});
