import { label, refused, type Form } from './definition';
import { boolean, choice, duration, integer, port, prometheusDuration, step, text, token } from './forms';
import { headers, pairs } from './lists';

const metricsPath: Form<string> = {
  name: 'path',
  allowed: 'a path that begins with /, without blanks or quotes',
  pattern: '/.*',
  read: (value) => (/^\/[^\s"'`\\]{0,500}$/.test(value) ? value : refused),
};

const alertName: Form<string> = {
  name: 'name',
  allowed: 'a name of letters, digits, dots, dashes and underscores (at most 128)',
  read: token.read,
};

const alert = <Value>(form: Form<Value>, meaning: string, example: string, fallback?: string) =>
  label({
    group: 'alerts',
    form,
    indexed: true,
    dockerFlow: 'monitor',
    raw: true,
    example,
    meaning,
    ...(fallback === undefined ? {} : { default: fallback }),
  });

const limit = (meaning: string, fallback: string) =>
  label({ group: 'scaling', form: integer(0, 10_000), dockerFlow: 'scaler', default: fallback, example: '4', meaning });

const steps = (meaning: string) =>
  label({ group: 'scaling', form: step, dockerFlow: 'scaler', default: '1', example: '2', meaning });

const wait = (meaning: string) =>
  label({ group: 'scaling', form: duration, default: 'as the system is set', example: '5m', meaning });

const nodes = (what: string, fallback: string) =>
  label({
    group: 'scaling',
    form: integer(0, 10_000),
    dockerFlow: 'scaler',
    default: fallback,
    example: '3',
    meaning: `For scaling nodes, read from the service whose alert fires: ${what}.`,
  });

const old = <Value>(form: Form<Value>, instead: string, example: string) =>
  label({
    group: 'deprecated',
    form,
    dockerFlow: 'proxy',
    example,
    remark: `is a name of old; write ${instead}`,
    meaning: `Name of old for ${instead}.`,
  });

const idle = (meaning: string, remark?: string) =>
  label({ group: 'idle', form: text, dockerFlow: 'proxy', example: 'true', meaning, ...(remark ? { remark } : {}) });

const cron = 'runs no scheduled jobs: this label of docker-flow-cron has no effect';

/** Labels about taking part, metrics, alerts and scaling; names of old; and what has no effect any more. */
export const systemLabels = {
  notify: label({
    group: 'system',
    form: text,
    dockerFlow: 'swarm-listener',
    default: 'false',
    example: 'true',
    meaning: 'The service takes part; without it its routes, metrics and alerts are not looked at.',
  }),
  shortName: label({
    group: 'system',
    form: boolean,
    dockerFlow: 'swarm-listener',
    default: 'false',
    example: 'true',
    meaning: 'Notices of the compatible API name the service without its stack.',
  }),
  scrapePort: label({
    group: 'scrape',
    form: port,
    dockerFlow: 'monitor',
    example: '9090',
    meaning: 'Port on which each task has its metrics.',
  }),
  metricsPath: label({
    group: 'scrape',
    form: metricsPath,
    dockerFlow: 'monitor',
    default: '/metrics',
    example: '/internal/metrics',
    meaning: 'Path of the metrics.',
  }),
  scrapeInterval: label({
    group: 'scrape',
    form: duration,
    dockerFlow: 'monitor',
    default: 'as the monitor is set',
    example: '30s',
    meaning: 'Time between two looks at the metrics.',
  }),
  scrapeTimeout: label({
    group: 'scrape',
    form: duration,
    dockerFlow: 'monitor',
    default: 'as the monitor is set',
    example: '5s',
    meaning: 'Longest time that one look may take; not more than `scrapeInterval`.',
  }),
  scrapeType: label({
    group: 'scrape',
    form: choice('tasks', 'dns_sd_configs', 'static_configs'),
    dockerFlow: 'monitor',
    default: 'tasks',
    example: 'static_configs',
    meaning: 'Looks at each task, or with `static_configs` at the service’s own address.',
  }),
  scrapeNetwork: label({
    group: 'scrape',
    form: token,
    dockerFlow: 'swarm-listener',
    default: 'the monitor’s network',
    example: 'monitor',
    meaning: 'Network on which the tasks’ addresses are looked up.',
  }),
  alertName: alert(alertName, 'Name of an alert; `alertIf` belongs to it.', 'memory'),
  alertIf: alert(
    text,
    'When it fires: PromQL, or a shortcut such as `@service_mem_limit:0.8`.',
    '@service_mem_limit:0.8',
  ),
  alertFor: alert(prometheusDuration, 'How long that must hold before it fires.', '30s', 'at once'),
  alertLabels: alert(pairs, 'Labels of the alert; they decide who gets it.', 'severity=high,receiver=system'),
  alertAnnotations: alert(pairs, 'What the notice says.', 'summary=Memory of the shop is above 80 percent'),
  alertPersistent: alert(boolean, 'The alert stays when the service goes away.', 'true', 'false'),
  scaleMin: limit('Fewest replicas that the service is scaled down to.', '1'),
  scaleMax: limit('Most replicas that the service is scaled up to.', '5, or `scaleMin` where that is more'),
  scaleUpBy: steps('Replicas, or percent of those that run, that are added at once.'),
  scaleDownBy: steps('Replicas, or percent of those that run, that are taken away at once.'),
  scaleCooldownUp: wait('Time after a change before replicas are added again.'),
  scaleCooldownDown: wait('Time after a change before replicas are taken away again.'),
  scaleStabilizationUp: wait('Time that an alert must hold before replicas are added.'),
  scaleStabilizationDown: wait('Time that an alert must hold before replicas are taken away.'),
  scaleStepLimit: label({
    group: 'scaling',
    form: integer(1, 10_000),
    default: 'none',
    example: '4',
    meaning: 'Most replicas that one change may add or take away, whatever the steps say.',
  }),
  scalePaused: label({
    group: 'scaling',
    form: choice('up', 'down', 'all', 'true', 'false'),
    default: 'false',
    example: 'down',
    meaning: 'Directions in which the service is not scaled while this label says so; `true` is the same as `all`.',
  }),
  reschedule: label({
    group: 'scaling',
    form: boolean,
    dockerFlow: 'scaler',
    default: 'false',
    example: 'true',
    meaning: 'Tasks are spread anew when nodes were added.',
  }),
  scaleManagerNodeMin: nodes('fewest managers', '3'),
  scaleManagerNodeMax: nodes('most managers', '7'),
  scaleManagerNodeUpBy: nodes('managers that are added at once', '1'),
  scaleManagerNodeDownBy: nodes('managers that are taken away at once', '1'),
  scaleWorkerNodeMin: nodes('fewest workers', '0'),
  scaleWorkerNodeMax: nodes('most workers', '5'),
  scaleWorkerNodeUpBy: nodes('workers that are added at once', '1'),
  scaleWorkerNodeDownBy: nodes('workers that are taken away at once', '1'),
  reqPathSearch: old(text, 'reqPathSearchReplace', '/something/'),
  reqPathReplace: old(text, 'reqPathSearchReplace', '/demo/'),
  addHeader: old(headers, 'addReqHeader', 'X-Via shop'),
  setHeader: old(headers, 'setReqHeader', 'X-Via shop'),
  serviceDomainMatchAll: old(boolean, 'serviceDomainAlgo: hdr_dom(host)', 'true'),
  distribute: idle(
    'Asked Docker Flow’s proxy to tell its replicas; here every proxy fetches its configuration itself.',
  ),
  xForwardedProto: idle(
    'Asked for the header X-Forwarded-Proto, which every request has now.',
    'is no longer needed: every request has X-Forwarded-Proto',
  ),
  discoveryType: idle(
    'Chose between the service’s address and its tasks; the proxy always knows each task.',
    'is no longer needed: the proxy always knows each task',
  ),
  checkResolvers: idle(
    'Had addresses checked again at run time, which is always done now.',
    'is no longer needed: addresses are always followed',
  ),
  skipCheck: idle('Left the checks out in a mode without Swarm, which is gone.', 'has no effect; see checkPath'),
  notifyService: idle('Was to choose who is told; it never did.', 'has no effect, as in Docker Flow'),
  consulTemplateFePath: idle('Was for Consul.', 'has no effect: there is no Consul; see templateFePath'),
  consulTemplateBePath: idle('Was for Consul.', 'has no effect: there is no Consul; see templateBePath'),
  cron: label({ ...idle('Made a service a scheduled job.', cron), dockerFlow: 'cron' }),
  'cron.name': label({ ...idle('Name of a scheduled job.', cron), dockerFlow: 'cron', example: 'backup' }),
  'cron.image': label({ ...idle('Image of a scheduled job.', cron), dockerFlow: 'cron', example: 'backup:1' }),
  'cron.schedule': label({ ...idle('When a job runs.', cron), dockerFlow: 'cron', example: '@every 1h' }),
  'cron.command': label({ ...idle('What a job runs.', cron), dockerFlow: 'cron', example: 'backup --all' }),
};
