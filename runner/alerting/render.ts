import { inhibitRules } from './inhibition';
import { nodeScaling, scalingMatchers, scalingTimes, serviceScaling } from './job';
import { matcher } from './matchers';
import { messageTemplates } from './message';
import {
  directions,
  nobody,
  nodeScaler,
  people,
  peopleOf,
  scalerOf,
  severities,
  type AlertedService,
  type AlertingInput,
  type AlertingOutput,
  type AlertingSettings,
  type AlertRefusal,
  type Route,
} from './model';
import { channelOf, peopleReceivers, peopleRoutes, reachesPeople } from './people';
import { time } from './time';
import { writeConfiguration } from './write';

/** What the Swarm takes for names of services, and a bit more. */
const plainName = /^[\w.-]{1,200}$/;
const templateName = /^[A-Za-z0-9_-][A-Za-z0-9._-]*\.tmpl$/;
const ownTemplates = 'homeostat.tmpl';

/**
 * Alertmanager's whole configuration from what services say of themselves and the settings. The same input gives the
 * same bytes, in whatever order the services are.
 */
export function renderAlerting({ services, settings, templates }: AlertingInput): AlertingOutput {
  const refusals: AlertRefusal[] = [];
  const scaled = scaledServices(services, refusals);
  const { job, own } = settings;
  if (!job && scaled.length > 0)
    refusals.push(ofSettings('no job is set (job.url), so no service is scaled by alerts; people are told'));
  if (!reachesPeople(settings.slack) && own.receivers.length === 0)
    refusals.push(ofSettings('nobody is told of alerts: set slack.urlFile, or slack.tokenFile and slack.channel'));
  const scaling = job ? serviceScaling(scaled, settings, job) : { receivers: [], routes: [] };
  const nodes = job?.nodes === undefined ? { receivers: [], routes: [] } : nodeScaling(settings, job, job.nodes);
  const root: Route = {
    receiver: people,
    group_by: ['service', 'alertname'],
    group_wait: time(settings.group.wait),
    group_interval: time(settings.group.interval),
    repeat_interval: time(settings.repeat.people),
  };
  const others = [...nodes.routes, ...own.routes, ...endOfScaling(job ? scaled : []), ...peopleRoutes(settings)];
  const first = scaling.routes.length > 0 ? [scalingRoute] : [];
  const text = writeConfiguration(
    {
      templates: ['templates/*.tmpl'],
      route: { ...root, routes: [...first, ...others] },
      receivers: [...peopleReceivers(settings), { name: nobody }, ...nodes.receivers, ...own.receivers],
      inhibitRules: [...inhibitRules, ...own.inhibitRules],
      timeIntervals: own.timeIntervals,
    },
    scaling,
  );
  const route = { ...root, routes: [...first.map((each) => ({ ...each, routes: scaling.routes })), ...others] };
  const files: Record<string, string> = {
    'alertmanager.yml': text,
    [`templates/${ownTemplates}`]: messageTemplates(settings.externalUrl),
    ...ownTemplateFiles(templates, refusals),
  };
  return { files, refusals, route, destinations: destinationsOf(settings, scaled) };
}

const ofSettings = (message: string): AlertRefusal => ({ service: '', severity: 'warning', message });

/** Services with limits, by name; without limits nobody scales. */
function scaledServices(services: AlertedService[], refusals: AlertRefusal[]): AlertedService[] {
  const byName = new Map<string, AlertedService>();
  for (const service of services) {
    if (!service.scale) continue;
    if (plainName.test(service.name)) byName.set(service.name, service);
    else
      refusals.push({
        service: service.name,
        severity: 'error',
        message: 'has a name that alerts cannot be routed by; letters, digits, dots, dashes and underscores can',
      });
  }
  return [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** All scaling alerts; own routes see them as well. */
const scalingRoute: Route = {
  matchers: scalingMatchers,
  receiver: nobody,
  group_by: ['service', 'scale'],
  ...scalingTimes,
  continue: true,
};

/** Ends the way of alerts that the job got: people hear of the critical ones alone. */
function endOfScaling(scaled: AlertedService[]): Route[] {
  if (scaled.length === 0) return [];
  const names = scaled.map(({ name }) => name.replaceAll('.', '\\.')).join('|');
  return [
    {
      matchers: [...scalingMatchers, matcher('severity', '!=', 'critical'), matcher('service', '=~', names)],
      receiver: nobody,
    },
  ];
}

function ownTemplateFiles(templates: Record<string, string>, refusals: AlertRefusal[]): Record<string, string> {
  const files: Record<string, string> = {};
  for (const [name, text] of Object.entries(templates)) {
    if (name === ownTemplates || !templateName.test(name))
      refusals.push(
        ofSettings(`the template '${name}' is left out: its name has to be another one, such as team.tmpl`),
      );
    else files[`templates/${name}`] = text;
  }
  return files;
}

function destinationsOf(settings: AlertingSettings, scaled: AlertedService[]): Record<string, string> {
  const { job, slack, own } = settings;
  const told = (channel: string | undefined) =>
    reachesPeople(slack) ? `Slack${channel === undefined ? '' : ` ${channel}`}` : 'nobody';
  return Object.fromEntries([
    [people, told(channelOf(slack))],
    ...severities.map((severity) => [peopleOf(severity), told(channelOf(slack, severity))]),
    [nobody, 'nobody'],
    ...directions.flatMap((direction) => [
      ...(job ? scaled.map(({ name }) => [scalerOf(name, direction), `job ${job.name}, ${direction}`]) : []),
      ...(job?.nodes === undefined ? [] : [[nodeScaler(direction), `job ${job.nodes}, ${direction}`]]),
    ]),
    ...own.receivers.map(({ name }) => [name, name]),
  ]) as Record<string, string>;
}
