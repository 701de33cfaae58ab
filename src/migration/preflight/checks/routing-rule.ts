import { targetPlace, tableNames, type Plan } from '../../plan/plan.js';
import { defineCheck, type Found } from '../check.js';
import type { RoutingFacts } from '../facts.js';

/** No routing rule leads away from the target's tables: vtgate would read other tables than those that were moved. */
export const routingRule = defineCheck({
  name: 'routing-rule',
  severity: 'error',
  needs: ['plan', 'routingRules'],
  again: 'complete',
  judge: ({ plan, routingRules }) => [
    ...judgeTableRules(plan, routingRules.tables),
    ...routingRules.keyspaces
      .filter(({ from, to }) => from.replace(/@\w+$/, '') === plan.target.keyspace && to !== plan.target.keyspace)
      .map(({ from, to }) => ({
        message: `a keyspace routing rule sends ${from} to ${to}`,
        place: targetPlace(plan),
        remedy: remedyWith('ApplyKeyspaceRoutingRules'),
      })),
  ],
});

function judgeTableRules(plan: Plan, rules: RoutingFacts['tables']): Found[] {
  const moved = new Set(tableNames(plan));
  const prefix = `${plan.target.keyspace}.`;
  return rules.flatMap(({ from, to }) => {
    if (!from.startsWith(prefix)) return [];
    const table = from.slice(prefix.length).replace(/@\w+$/, '');
    if (!moved.has(table) || (to.length === 1 && to[0] === `${prefix}${table}`)) return [];
    return [
      {
        message: `a routing rule sends ${from} to ${to.join(', ') || 'nowhere'}`,
        place: targetPlace(plan, { table }),
        remedy: remedyWith('ApplyRoutingRules'),
      },
    ];
  });
}

function remedyWith(command: string): string {
  return `finish the workflow that made the rule, or remove the rule (vtctldclient ${command})`;
}
