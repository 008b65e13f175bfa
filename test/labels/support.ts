import { describeService } from '../../runner/labels/describe';
import { defaultLabelSettings, type Destination, type LabelSettings } from '../../runner/labels/description';

/** Labels without their prefix, of a service that takes part. */
export function describe(labels: Record<string, string>, settings: Partial<LabelSettings> = {}) {
  const all = { ...defaultLabelSettings, ...settings };
  const full = Object.fromEntries(Object.entries(labels).map(([name, value]) => [`${all.prefix}${name}`, value]));
  return describeService({ name: 'shop_web', stack: 'shop', labels: { [all.notifyLabel]: 'true', ...full } }, all);
}

/** The routes; an error is thrown, so that no test mistakes it for a service without routes. */
export function routes(labels: Record<string, string>, settings?: Partial<LabelSettings>): Destination[] {
  const { description, problems } = describe(labels, settings);
  if (!description) throw new Error(problems.map(({ message }) => message).join('\n'));
  return description.destinations;
}

export const route = (labels: Record<string, string>) => routes({ port: '8080', servicePath: '/', ...labels })[0]!;

export const errors = (labels: Record<string, string>, settings?: Partial<LabelSettings>) =>
  describe(labels, settings)
    .problems.filter(({ severity }) => severity === 'error')
    .map(({ message }) => message);

export const warnings = (labels: Record<string, string>, settings?: Partial<LabelSettings>) =>
  describe(labels, settings)
    .problems.filter(({ severity }) => severity === 'warning')
    .map(({ message }) => message);
