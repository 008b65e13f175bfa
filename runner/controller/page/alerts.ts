import { askAlertmanager } from '../../common/ask-alertmanager';
import type { Context } from '../../common/context';
import { messageOf } from '../../common/errors';

export interface FiringAlert {
  name: string;
  service: string;
  severity: string;
  summary: string;
  /** ISO time. */
  since: string;
  silenced: boolean;
  receivers: string[];
}

interface Alert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  startsAt: string;
  receivers: { name: string }[];
  status: { state: string };
}

/** Milliseconds that Alertmanager has, and alerts that are told. */
const limits = { answer: 2000, alerts: 200 };

/** The alerts that Alertmanager knows of, newest first; why, where it cannot be asked. */
export async function firingAlerts(
  url: string | undefined,
  context: Context,
): Promise<{ firing: FiringAlert[]; problem?: string }> {
  if (url === undefined) return { firing: [], problem: 'no Alertmanager is known (HOMEOSTAT_ALERTMANAGER)' };
  try {
    const path = 'alerts?active=true&unprocessed=true';
    const data = await askAlertmanager<Alert[]>(url, path, limits.answer, context);
    return { firing: data.map(alertOf).sort(newestFirst).slice(0, limits.alerts) };
  } catch (error) {
    return { firing: [], problem: `Alertmanager at ${url} cannot be asked: ${messageOf(error)}` };
  }
}

const alertOf = ({ labels, annotations, startsAt, receivers, status }: Alert): FiringAlert => ({
  name: labels.alertname ?? '',
  service: labels.service ?? '',
  severity: labels.severity ?? '',
  summary: annotations.summary ?? annotations.description ?? '',
  since: startsAt,
  silenced: status.state === 'suppressed',
  receivers: receivers.map(({ name }) => name),
});

const newestFirst = (a: FiringAlert, b: FiringAlert) => (a.since < b.since ? 1 : -1);
