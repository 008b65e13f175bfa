import { stringify } from 'yaml';
import type { Receiver, Route } from './model';

/** The configuration in the order in which it is written. */
export interface Configuration {
  templates: string[];
  route: Route;
  receivers: Receiver[];
  inhibitRules: Record<string, unknown>[];
  timeIntervals: Record<string, unknown>[];
}

/** Receivers that are all alike but for their names and addresses. */
export interface ScalingParts {
  routes: Route[];
  receivers: Receiver[];
}

/**
 * The text of alertmanager.yml. What is there once for each service is written from pieces, which takes a tenth of the
 * time; all of its words are names and addresses that need no quotes.
 * @param scaling routes that go into the first route, and receivers
 */
export function writeConfiguration(config: Configuration, scaling: ScalingParts): string {
  const { routes = [], ...root } = config.route;
  const [first, ...others] = scaling.routes.length > 0 ? routes : [undefined, ...routes];
  return [
    yaml({ templates: config.templates }),
    yaml({ route: root }),
    '  routes:\n',
    ...(first ? [indented(yaml([first]), 4), '      routes:\n', ...scaling.routes.map(routeText)] : []),
    indented(yaml(others), 4),
    yaml({ receivers: config.receivers }),
    ...receiverTexts(scaling.receivers),
    yaml({ inhibit_rules: config.inhibitRules }),
    ...(config.timeIntervals.length > 0 ? [yaml({ time_intervals: config.timeIntervals })] : []),
  ].join('');
}

const yaml = (value: unknown) => stringify(value, { lineWidth: 0, aliasDuplicateObjects: false, version: '1.1' });

const indented = (text: string, blanks: number) => text.replace(/^(?=.)/gm, ' '.repeat(blanks));

const routeText = ({ matchers = [], receiver, repeat_interval }: Route) =>
  `        - matchers:
${matchers.map((text) => `            - ${text}\n`).join('')}          receiver: ${receiver}
          repeat_interval: ${repeat_interval}
`;

/** The first is written in full; of the others only name and address are their own. */
function receiverTexts(receivers: Receiver[]): string[] {
  const [model] = receivers;
  if (!model) return [];
  const text = indented(yaml([{ ...model, name: 'NAME', webhook_configs: [{ ...webhookOf(model), url: 'URL' }] }]), 2);
  const [before, between, after] = text.split(/(?<=name: )NAME|(?<=url: )URL/);
  return receivers.map((receiver) => `${before}${receiver.name}${between}${webhookOf(receiver).url}${after}`);
}

const webhookOf = (receiver: Receiver) => (receiver.webhook_configs as { url: string }[])[0]!;
