import type { Environment } from '../common/context';
import { SettingsReader, type SettingProblem } from '../common/settings-reader';

/** Who may decide, where a question does not say it. */
export interface DeciderSettings {
  deciders: string[];
  selfApproval: boolean;
  /** Names of a group's members by the group's name. */
  groups: Record<string, string[]>;
}

/** Where Slack is and how it is reached; undefined without a token. */
export interface SlackSettings {
  token: string;
  /** Undefined: buttons cannot be answered. */
  signingSecret?: string;
  channel: string;
  url: string;
}

/** Where inputs of builds are released; undefined without an address. */
export interface JenkinsSettings {
  url: string;
  user: string;
  token: string;
  /** With the certificate of its authority. */
  caFile?: string;
}

export interface PeopleSettings extends DeciderSettings {
  slack?: SlackSettings;
  jenkins?: JenkinsSettings;
}

const slackAddress = 'https://slack.com/api/';

/** Settings of questions and of where people are reached, with all that is wrong. */
export function peopleSettings(env: Environment): { settings: PeopleSettings; problems: SettingProblem[] } {
  const reader = new SettingsReader(env);
  const slack = slackSettings(reader);
  const jenkins = jenkinsSettings(reader);
  const settings = {
    ...deciderSettings(reader),
    ...(slack ? { slack } : {}),
    ...(jenkins ? { jenkins } : {}),
  };
  return { settings, problems: reader.problems };
}

/** Who may decide, for those who ask and answer; what is wrong is left out. */
export const decidersOf = (env: Environment): DeciderSettings => deciderSettings(new SettingsReader(env));

function deciderSettings(reader: SettingsReader): DeciderSettings {
  const groups: Record<string, string[]> = {};
  for (const group of reader.list('HOMEOSTAT_GROUPS', ';')) {
    const [, name, members] = /^([^=,\s]+)=(.+)$/.exec(group) ?? [];
    if (name === undefined || members === undefined)
      reader.refuse('HOMEOSTAT_GROUPS', group, 'groups with their members, such as ops=ada,U024BE7LH;shop=grace');
    else groups[name] = members.split(',').map((each) => each.trim());
  }
  return {
    deciders: reader.list('HOMEOSTAT_DECIDERS'),
    selfApproval: reader.flag('HOMEOSTAT_SELF_APPROVAL') ?? false,
    groups,
  };
}

function slackSettings(reader: SettingsReader): SlackSettings | undefined {
  const token = reader.text('HOMEOSTAT_SLACK_TOKEN');
  const channel = reader.text('HOMEOSTAT_SLACK_CHANNEL');
  const signingSecret = reader.text('HOMEOSTAT_SLACK_SIGNING_SECRET');
  const url = address(reader, 'HOMEOSTAT_SLACK_URL') ?? slackAddress;
  if (token === undefined) return undefined;
  if (channel === undefined) {
    reader.refuse('HOMEOSTAT_SLACK_CHANNEL', '', "a channel's id, such as C0123456789, since there is a token");
    return undefined;
  }
  return { token, channel, url, ...(signingSecret === undefined ? {} : { signingSecret }) };
}

function jenkinsSettings(reader: SettingsReader): JenkinsSettings | undefined {
  const url = address(reader, 'HOMEOSTAT_JENKINS_URL');
  const user = reader.text('HOMEOSTAT_JENKINS_USER');
  const token = reader.text('HOMEOSTAT_JENKINS_TOKEN');
  if (url === undefined) return undefined;
  const caFile = reader.text('HOMEOSTAT_JENKINS_CA');
  if (user !== undefined && token !== undefined) return { url, user, token, ...(caFile ? { caFile } : {}) };
  reader.refuse('HOMEOSTAT_JENKINS_URL', url, 'an address together with HOMEOSTAT_JENKINS_USER and _TOKEN');
  return undefined;
}

/** With a slash at its end. */
function address(reader: SettingsReader, variable: string): string | undefined {
  const value = reader.text(variable);
  if (value === undefined) return undefined;
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url && /^https?:$/.test(url.protocol) && !url.username) return value.endsWith('/') ? value : `${value}/`;
  return reader.refuse(variable, value, 'an address with http:// or https:// and without a password');
}

/** All names under which somebody is known: his own and those of his groups. */
export const namesOf = (names: string[], groups: Record<string, string[]>): string[] => [
  ...names,
  ...Object.entries(groups).flatMap(([group, members]) =>
    members.some((member) => names.includes(member)) ? [group] : [],
  ),
];
