import {
  defaultLabelSettings,
  type AlertDescription,
  type LabelledService,
  type LabelProblem,
  type LabelSettings,
  type ServiceDescription,
} from './description';
import { destinationsOf, routingLabels } from './destinations';
import { alertLabels, alertsOf, scrapeOf } from './monitor';
import { certificateOf, optionsOf } from './options';
import { readLabels, type Labels } from './reader';
import { scaleOf } from './scale';

export interface Described {
  takesPart: boolean;
  /** Absent where the service does not take part or a label of it is wrong. */
  description?: ServiceDescription;
  /** Those of a service that takes part, also where a label beside them is wrong: to be judged then, not acted on. */
  alerts?: AlertDescription[];
  problems: LabelProblem[];
}

/** Most problems that are told of one service. */
const mostProblems = 100;

/** Reads what a service says of itself in its labels. Never throws, whatever they hold. */
export function describeService(service: LabelledService, settings: LabelSettings = defaultLabelSettings): Described {
  if (!takesPart(service.labels, settings)) return { takesPart: false, problems: strangersProblems(service, settings) };
  const labels = readLabels(service.labels, settings);
  const description: ServiceDescription = {
    name: service.name,
    aclName: labels.get('aclName') ?? service.name,
    destinations: destinationsOf(labels),
    proxy: optionsOf(labels),
    scrape: scrapeOf(labels),
    alerts: alertsOf(labels),
    scale: scaleOf(labels),
    certificate: certificateOf(labels),
    shortName: labels.get('shortName') ?? false,
    reschedule: labels.get('reschedule') ?? false,
    others: labels.others,
  };
  const wrong = labels.problems.some(({ severity, costs }) => severity === 'error' && costs === undefined);
  return {
    takesPart: true,
    ...(wrong ? {} : { description }),
    alerts: description.alerts,
    problems: worstFirst(labels),
  };
}

const worstFirst = ({ problems }: Labels): LabelProblem[] =>
  [
    ...problems.filter(({ severity }) => severity === 'error'),
    ...problems.filter(({ severity }) => severity !== 'error'),
  ].slice(0, mostProblems);

/** `notify` must be true, in any case; of another label any value but false will do. */
function takesPart(labels: Record<string, string>, { prefix, notifyLabel }: LabelSettings): boolean {
  const value = Object.hasOwn(labels, notifyLabel) ? labels[notifyLabel]!.trim().toLowerCase() : '';
  return notifyLabel === `${prefix}notify` ? value === 'true' : value !== '' && value !== 'false';
}

/** A service that has labels for the proxy or the monitor but does not take part was most likely meant to. */
function strangersProblems({ labels }: LabelledService, settings: LabelSettings): LabelProblem[] {
  const { notifyLabel } = settings;
  const value = Object.hasOwn(labels, notifyLabel) ? labels[notifyLabel]!.trim() : '';
  if (/^false$/i.test(value)) return [];
  const warning = (label: string, message: string): LabelProblem => ({ severity: 'warning', label, message });
  if (value !== '')
    return [
      warning(notifyLabel, `${notifyLabel} is '${value.slice(0, 80)}'; a service takes part only where it is true`),
    ];
  const meant = [...routingLabels, 'scrapePort', ...alertLabels].flatMap((name) => {
    const pattern = `${settings.prefix}${name}`;
    return Object.keys(labels).filter((label) => label === pattern || label.startsWith(`${pattern}.`));
  });
  if (meant.length === 0) return [];
  return [
    warning(
      meant[0]!,
      `${meant[0]!.slice(0, 200)} has no effect: the service does not take part without ${notifyLabel}=true`,
    ),
  ];
}
