import { workflowsOf } from '../../plan/lanes.js';
import { defineCheck } from '../check.js';

/** Apps of Vitess's throttler whose rules hold back a stream, on either side. */
const streamApps = ['vreplication', 'vstreamer', 'rowstreamer', 'resultstreamer', 'vcopier', 'vplayer', 'all'];

/** No rule of a throttler holds the migration's streams back. */
export const throttler = defineCheck({
  name: 'throttler',
  severity: 'notice',
  needs: ['plan', 'throttledApps'],
  unread: 'throttler',
  judge: ({ plan, throttledApps }) => {
    const own = workflowsOf(plan);
    return throttledApps.flatMap(({ place, apps }) =>
      Object.entries(apps)
        .filter(([app]) => streamApps.includes(app) || app.split(':').some((part) => own.includes(part)))
        .map(([app, ratio]) => ({
          message: `the throttler holds back ${app} for ${Math.round(ratio * 100)} % of the time`,
          place,
          remedy:
            'the copy is slow, or stands still, until the rule ends: ' +
            'vtctldclient UpdateThrottlerConfig --unthrottle-app',
        })),
    );
  },
});
