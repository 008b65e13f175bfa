import { groups, type Group } from '../runner/labels/definition';
import {
  definitionOf,
  highestIndex,
  labelNames,
  longestService,
  longestValue,
  mostLabels,
  mostRoutes,
  type LabelName,
} from '../runner/labels/table';

const prefix = 'com.df.';

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const code = (text: string) => `\`${text}\``;

const origins: Record<string, string> = {
  proxy: 'docker-flow-proxy',
  monitor: 'docker-flow-monitor',
  'swarm-listener': 'docker-flow-swarm-listener',
  scaler: 'docker-scaler',
  cron: 'docker-flow-cron',
  letsencrypt: 'docker-flow-proxy-letsencrypt',
};

function row(name: LabelName): string {
  const { form, meaning, default: fallback, example, indexed, dockerFlow } = definitionOf(name);
  const cells = [
    `${code(name)}${indexed ? ' ¹' : ''}`,
    form.name === 'text' ? meaning : `${meaning} Must be ${form.allowed}.`,
    fallback ?? '–',
    code(example),
    dockerFlow ? 'Docker Flow' : '0.1.0',
    dockerFlow ? `the same, of ${origins[dockerFlow]}` : '–',
  ];
  return `| ${cells.map(cell).join(' | ')} |`;
}

function section(group: Group): string[] {
  const names = labelNames.filter((name) => definitionOf(name).group === group);
  return [
    `## ${groups[group]}`,
    '',
    '| label | meaning | default | example | since | in Docker Flow |',
    '| --- | --- | --- | --- | --- | --- |',
    ...names.map(row),
    '',
  ];
}

/** docs/labels.md */
export const labelsPage = (): string =>
  [...introduction, ...(Object.keys(groups) as Group[]).flatMap(section), ...closing].join('\n');

const introduction = [
  '# Labels',
  '',
  'Generated from the tables in `runner/labels/`.',
  '',
  `A service says in its own labels how it is reached, what its metrics and alerts are, and how far it may be scaled. All names begin with \`${prefix}\` (a setting), and go under \`deploy.labels\` of a stack file, as a list or a map:`,
  '',
  '```yaml',
  'services:',
  '  shop:',
  '    image: registry.example.com/shop',
  '    deploy:',
  '      labels:',
  '        com.df.notify: "true"',
  '        com.df.port: "8080"',
  '        com.df.serviceDomain: shop.example.com',
  '```',
  '',
  '`homeostat labels stack.yml` says what the labels of a file mean and what is wrong with them, without a Swarm. `resources/schema/labels.json` lets editors complete and check them; in an editor with the YAML language server, begin the file with `# yaml-language-server: $schema=<path of that file>`.',
  '',
  'The tables below leave the prefix out.',
  '',
  '## How they are read',
  '',
  '- **Taking part.** `com.df.notify` must be `true`, in any case. Where the operator names another label for it, any value of that one but `false` will do. The limits of scaling hold without it.',
  '- **Indexes.** Labels marked ¹ take an index: `com.df.port.1`, `com.df.port.2` and so on, in any order and with gaps, up to ' +
    `${highestIndex}. Each index that any of these labels has is a route. What an index leaves out comes from the label without index, and then from the default. Where there is any index, the labels without one make no route of their own.`,
  '- **Alerts** have indexes of their own. An alert without index stands beside those with one, and then its values are not handed on; where `alertName` and `alertIf` are there only with index, the other labels without index hold for all alerts.',
  '- **A route by HTTP** needs a port (`port` or `httpsPort`) and a path or a domain. A domain alone stands for all of its paths. A port alone makes no route: that is how services are written that only have metrics. `srcPort` is not needed.',
  '- **A route by TCP** needs `port` and `srcPort`. **By SNI** it needs `port` and `serviceDomain`, and is on port 443 unless `srcPort` says otherwise; `pathType: req_ssl_sni -i -m reg` with the name in `servicePath`, as Docker Flow has it, works too.',
  '- **Lists** have commas between their items (a setting). Blanks at the ends of a value and of each item do not count. An empty value is the same as none. A backslash before a blank, which HAProxy’s own files need, is dropped. In header lists and `k=v` lists a comma that cannot begin a new item belongs to the item before it.',
  '- **Times** are seconds as a plain number, or have a unit: `500ms`, `20s`, `5m`, `1h`.',
  '- **Headers** to add or set are `Name value` or `Name: value`. The conditions `if { ssl_fc }` and `if !{ ssl_fc }` are known, others are refused.',
  '- **Paths** begin with a slash; one that was left out is put before, with a warning. Letters, digits and `-._~!$&()*+,;=:@%/` are allowed. With `pathType: path_reg` they are regular expressions of at most 500 characters.',
  '- **Domains** are compared without their port and as a whole, unless `serviceDomainAlgo` says otherwise. A star at the begin stands for anything.',
  '',
  '## What is wrong, and what happens then',
  '',
  '- **An error** leaves this version of the service out: its last good one stays, and no other service notices. It names the label, the value and what is allowed; passwords and keys are never shown.',
  '- **A warning** is told and changes nothing else: a name that nobody knows (with the nearest known one), a name of old, a label that cannot be honoured.',
  '- Labels under the prefix that nobody knows are kept: the monitor can use them as labels of its targets.',
  `- Limits: ${mostLabels} labels of a service, ${longestValue / 1024} kB a value (8 kB for \`backendExtra\`, \`userDef\` and \`users\`, 64 kB for \`serviceCert\`), ${longestService / 1024} kB together; ${mostRoutes} routes (paths, each with each domain).`,
  '- Line breaks are allowed in `serviceCert`, `backendExtra`, `userDef`, `users` and the labels of alerts; other control characters nowhere.',
  '',
];

const closing = [
  '## Other than in Docker Flow',
  '',
  '- There is no limit of ten indexes, and an index that is missing does not end the list.',
  '- `serviceDomain` is compared as a whole (`hdr(host)`), where Docker Flow’s last version took every host that begins with it. `serviceDomainAlgo: hdr_beg(host)` brings that back, for one service or, as a default of the controller, for all.',
  '- `httpsOnly.1=false` is honoured where `httpsOnly=true`.',
  '- A wrong boolean, number or time is an error, where Docker Flow took it for false or handed it on to HAProxy.',
  '- `notify` must be true for every reading, not only for events.',
  '- `templateFePath` and `templateBePath` name a template by its file name; the operator keeps them, and says which services may use them.',
  '',
];
