import { matcher } from './matchers';
import {
  people,
  peopleOf,
  severities,
  type AlertingSettings,
  type Receiver,
  type Route,
  type Severity,
  type SlackSettings,
} from './model';
import { time } from './time';

/** Whether there is a way to reach people at all. */
export const reachesPeople = ({ urlFile, tokenFile, ...slack }: SlackSettings): boolean =>
  urlFile !== undefined || (tokenFile !== undefined && channelsOf(slack).length > 0);

const channelsOf = ({ channel, channels }: Pick<SlackSettings, 'channel' | 'channels'>) =>
  [channel, ...Object.values(channels)].filter((each) => each !== undefined);

export const channelOf = ({ channel, channels }: SlackSettings, severity?: Severity): string | undefined =>
  (severity === undefined ? undefined : channels[severity]) ?? channel ?? channels.warning ?? channels.critical;

/** Receivers of people: one for each severity, and one for alerts that have none of these. */
export const peopleReceivers = ({ slack }: AlertingSettings): Receiver[] =>
  [undefined, ...severities].map((severity) => ({
    name: severity === undefined ? people : peopleOf(severity),
    ...(reachesPeople(slack) ? { slack_configs: [slackConfiguration(slack, severity)] } : {}),
  }));

/** The last one is for all: the root's own receiver gets nothing once a route before has said `continue`. */
export const peopleRoutes = ({ repeat }: AlertingSettings): Route[] => [
  ...severities.map((severity) => ({
    matchers: [matcher('severity', '=', severity)],
    receiver: peopleOf(severity),
    ...(severity === 'critical' ? { repeat_interval: time(repeat.critical) } : {}),
  })),
  { receiver: people },
];

/** https://prometheus.io/docs/alerting/0.25/configuration/#slack_config; the texts are in templates/homeostat.tmpl. */
function slackConfiguration(slack: SlackSettings, severity: Severity | undefined) {
  const { urlFile, tokenFile, apiUrl } = slack;
  const channel = channelOf(slack, severity);
  return {
    ...(urlFile === undefined
      ? {
          api_url: apiUrl,
          http_config: { authorization: { type: 'Bearer', credentials_file: tokenFile } },
        }
      : { api_url_file: urlFile }),
    ...(channel === undefined ? {} : { channel }),
    send_resolved: true,
    username: 'homeostat',
    color: '{{ template "homeostat.color" . }}',
    title: '{{ template "homeostat.title" . }}',
    title_link: '{{ template "homeostat.link" . }}',
    fallback: '{{ template "homeostat.title" . }}',
    text: '{{ template "homeostat.text" . }}',
    mrkdwn_in: ['text'],
  };
}
