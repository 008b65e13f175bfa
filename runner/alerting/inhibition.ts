import { alertConditions, conditionLabel, fewTasks } from '../common/alert-labels';
import { scalingMatchers } from './job';
import { matcher } from './matchers';

const is = (condition: string) => matcher(conditionLabel, '=', condition);

/** What is not told because something else is: only where the one follows from the other. */
export const inhibitRules: Record<string, unknown>[] = [
  // Whoever has no task needs a cure, not more or fewer tasks.
  ...[alertConditions.serviceDown, alertConditions.rollout].map((condition) => ({
    source_matchers: [is(condition)],
    target_matchers: [...scalingMatchers, matcher('service', '=~', '.+')],
    equal: ['service'],
  })),
  {
    source_matchers: [is(alertConditions.serviceDown)],
    target_matchers: [is(fewTasks), matcher('service', '=~', '.+')],
    equal: ['service'],
  },
  // A service that lacks tasks after that is told of: it may have lost them for another reason.
  {
    // Services cannot say so: their alerts bear their names.
    source_matchers: [is(alertConditions.nodeLost), matcher('service', '=', '')],
    target_matchers: [
      matcher('node', '=~', '.+'),
      matcher(conditionLabel, '!~', [alertConditions.nodeLost, alertConditions.serviceDown, fewTasks].join('|')),
    ],
    equal: ['node'],
  },
];
