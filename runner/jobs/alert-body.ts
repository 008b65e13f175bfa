/** What a notification of Alertmanager says of the alerts that it is about. */
export interface AlertNotice {
  /** False when all alerts in it are over. */
  firing: boolean;
  /** Labels that all alerts have. */
  labels: Record<string, string>;
  /** Fingerprint and start of the alert that has been firing longest, as `<fingerprint>@<start>`. */
  id?: string;
}

interface Alert {
  status: string;
  fingerprint: string;
  startsAt: string;
}

type Labels = Record<string, unknown>;

const isObject = (value: unknown): value is Labels =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const textsOf = (labels: unknown): Record<string, string> =>
  isObject(labels)
    ? Object.fromEntries(
        Object.entries(labels).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
      )
    : {};

/**
 * Reads the body of a notification; undefined where it is none.
 * @see https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
 */
export function readNotice(body: string): AlertNotice | undefined {
  let document: unknown;
  try {
    document = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (!isObject(document) || !(isObject(document.groupLabels) || isObject(document.commonLabels))) return undefined;
  const labels = { ...textsOf(document.commonLabels), ...textsOf(document.groupLabels) };
  const alerts = (Array.isArray(document.alerts) ? document.alerts : []).filter(isAlert);
  const firing = alerts.filter(({ status }) => status !== 'resolved');
  const [oldest] = firing.sort((a, b) => compare(a.startsAt, b.startsAt) || compare(a.fingerprint, b.fingerprint));
  const over = document.status === 'resolved' || (alerts.length > 0 && firing.length === 0);
  return { firing: !over, labels, ...(oldest ? { id: idOf(oldest) } : {}) };
}

const compare = (one: string, other: string) => (one < other ? -1 : one > other ? 1 : 0);

const isAlert = (value: unknown): value is Alert =>
  isObject(value) &&
  typeof value.fingerprint === 'string' &&
  /^[0-9a-f]{16}$/.test(value.fingerprint) &&
  typeof value.startsAt === 'string' &&
  !Number.isNaN(Date.parse(value.startsAt));

const idOf = ({ fingerprint, startsAt }: Alert) => `${fingerprint}@${new Date(startsAt).toISOString()}`;

/**
 * What the notice says for a job's parameters: its labels, its id, and when it came. The time is told to the minute, so that
 * repeats of a notice that waits fold into it.
 */
export function parametersOf({ labels, id }: AlertNotice, now: Date): Record<string, string> {
  const minute = new Date(Math.ceil(now.getTime() / 60_000) * 60_000).toISOString();
  return { ...labels, ...(id === undefined ? {} : { id }), at: minute };
}
