import axios from 'axios';
import type { Context } from '../common/context';
import { messageOf } from '../common/errors';
import type { Service } from '../swarm/types';
import { controllerClient, controllerLabel } from './controller-client';
import { alertmanagerLabel, prometheusLabel } from './monitor';

/** Prometheus or Alertmanager as its agent tells it. */
export interface MonitorEngine {
  engine: string;
  engineVersion: string;
  running: string;
  behind: boolean;
  refused?: { revision: string; message: string };
  problem?: string;
}

export interface DownTarget {
  job: string;
  instance: string;
  error: string;
}

/** An alert that fires, or soon will. */
export interface ActiveAlert {
  name: string;
  service?: string;
  severity: string;
  state: 'pending' | 'firing';
  /** Since when its condition holds. */
  since: string;
  summary: string;
  /** Alertmanager holds it back: by a silence, or because something else fires. */
  silenced: boolean;
  /** Who gets it, in words; none while it is pending or where that is not known. */
  to: string[];
  /** The machine acts on it, not a person. */
  scales: boolean;
}

/** A rule of a service, and who gets its alert, in words. */
export interface AlertRoute {
  name: string;
  service: string;
  to: string[];
}

export interface MonitorStatus {
  /** What could not be asked, and why. */
  problems: string[];
  engines: MonitorEngine[];
  targets: { up: number; down: DownTarget[] };
  alerts: ActiveAlert[];
  rules: AlertRoute[];
}

interface Monitoring {
  engines: MonitorEngine[];
  alerts: { service: string; alert: string; receivers: string[] }[];
  destinations: Record<string, string>;
}
interface PrometheusTargets {
  data: { activeTargets: { labels: Record<string, string>; health: string; lastError: string }[] };
}
interface PrometheusAlerts {
  data: {
    alerts: {
      labels: Record<string, string>;
      annotations: Record<string, string>;
      state: 'pending' | 'firing';
      activeAt: string;
    }[];
  };
}
export interface TakenAlert {
  labels: Record<string, string>;
  receivers: { name: string }[];
  status: { state: string };
}

const answerLimit = 5000;

/** What is measured, what fires and who is told: as Prometheus, Alertmanager and the controller say, where they are. */
export async function readMonitor(services: Service[], context: Context): Promise<MonitorStatus | undefined> {
  const find = (label: string) => services.find(({ Spec }) => Spec.Labels?.[label] !== undefined);
  const [prometheus, alertmanager, controller] = [prometheusLabel, alertmanagerLabel, controllerLabel].map(find);
  if (!prometheus && !alertmanager) return undefined;
  const problems: string[] = [];
  const asked = async <T>(who: string, service: Service | undefined, ask: (service: Service) => Promise<T>) => {
    try {
      if (service) return await ask(service);
      problems.push(`there is no ${who}`);
    } catch (error) {
      if (context.signal.aborted) throw context.signal.reason;
      problems.push(`${who === 'controller' ? 'the controller' : who} does not answer: ${messageOf(error)}`);
    }
    return undefined;
  };
  const [targets, active, taken, monitoring] = await Promise.all([
    asked('Prometheus', prometheus, get<PrometheusTargets>('/api/v1/targets?state=active', context)),
    asked('Prometheus', prometheus, get<PrometheusAlerts>('/api/v1/alerts', context)),
    asked('Alertmanager', alertmanager, get<TakenAlert[]>('/api/v2/alerts', context)),
    asked('controller', controller, async (service) => {
      const http = await controllerClient(service, context);
      return (await http.get<Monitoring>('/v1/monitoring')).data;
    }),
  ]);
  return {
    problems: [...new Set(problems)],
    engines: monitoring?.engines ?? [],
    targets: countTargets(targets?.data.activeTargets ?? []),
    alerts: activeAlerts(active?.data.alerts ?? [], taken ?? [], monitoring?.destinations ?? {}),
    rules: (monitoring?.alerts ?? []).map(({ alert, service, receivers }) => ({
      name: alert,
      service,
      to: inWords(receivers, monitoring!.destinations),
    })),
  };
}

/** Asks at the port that the service has on this node. */
const get =
  <T>(path: string, { signal }: Context) =>
  async ({ Spec }: Service): Promise<T> =>
    (
      await axios.get<T>(`http://127.0.0.1:${Spec.Labels?.['com.df.srcPort']}${path}`, {
        ...{ signal, timeout: answerLimit, proxy: false },
      })
    ).data;

function countTargets(targets: PrometheusTargets['data']['activeTargets']): MonitorStatus['targets'] {
  // One that was not looked at yet is neither.
  const down = targets.filter(({ health }) => health === 'down');
  return {
    up: targets.filter(({ health }) => health === 'up').length,
    down: down.map(({ labels, lastError }) => ({
      job: labels.job ?? '',
      instance: labels.instance ?? '',
      error: lastError,
    })),
  };
}

/** The alerts of Prometheus with what Alertmanager has made of them; those that fire come first, then by name. */
export function activeAlerts(
  alerts: PrometheusAlerts['data']['alerts'],
  taken: TakenAlert[],
  destinations: Record<string, string>,
): ActiveAlert[] {
  const known = new Map(taken.map((each) => [keyOf(each.labels), each]));
  return alerts
    .map(({ labels, annotations, state, activeAt }): ActiveAlert => {
      const at = state === 'firing' ? known.get(keyOf(labels)) : undefined;
      return {
        name: labels.alertname ?? '',
        ...(labels.service === undefined ? {} : { service: labels.service }),
        severity: labels.severity ?? '',
        state,
        since: activeAt,
        summary: annotations.summary ?? '',
        silenced: at?.status.state === 'suppressed',
        to: inWords(at?.receivers.map(({ name }) => name) ?? [], destinations),
        scales: labels.receiver === 'system' && labels.scale !== undefined,
      };
    })
    .sort((a, b) => a.state.localeCompare(b.state) || a.name.localeCompare(b.name));
}

const keyOf = (labels: Record<string, string>) => JSON.stringify(Object.entries(labels).sort());

/** Nobody is only told where there is nobody else. */
function inWords(receivers: string[], destinations: Record<string, string>): string[] {
  const words = [...new Set(receivers.map((name) => destinations[name] ?? name))];
  const others = words.filter((each) => each !== 'nobody');
  return others.length > 0 ? others : words;
}
