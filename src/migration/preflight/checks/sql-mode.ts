import { defineCheck } from '../check.js';
import type { ServerFacts } from '../facts.js';

/** Both sides have the same `sql_mode`. */
export const sqlMode = defineCheck({
  name: 'sql-mode',
  severity: 'notice',
  needs: ['sourceServers', 'targetServers'],
  variables: ['sql_mode'],
  judge: ({ sourceServers: [source], targetServers }) =>
    targetServers.flatMap((target) => {
      if (source === undefined) return [];
      const [from, to] = [modesOf(source), modesOf(target)];
      const different = [
        ...from.filter((mode) => !to.includes(mode)).map((mode) => `-${mode}`),
        ...to.filter((mode) => !from.includes(mode)).map((mode) => `+${mode}`),
      ];
      if (different.length === 0) return [];
      return [
        {
          message: `sql_mode of the target differs from the source's: ${different.join(', ')}`,
          place: target.place,
          remedy: 'the copy does not depend on it; applications that write to the target may',
        },
      ];
    }),
});

function modesOf({ variables }: ServerFacts): string[] {
  return (variables['sql_mode'] ?? '').split(',').filter((mode) => mode !== '');
}
