import { defineCheck } from '../check.js';

/** The target's MySQL converts from the time zone of the source. */
export const timeZone = defineCheck({
  name: 'time-zone',
  severity: 'error',
  needs: ['request', 'timeZones'],
  judge: ({ request, timeZones }) =>
    timeZones.flatMap(({ place, converts }) => {
      if (converts) return [];
      return [
        {
          message: `MySQL cannot convert from time zone ${request.input.sourceTimeZone ?? ''} to UTC`,
          place,
          remedy:
            'correct -source_time_zone, or load the time zones into it: ' +
            'mysql_tzinfo_to_sql /usr/share/zoneinfo | mysql -u root mysql',
        },
      ];
    }),
});
