import { jobPath } from '../common/job-path';
import { time } from './time';
import {
  directions,
  nodeScaler,
  scalerOf,
  type AlertedService,
  type AlertingSettings,
  type Direction,
  type JobSettings,
  type Receiver,
  type Route,
} from './model';
import { matcher } from './matchers';

/**
 * Alertmanager repeats at the first multiple of this after the cooldown is over, and tries again so often while the job
 * server is away.
 */
const scalingInterval = 5000;
const scalingWait = 1000;
/** Most alerts in the body of a request; the job looks at the address only. */
const mostAlerts = 20;

/** What the machine does itself: `receiver=system` with a direction, and not about nodes. */
export const scalingMatchers = [
  matcher('receiver', '=', 'system'),
  matcher('scale', '=~', 'up|down'),
  matcher('type', '!=', 'node'),
];

/** The address that starts the job with parameters, without Jenkins' quiet period. */
export function jobUrl(job: JobSettings, name: string, parameters: Record<string, string>): string {
  const query = new URLSearchParams({ ...parameters, delay: '0sec' }).toString().replaceAll('+', '%20');
  return `${job.url.replace(/\/+$/, '')}/${jobPath(name)}/buildWithParameters?${query}`;
}

function jobReceiver(job: JobSettings, receiver: string, name: string, parameters: Record<string, string>): Receiver {
  return {
    name: receiver,
    webhook_configs: [
      {
        url: jobUrl(job, name, parameters),
        send_resolved: false,
        max_alerts: mostAlerts,
        http_config: {
          ...credentialsOf(job),
          ...(job.caFile === undefined ? {} : { tls_config: { ca_file: job.caFile } }),
        },
      },
    ],
  };
}

function credentialsOf({ user, tokenFile }: JobSettings) {
  if (tokenFile === undefined) return {};
  if (user === undefined) return { authorization: { type: 'Bearer', credentials_file: tokenFile } };
  return { basic_auth: { username: user, password_file: tokenFile } };
}

const directed = (direction: Direction) => matcher('scale', '=', direction);

/** One receiver for each service and direction: Alertmanager 0.25 cannot put labels into an address. */
export function serviceScaling(services: AlertedService[], settings: AlertingSettings, job: JobSettings) {
  const receivers = services.flatMap(({ name }) =>
    directions.map((scale) => jobReceiver(job, scalerOf(name, scale), job.name, { service: name, scale })),
  );
  const routes = services.flatMap((service) =>
    directions.map((direction): Route => ({
      matchers: [matcher('service', '=', service.name), directed(direction)],
      receiver: scalerOf(service.name, direction),
      repeat_interval: time(Math.max(cooldownOf(service, direction, settings), scalingInterval)),
    })),
  );
  return { receivers, routes };
}

const cooldownOf = ({ scale }: AlertedService, direction: Direction, { repeat }: AlertingSettings): number =>
  (direction === 'up' ? scale?.cooldownUp : scale?.cooldownDown) ?? repeat[direction];

/** The same request again is sent when the cooldown is over, and what failed soon. */
export const scalingTimes = {
  group_wait: time(scalingWait),
  group_interval: time(scalingInterval),
};

/** One request for all alerts that want nodes added, or removed; people are told as well. */
export function nodeScaling(settings: AlertingSettings, job: JobSettings, name: string) {
  return {
    receivers: directions.map((scale) => jobReceiver(job, nodeScaler(scale), name, { type: 'node', scale })),
    routes: directions.map((direction): Route => ({
      matchers: [matcher('receiver', '=', 'system'), matcher('type', '=', 'node'), directed(direction)],
      receiver: nodeScaler(direction),
      group_by: ['type', 'scale'],
      ...scalingTimes,
      repeat_interval: time(settings.repeat.nodes),
      continue: true,
    })),
  };
}
