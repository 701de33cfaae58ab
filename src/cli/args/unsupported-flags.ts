/** Options of MoveTables that are refused by name, never ignored. */
export const unsupportedFlags = [
  'source-shards',
  'atomic-copy',
  'shards',
  'tenant-id',
  'global-keyspace',
  'delete-batch-size',
  'format',
] as const;

const oneWay =
  'Migrate is a one-way copy: the target would have to make streams in the source, ' +
  'which may be a production system of somebody else';

/** Options of MoveTables that make no sense for a source in another cluster, each with the reason. */
export const refusedFlags: Readonly<Record<string, string>> = {
  'no-routing-rules':
    'Migrate makes no routing rules: the tables come from another cluster, whose queries no vtgate of the target sees',
  'keep-routing-rules': 'Migrate makes no routing rules, so there are none to keep',
  'enable-reverse-replication': oneWay,
  'reverse-replication': oneWay,
  'ignore-source-keyspace':
    'Complete compares the rows with those of the source; to give up a migration whose source is gone, use Cancel',
};
