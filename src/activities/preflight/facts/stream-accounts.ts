import { optionalFact } from '../fact.js';

export const streamAccounts = optionalFact({
  name: 'streamAccounts',
  what: 'the privileges of the account for streams',
  needs: ['mount', 'sourceShards'],
  read: (sides, { mount, sourceShards }) => {
    const source = sides.source(mount);
    return sides.each(
      sourceShards,
      ({ name }) => source.place({ shard: name }),
      ({ name }) => source.streamAccount(name),
    );
  },
});
