import { fits, type Matcher } from '../alerting/matchers';
import { askAlertmanager } from '../common/ask-alertmanager';
import type { Context } from '../common/context';
import { messageOf } from '../common/errors';
import type { Direction, Hold } from './model';

/** Milliseconds that Alertmanager has for its answer: scaling does not wait for long. */
const answerLimit = 2000;

interface Silence {
  matchers: { name: string; value: string; isRegex: boolean; isEqual?: boolean }[];
  endsAt: string;
  createdBy: string;
  comment: string;
  status: { state: string };
}

interface Alert {
  fingerprint: string;
}

/** What Alertmanager says about a service; `firing` is undefined where nothing was asked about an alert. */
export interface AlertmanagerFacts {
  silences: Hold[];
  firing?: boolean;
}

/**
 * Asks Alertmanager for the silences of a service and whether an alert fires. When it cannot be asked, that is told, and
 * nothing is known.
 */
export async function askAboutService(
  url: string | undefined,
  service: string,
  fingerprint: string | undefined,
  context: Context,
): Promise<AlertmanagerFacts> {
  if (url === undefined) return { silences: [] };
  const { log, signal } = context;
  const get = <T>(path: string) => askAlertmanager<T>(url, path, answerLimit, context);
  try {
    const [silences, alerts] = await Promise.all([
      get<Silence[]>('silences'),
      fingerprint === undefined
        ? undefined
        : get<Alert[]>('alerts?active=true&silenced=false&inhibited=false&unprocessed=true'),
    ]);
    const firing = alerts?.some((each) => each.fingerprint === fingerprint);
    return { silences: silencesOf(service, silences), ...(firing === undefined ? {} : { firing }) };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    log.warn(`Alertmanager at ${url} cannot be asked for silences (${messageOf(error)}); it goes on without`);
    return { silences: [] };
  }
}

/** Labels that say which service and direction a silence is about; one that says more is about single alerts. */
const general = ['service', 'scale', 'receiver', 'type'];

/** The active silences that concern the scaling of a service as a whole, as holds. */
export function silencesOf(service: string, silences: Silence[]): Hold[] {
  return silences.flatMap((silence): Hold[] => {
    const matchers = silence.matchers.map(matcherOf);
    const named = matchers.some(({ label, operator }) => label === 'service' && !operator.startsWith('!'));
    if (silence.status.state !== 'active' || !named) return [];
    if (!matchers.every(({ label }) => general.includes(label))) return [];
    const about = (scale: Direction) => {
      const labels = { service, scale, receiver: 'system', type: 'service' };
      return matchers.every((each) => fits(each, labels));
    };
    const [up, down] = [about('up'), about('down')];
    if (!up && !down) return [];
    return [
      {
        until: Date.parse(silence.endsAt),
        by: silence.createdBy,
        reason: silence.comment,
        source: 'silence',
        ...(up && down ? {} : { only: up ? 'up' : 'down' }),
      },
    ];
  });
}

const matcherOf = ({ name, value, isRegex, isEqual = true }: Silence['matchers'][number]): Matcher => ({
  label: name,
  operator: isEqual ? (isRegex ? '=~' : '=') : isRegex ? '!~' : '!=',
  value,
});
