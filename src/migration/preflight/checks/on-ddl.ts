import type { StreamOptions } from '../../input/stream-options.js';
import { targetPlace } from '../../plan/plan.js';
import { defineCheck } from '../check.js';

/** What the streams do with a statement that Vitess cannot assign to a table. */
const effects: Partial<Record<StreamOptions['onDdl'], string>> = {
  STOP: 'also stop the streams',
  EXEC: 'are also run on the target, and one that fails there stops the streams',
  EXEC_IGNORE: 'are also run on the target',
};

/** No other `onDdl` than IGNORE: the streams get every statement of the source that Vitess cannot parse. */
export const onDdl = defineCheck({
  name: 'on-ddl',
  severity: 'notice',
  needs: ['plan'],
  judge: ({ plan }) => {
    const effect = effects[plan.stream.onDdl];
    if (effect === undefined) return [];
    return [
      {
        message:
          `with on-ddl ${plan.stream.onDdl}, statements of the source about triggers, functions, events, users and ` +
          `roles ${effect}, whatever tables are moved: Vitess cannot parse them, and leaves none out`,
        place: targetPlace(plan),
        remedy: 'no action needed: run no such statements on the source meanwhile, or create with -on-ddl IGNORE',
      },
    ];
  },
});
