import { defaultLabelSettings, type LabelledService } from '../labels/description';
import { compare } from './admit';

const variable = /^DFP_SERVICE_(?:(\d{1,4})_)?([A-Z][A-Z0-9_]*?)(?:_(\d{1,4}))?$/;

/**
 * Services outside the Swarm, as docker-flow-proxy's users name them: `DFP_SERVICE_1_SERVICE_NAME`, and each label as
 * `DFP_SERVICE_1_<LABEL>` in capitals with underscores, with its index behind (`DFP_SERVICE_1_SERVICE_PATH_2`). The number
 * is left out where there is one. Without OUTBOUND_HOSTNAME the service's name is its host.
 * @returns services with labels, as if the Swarm had them; those without a name are left out
 */
export function outsideServices(env: Record<string, string | undefined>): LabelledService[] {
  const { prefix, notifyLabel } = defaultLabelSettings;
  const found = new Map<string, Map<string, string>>();
  for (const [name, value] of Object.entries(env)) {
    const [, number = '', parameter, index] = variable.exec(name) ?? [];
    if (parameter === undefined || value === undefined) continue;
    const labels = found.get(number) ?? new Map<string, string>();
    labels.set(`${camelCase(parameter)}${index === undefined ? '' : `.${index}`}`, value);
    found.set(number, labels);
  }
  return [...found]
    .sort(([a], [b]) => Number(a) - Number(b))
    .flatMap(([, labels]): LabelledService[] => {
      const name = labels.get('serviceName');
      if (!name) return [];
      labels.delete('serviceName');
      if (!labels.has('outboundHostname')) labels.set('outboundHostname', name);
      const entries = [...labels].sort(([a], [b]) => compare(a, b));
      return [
        {
          name,
          labels: {
            [notifyLabel]: 'true',
            ...Object.fromEntries(entries.map(([label, value]) => [`${prefix}${label}`, value])),
          },
        },
      ];
    });
}

const camelCase = (words: string): string =>
  words.toLowerCase().replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
