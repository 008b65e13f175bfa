import type { AlertingSettings } from './model';

const hidden = '***';
const hiddenAddress = 'https://hidden.invalid/';

/**
 * The settings as they may be shown: in own receivers what could be a secret is hidden. The system's own parts hold none.
 */
export function withoutSecrets(settings: AlertingSettings): AlertingSettings {
  const receivers = settings.own.receivers.map(
    ({ name, ...rest }) => ({ name, ...(hide(rest) as object) }) as AlertingSettings['own']['receivers'][number],
  );
  return { ...settings, own: { ...settings.own, receivers } };
}

function hide(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((each) => hide(each));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, hide(inner, name)]));
  if (typeof value !== 'string' || /_file$/.test(key)) return value;
  if (/(?:^|_)url$/.test(key)) return hiddenAddress;
  return /token|secret|password|credentials|(?:^|_)key$/.test(key) ? hidden : value;
}
