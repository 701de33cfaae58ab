import { sql, targets, type TargetKeyspace } from './lab.js';

export const berlin = 'Europe/Berlin';

/** What `mysql_tzinfo_to_sql` loads into the primaries of a target keyspace, of two time zones and two years. */
export async function loadZones(keyspace: TargetKeyspace): Promise<void> {
  const statements = `
    replace into mysql.time_zone (Time_zone_id, Use_leap_seconds) values (1, 'N'), (2, 'N');
    replace into mysql.time_zone_name (Name, Time_zone_id) values ('UTC', 1), ('${berlin}', 2);
    replace into mysql.time_zone_transition_type (Time_zone_id, Transition_type_id, \`Offset\`, Is_DST, Abbreviation)
      values (1, 0, 0, 0, 'UTC'), (2, 0, 3600, 0, 'CET'), (2, 1, 7200, 1, 'CEST');
    replace into mysql.time_zone_transition (Time_zone_id, Transition_time, Transition_type_id)
      values (2, 1743296400, 1), (2, 1761440400, 0), (2, 1774746000, 1), (2, 1792890000, 0)`;
  for (const shard of targets[keyspace].shards) await sql('target', keyspace, shard, statements);
}
