import { alertmanagerAddress } from './controller-environment';
import { exampleName, exampleRepository } from './example';
import type { SystemSettings } from './services';

/** The job by which services are scaled. */
export const scaleJob = 'service-scale';

/** The jobs of a fresh system: the example's pipeline, and scaling. JSON is YAML. */
export function jobsFile(settings: SystemSettings): string {
  const jobs = {
    [exampleName]: {
      description: 'The example service',
      repository: exampleRepository(settings.folder).url,
      branches: ['main'],
    },
    [scaleJob]: {
      description: 'Scales a service within its limits; Alertmanager asks for it',
      command: 'scale',
      quietPeriod: '0s',
      environment: { HOMEOSTAT_ALERTMANAGER: alertmanagerAddress },
      parameters: {
        service: { description: 'Name of the Swarm service' },
        scale: { description: 'up, down, a number of replicas, or how many more or fewer: +2, -1' },
        by: { description: 'For up and down: replicas or a percentage, instead of what the labels say' },
        id: { description: 'The same id twice is one request' },
        at: { description: 'When the alert was sent; what is old counts no more' },
      },
    },
  };
  return `${JSON.stringify({ executors: 2, keep: { builds: 50 }, jobs }, null, 2)}\n`;
}
