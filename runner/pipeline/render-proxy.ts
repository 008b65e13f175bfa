import type { Context } from '../common/context';
import { fail } from '../common/errors';
import { type HeaderValue, type ServiceDescription } from '../labels/description';
import { withoutSecrets } from '../labels/redact';
import { httpCheckOf } from '../proxy/healthcheck';
import type { HttpCheck, ProxiedService, ProxyOutput, ProxySettings } from '../proxy/model';
import { renderProxy } from '../proxy/render';
import { proxySettings } from '../proxy/settings';
import { slotsFor } from '../proxy/slots';
import { describedStacks } from './described-stacks';
import type { StackLabels } from './stack-labels';

const hidden = '***';

const note = `# What the labels of stack files give, to be looked at: passwords are shown as ${hidden}, and certificates are left out.\n`;

/**
 * The proxy's configuration that stack files would give, with the settings of the environment; without passwords and
 * keys, and such that `haproxy -c` takes it wherever it lies.
 * @throws LABELS_INVALID listing every wrong label and every route that cannot be had, USAGE_INVALID for the settings
 */
export async function renderStacks(files: string[], context: Context): Promise<ProxyOutput> {
  const { settings, problems } = proxySettings(context.env);
  if (problems.length > 0)
    fail('USAGE_INVALID', 'the settings of the proxy are wrong', {
      evidence: problems.map(({ message }) => message),
      remedy: 'Correct the variables named; docs/controller.md explains each.',
    });
  const services = (await describedStacks(files, context)).services
    .filter(({ stack }) => stack.replicas !== 0)
    .map(({ stack, description }) => proxied(stack, withoutPasswords(description)));
  const output = renderProxy({ services, certificates: [], settings: withoutSettingSecrets(settings) });
  const refused = output.refusals.filter(({ severity }) => severity === 'error');
  for (const { service, severity, message } of output.refusals)
    if (severity === 'warning') context.log.warn(`${service}: ${message}`);
  if (refused.length > 0)
    fail('LABELS_INVALID', 'not every route can be had', {
      evidence: refused.map(({ service, message }) => `${service}: ${message}`),
    });
  return { ...output, files: { ...output.files, 'haproxy.cfg': `${note}${output.files['haproxy.cfg']}` } };
}

function proxied(stack: StackLabels, description: ServiceDescription): ProxiedService {
  const check = checkOf(description.proxy.checkPath, stack.healthcheck);
  const { usersSecret, userNames = [] } = description.proxy;
  const names = userNames.length > 0 ? userNames : ['users-of-the-secret'];
  return {
    description,
    createdAt: '',
    slots: slotsFor({ ...stack.update, replicas: stack.replicas, maximum: description.scale?.maximum }),
    ...(check ? { check } : {}),
    ...(usersSecret === undefined && userNames.length === 0
      ? {}
      : { secretUsers: names.map((name) => ({ name, password: hidden })) }),
  };
}

function checkOf(checkPath: string, test: string[] | undefined): HttpCheck | undefined {
  if (checkPath === 'none') return undefined;
  return checkPath === 'auto' ? httpCheckOf(test) : { path: checkPath };
}

/** Headers that hold what nobody else may know. */
const secretHeader = /authorization|cookie|token|secret|password|api-?key/i;

function withoutPasswords(description: ServiceDescription): ServiceDescription {
  const redacted = withoutSecrets(description);
  const { serviceCertificate: _, headers, ...proxy } = redacted.proxy;
  const hide = (values: HeaderValue[]) =>
    values.map((each) => (secretHeader.test(each.name) ? { ...each, value: hidden } : each));
  const { request, response } = headers;
  return {
    ...redacted,
    proxy: {
      ...proxy,
      headers: {
        request: { ...request, add: hide(request.add), set: hide(request.set) },
        response: { ...response, add: hide(response.add), set: hide(response.set) },
      },
    },
  };
}

function withoutSettingSecrets(settings: ProxySettings): ProxySettings {
  return {
    ...settings,
    serverState: false,
    users: settings.users.map((user) => ({ ...user, password: hidden })),
    ...(settings.stats ? { stats: { ...settings.stats, password: hidden } } : {}),
  };
}
