/**
 * The label by which a rule tells Alertmanager's routes what its alert means for others. Rules of the system carry it:
 * - `service-down`: a service has no task that runs; its other alerts about too few tasks and all scaling alerts are idle;
 * - `rollout`: a rollout of the service is stuck: it is not scaled meanwhile;
 * - `node-lost`: with the label `node`; what else is told of that node follows from it.
 */
export const conditionLabel = 'condition';
export const alertConditions = { serviceDown: 'service-down', rollout: 'rollout', nodeLost: 'node-lost' } as const;

/** `condition` of alerts that `service-down` makes idle, besides those that scale. */
export const fewTasks = 'few-tasks';
